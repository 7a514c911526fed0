#include <cmath>
#include <gmock/gmock.h>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "core/text.hpp"

namespace lockstep {
namespace {

using testing::ElementsAre;

TEST(Text, TrimRemovesWhiteSpaceAtBothEndsOnly) {
  EXPECT_EQ(trim(" \t a b \r\n"), "a b");
  EXPECT_EQ(trim("a"), "a");
  EXPECT_EQ(trim(" \n "), "");
  EXPECT_EQ(trim(""), "");
}

TEST(Text, SplitKeepsEmptyParts) {
  EXPECT_THAT(split("a, b ,,c", ','), ElementsAre("a", "b", "", "c"));
  EXPECT_THAT(split("a,", ','), ElementsAre("a", ""));
  EXPECT_THAT(split("a b", ','), ElementsAre("a b"));
  EXPECT_THAT(split("", ','), ElementsAre(""));
}

TEST(Text, OfManyNamesSomeAreListed) {
  EXPECT_EQ(some_of(std::vector<std::string>{"a"}), "'a'");
  EXPECT_EQ(some_of(std::vector<std::string>{"a", "b", "c", "d", "e"}), "'a', 'b', 'c', 'd', 'e'");
  EXPECT_EQ(some_of(std::vector<std::string>{"a", "b", "c", "d", "e", "f", "g"}),
            "'a', 'b', 'c', 'd', 'e' and 2 more");
}

TEST(Text, CsvFieldsAreQuotedWhereTheyMustBe) {
  for (const char* text : {"", "a", "a b", "-1.5e3", "größe", "it's"}) EXPECT_EQ(csv_field(text), text);
  EXPECT_EQ(csv_field("a,b"), "\"a,b\"");
  EXPECT_EQ(csv_field("5\" pipe"), "\"5\"\" pipe\"");
  EXPECT_EQ(csv_field("a\nb"), "\"a\nb\"");
  EXPECT_EQ(csv_field("a\r"), "\"a\r\"");
  EXPECT_EQ(csv_field(" a"), "\" a\"");
  EXPECT_EQ(csv_field("a\t"), "\"a\t\"");
}

TEST(Text, ParseNumberTakesWholeNumbersOnly) {
  EXPECT_EQ(parse_number("1.5"), 1.5);
  EXPECT_EQ(parse_number(" -2 "), -2.0);
  EXPECT_EQ(parse_number("+3"), 3.0);
  EXPECT_EQ(parse_number("1e3"), 1000.0);
  EXPECT_EQ(parse_number(".5"), 0.5);
  EXPECT_EQ(parse_number("0.1"), 0.1);
  for (const char* text : {"", " ", "+", "-", "abc", "1.5x", "1,5", "1 2", "+-1", "++1", "0x10", "1e999"}) {
    EXPECT_EQ(parse_number(text), std::nullopt) << text;
  }
}

TEST(Text, ParseNumberTakesInfinitiesAndNan) {
  EXPECT_EQ(parse_number("inf"), std::numeric_limits<double>::infinity());
  EXPECT_EQ(parse_number("-inf"), -std::numeric_limits<double>::infinity());
  ASSERT_TRUE(parse_number("nan").has_value());
  EXPECT_TRUE(std::isnan(*parse_number("nan")));
}

TEST(Text, ParseIntegerRefusesFractionsAndOverflow) {
  EXPECT_EQ(parse_integer("42"), 42);
  EXPECT_EQ(parse_integer(" -1 "), -1);
  EXPECT_EQ(parse_integer("9223372036854775807"), std::numeric_limits<std::int64_t>::max());
  for (const char* text : {"", "1.0", "1e3", "9223372036854775808", "x"}) {
    EXPECT_EQ(parse_integer(text), std::nullopt) << text;
  }
}

TEST(Text, JoinPutsCommasBetween) {
  EXPECT_EQ(join(std::vector<std::string>{"a", "b", "c"}), "a, b, c");
  EXPECT_EQ(join(std::vector<std::string>{"a"}), "a");
  EXPECT_EQ(join({}), "");
}

// RFC 4648, section 10.
TEST(Base64, GivesTheTestVectors) {
  const std::vector<std::pair<std::string, std::string>> vectors = {{"", ""},
                                                                    {"f", "Zg=="},
                                                                    {"fo", "Zm8="},
                                                                    {"foo", "Zm9v"},
                                                                    {"foob", "Zm9vYg=="},
                                                                    {"fooba", "Zm9vYmE="},
                                                                    {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, encoded] : vectors) EXPECT_EQ(base64(std::as_bytes(std::span(plain))), encoded);
  const std::vector<std::uint8_t> bytes = {0x14, 0xfb, 0x9c, 0x03, 0xd9, 0x7e};
  EXPECT_EQ(base64(std::as_bytes(std::span(bytes))), "FPucA9l+");
}

TEST(ColumnsOf, CountsCharactersAndNotBytes) {
  EXPECT_EQ(columns_of(""), 0U);
  EXPECT_EQ(columns_of("abc"), 3U);
  EXPECT_EQ(columns_of("λ/2 ‖x‖² …"), 10U);
}

TEST(Wrapped, BreaksBetweenWordsAndNeverInside) {
  using Lines = std::vector<std::string>;
  EXPECT_EQ(wrapped("one two  three", 7), (Lines{"one two", "three"}));
  EXPECT_EQ(wrapped("one two  three", 6), (Lines{"one", "two", "three"}));
  EXPECT_EQ(wrapped("β₁ β₂ β₃", 5), (Lines{"β₁ β₂", "β₃"}));
  EXPECT_EQ(wrapped("an extraordinary b", 4), (Lines{"an", "extraordinary", "b"}));
  EXPECT_EQ(wrapped("", 4), Lines{""});
}

TEST(ForShell, QuotesWhatIsSpecial) {
  EXPECT_EQ(for_shell("runs/a-1.5_b"), "runs/a-1.5_b");
  EXPECT_EQ(for_shell(""), "''");
  EXPECT_EQ(for_shell("linear 3, relu"), "'linear 3, relu'");
  EXPECT_EQ(for_shell("it's $x"), "'it'\\''s $x'");
}

TEST(CountOf, HasAPluralUnlessItIsOne) {
  EXPECT_EQ(count_of(1, "seed"), "1 seed");
  EXPECT_EQ(count_of(0, "seed"), "0 seeds");
  EXPECT_EQ(count_of(2, "seed"), "2 seeds");
}

}  // namespace
}  // namespace lockstep
