// What a study or sweep says of its trainings as they end.
#include <gmock/gmock.h>
#include <limits>

#include <gtest/gtest.h>

#include "study/trainings_progress.hpp"

namespace lockstep {
namespace {

using testing::EndsWith;
using testing::Not;
using testing::StartsWith;

TEST(TrainingsProgress, TellsHowManyAreDoneAndWhichIsBest) {
  constexpr double kDiverged = std::numeric_limits<double>::quiet_NaN();
  TrainingsProgress progress;
  EXPECT_EQ(progress.end(kDiverged), "1 done");
  EXPECT_EQ(progress.end(0.5), "2 done, best so far");
  EXPECT_EQ(progress.end(0.5), "3 done");
  progress.expect(6);
  EXPECT_THAT(progress.end(0.25),
              testing::AllOf(StartsWith("4 of 6 done, 0:0"), EndsWith(" left, best so far")));
  EXPECT_THAT(progress.end(kDiverged), Not(EndsWith("best so far")));
}

TEST(TrainingsProgress, TellsTheMostThatASearchTakes) {
  TrainingsProgress progress;
  progress.expect_at_most(6);
  EXPECT_THAT(progress.end(1),
              testing::AllOf(StartsWith("1 of at most 6 done, up to 0:0"), EndsWith(" left, best so far")));
  progress.expect_at_most(4);
  EXPECT_THAT(progress.end(2), StartsWith("2 of at most 4 done, up to 0:0"));
}

TEST(TrainingsProgress, CountsThoseOfEarlierStarts) {
  TrainingsProgress progress(2);
  progress.expect(3);
  progress.count_earlier(0.5);
  EXPECT_THAT(progress.end(0.75), testing::AllOf(StartsWith("2 of 3 done"), EndsWith("left")));
}

TEST(TrainingsProgress, TellsAfterHowManyAStudyWasStopped) {
  TrainingsProgress progress;
  EXPECT_EQ(progress.ended(), "after 0 trainings");
  progress.end(1);
  EXPECT_EQ(progress.ended(), "after 1 training");
  progress.expect_at_most(6);
  EXPECT_EQ(progress.ended(), "after 1 of at most 6 trainings");
  progress.expect(4);
  EXPECT_EQ(progress.ended(), "after 1 of 4 trainings");
}

TEST(TrainingsProgress, TheRestTakesAsLongEachAsThoseBefore) {
  EXPECT_EQ(seconds_left(0, 0, 5), 0);
  EXPECT_DOUBLE_EQ(seconds_left(10, 2, 6), 20);
  EXPECT_DOUBLE_EQ(seconds_left(10, 2.5, 3), 2);
  EXPECT_EQ(seconds_left(10, 4, 3), 0);
}

}  // namespace
}  // namespace lockstep
