#include <string>
#include <vector>

#include "batch_sizes.hpp"
#include "data_helpers.hpp"
#include <gtest/gtest.h>

namespace lockstep {
namespace {

using test::is_bad_input;
using Sizes = std::vector<Index>;

TEST(BatchSizes, AreListsAndRanges) {
  EXPECT_EQ(parse_batch_sizes("64"), (Sizes{64}));
  EXPECT_EQ(parse_batch_sizes("200, 16,64,16"), (Sizes{16, 64, 200}));
  EXPECT_EQ(parse_batch_sizes("16:16384:x4"), (Sizes{16, 64, 256, 1024, 4096, 16384}));
  EXPECT_EQ(parse_batch_sizes("3:20:x2"), (Sizes{3, 6, 12}));
  EXPECT_EQ(parse_batch_sizes("5:5:x2"), (Sizes{5}));
  EXPECT_EQ(parse_batch_sizes("1000, 2:8:x2"), (Sizes{2, 4, 8, 1000}));
  EXPECT_EQ(parse_batch_sizes("1:1099511627776:x1099511627776"), (Sizes{1, 1099511627776}));
}

TEST(BatchSizes, AreRefusedInAnyOtherForm) {
  for (const std::string text :
       {"", ",", "16,", "0", "-4", "1.5", "many", "16:64", "16:64:4", "16:64:x1", "16:64:x0", "64:16:x4",
        "0:16:x4", "16::x4", "16:64:x4:x4", "1e3", "1099511627777"}) {
    EXPECT_TRUE(is_bad_input([&] { parse_batch_sizes(text); }, {"--batch-sizes " + text + ": expected"}))
        << text;
  }
}

}  // namespace
}  // namespace lockstep
