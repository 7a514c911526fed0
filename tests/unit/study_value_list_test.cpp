#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "data_helpers.hpp"
#include "study/sweep/value_list.hpp"

namespace lockstep {
namespace {

using test::is_bad_input;
using Numbers = std::vector<Index>;

constexpr Index kMost = 100'000'000'000;

Numbers parse(const std::string& text) { return parse_whole_numbers("--sizes", text, kMost, "samples"); }

TEST(ParseWholeNumbers, TakesListsAndRanges) {
  EXPECT_EQ(parse("64"), (Numbers{64}));
  EXPECT_EQ(parse("200, 16,64,16"), (Numbers{16, 64, 200}));
  EXPECT_EQ(parse("16:16384:x4"), (Numbers{16, 64, 256, 1024, 4096, 16384}));
  EXPECT_EQ(parse("3:20:x2"), (Numbers{3, 6, 12}));
  EXPECT_EQ(parse("1000, 2:8:x2"), (Numbers{2, 4, 8, 1000}));
  EXPECT_EQ(parse("10:30:lin3 | 1:100:log3"), (Numbers{1, 10, 20, 30, 100}));
  EXPECT_EQ(parse("1:100000000000:x100000000000"), (Numbers{1, kMost}));
}

TEST(ParseWholeNumbers, RefusesAnythingElse) {
  for (const std::string text :
       {"", ",", "16,", "0", "-4", "1.5", "many", "16:64", "16:64:4", "16:64:x1", "16:64:x0", "64:16:x4",
        "5:5:x2", "0:16:x4", "1:2:lin3", "16::x4", "16:64:x4:x4", "1e3", "100000000001"}) {
    EXPECT_TRUE(is_bad_input([&] { parse(text); }, {"--sizes " + text + ": "})) << text;
  }
}

}  // namespace
}  // namespace lockstep
