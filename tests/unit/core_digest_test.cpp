#include <span>
#include <string>

#include <gtest/gtest.h>

#include "core/digest.hpp"

namespace lockstep {
namespace {

std::string digest_of(std::string_view text) { return lockstep::digest_of(std::as_bytes(std::span(text))); }

TEST(Digest, IsXxh3With128Bits) {
  EXPECT_EQ(Digest().text(), "99aa06d3014798d86001c324468d497f");
  EXPECT_EQ(digest_of(""), "99aa06d3014798d86001c324468d497f");
  EXPECT_EQ(digest_of("abc"), "06b05ab6733a618578af5f94892f3950");
}

TEST(Digest, DoesNotDependOnHowTheBytesCome) {
  const std::string text(1000, 'x');
  for (const std::size_t cut : {0U, 1U, 240U, 512U, 999U, 1000U}) {
    Digest digest;
    digest.add(std::string_view(text).substr(0, cut));
    digest.add(std::string_view(text).substr(cut));
    EXPECT_EQ(digest.text(), digest_of(text)) << cut;
  }
}

TEST(Digest, OfBlocksIsTheDigestOfTheirDigests) {
  constexpr std::size_t kBlock = std::size_t{1} << 20U;
  const std::string text = std::string(kBlock, 'a') + std::string(kBlock, 'b') + "c";
  const std::string one_by_one =
      digest_of(std::string(kBlock, 'a')) + digest_of(std::string(kBlock, 'b')) + digest_of("c");
  const DigestBlocks blocks(std::as_bytes(std::span(text)));
  EXPECT_EQ(blocks.count(), 3U);
  EXPECT_EQ(blocks.digest(), digest_of(one_by_one));
  EXPECT_EQ(DigestBlocks({}).digest(), digest_of(""));
}

TEST(Digest, TellsOneBitFromAnother) {
  std::string text(1000, 'x');
  const std::string before = digest_of(text);
  text[500] ^= 1;
  EXPECT_NE(digest_of(text), before);
}

}  // namespace
}  // namespace lockstep
