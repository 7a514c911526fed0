#include <cmath>
#include <limits>
#include <set>
#include <string>

#include <gtest/gtest.h>

#include "core/text.hpp"
#include "study/batch_size/rate_search.hpp"
#include "study/numbers.hpp"

namespace lockstep {
namespace {

/// A search of the valley around `lowest`, above which rates from `limit` on diverge.
struct Valley {
  double lowest = 1;
  double limit = kInfinity;
  int calls = 0;

  RateSearch search() {
    return {0.1, 2, [this](const std::string& text) {
              ++calls;
              const double rate = *parse_number(text);
              return rate >= limit ? kInfinity : std::abs(std::log(rate / lowest));
            }};
  }
};

TEST(RateSearch, FindsTheLowestRateOnItsGridFromAnySide) {
  for (const int lowest : {-5, -1, 0, 1, 6}) {
    for (const int start : {-3, 0, 4}) {
      Valley valley{.lowest = 0.1 * std::pow(2, lowest)};
      RateSearch search = valley.search();
      EXPECT_EQ(search.best(start, 50), lowest);
      EXPECT_TRUE(search.is_inside(lowest)) << "extended until both neighbours were tried";
      EXPECT_EQ(valley.calls, std::ssize(search.costs())) << "each rate once";
      EXPECT_LE(valley.calls, std::abs(lowest - start) + 3);
    }
  }
}

TEST(RateSearch, GoesDownFromRatesThatDiverge) {
  Valley valley{.lowest = 0.0125, .limit = 0.3};
  RateSearch search = valley.search();
  EXPECT_EQ(search.best(4, 50), -3);
  EXPECT_TRUE(std::isinf(search.costs().at(4)));
}

TEST(RateSearch, TriesNoMoreThanItMay) {
  Valley valley{.lowest = 100};
  RateSearch search = valley.search();
  EXPECT_EQ(search.best(0, 4), 3);
  EXPECT_EQ(valley.calls, 4);
  EXPECT_FALSE(search.is_inside(3));
  Valley lost{.lowest = 1, .limit = 0};
  EXPECT_EQ(lost.search().best(0, 3), -2);
  EXPECT_EQ(lost.calls, 3);
}

TEST(RateSearch, WritesRatesInFourDigits) {
  Valley valley{.lowest = 1};
  const RateSearch search = valley.search();
  EXPECT_EQ(search.rate_text(0), "0.1");
  EXPECT_EQ(search.rate_text(3), "0.8");
  EXPECT_EQ(search.rate_text(-5), "0.003125");
  EXPECT_EQ(search.rate_text(-8), "0.0003906");
}

}  // namespace
}  // namespace lockstep
