#include <gtest/gtest.h>

#include "lockstep/comm/standstill.hpp"

namespace lockstep::test {
namespace {

constexpr auto kHost = "node7";

/// Ranks 4, 5 and 6 of 8 in step 42: the first two wait, the last computes.
std::vector<WatchedRank> working_ranks() {
  return {{.rank = 4, .process = 104, .waits = true, .in_step = true, .steps = 41},
          {.rank = 5, .process = 105, .waits = true, .in_step = true, .steps = 41},
          {.rank = 6, .process = 106, .in_step = true, .steps = 41}};
}

std::string text_of(const std::vector<WatchedRank>& ranks) {
  const auto found = find_standstill(ranks, 8, kHost);
  return found ? found->text : "";
}

TEST(Standstill, WorkIsNone) {
  EXPECT_EQ(find_standstill({}, 8, kHost), std::nullopt);
  EXPECT_EQ(find_standstill(working_ranks(), 8, kHost), std::nullopt);
}

TEST(Standstill, ARankThatDoesNothingIsNamedWithItsStep) {
  std::vector<WatchedRank> ranks = working_ranks();
  ranks[0].waited = ranks[1].waited = 100;
  ranks[2].still = 99;
  EXPECT_EQ(find_standstill(ranks, 8, kHost)->seconds, 99);
  EXPECT_EQ(text_of(ranks),
            "rank 6 (process 106 on node7) has not finished the exchange of step 42: nothing done for 99 s; "
            "stopped, or waiting for a disk?");
}

TEST(Standstill, SoAreSeveralThatStoppedTogether) {
  std::vector<WatchedRank> ranks = working_ranks();
  ranks[0].still = 98;
  ranks[1].still = 2;
  ranks[2].still = 99;
  const std::string text = text_of(ranks);
  EXPECT_NE(text.find("rank 4 "), std::string::npos) << text;
  EXPECT_EQ(text.find("rank 5 "), std::string::npos) << text;
  EXPECT_NE(text.find("rank 6 "), std::string::npos) << text;
}

TEST(Standstill, OutsideOfTrainingNoStepIsNamed) {
  std::vector<WatchedRank> ranks = {{.rank = 0, .process = 100, .still = 10}, {.rank = 1, .waits = true}};
  EXPECT_EQ(
      text_of(ranks),
      "rank 0 (process 100 on node7) stands still: nothing done for 10 s; stopped, or waiting for a disk?");
}

TEST(Standstill, BetweenTwoStepsTheLastOneIsNamed) {
  std::vector<WatchedRank> ranks = working_ranks();
  ranks[2].in_step = false;
  ranks[2].still = 99;
  EXPECT_EQ(text_of(ranks),
            "rank 6 (process 106 on node7) stands still after step 41: nothing done for 99 s; stopped, or "
            "waiting for a disk?");
}

TEST(Standstill, AStepThatWaitsForARankThatComputesIsOne) {
  std::vector<WatchedRank> ranks = working_ranks();
  ranks[1].waited = 65;
  EXPECT_EQ(find_standstill(ranks, 8, kHost)->seconds, 65);
  EXPECT_EQ(find_standstill(ranks, 8, kHost)->turn, SpeakingTurn::kFirst);
  EXPECT_EQ(text_of(ranks),
            "rank 5 (process 105 on node7) waits for 65 s in the exchange of step 42: rank 6 (process 106 on "
            "node7) still computes");
}

TEST(Standstill, ButNotOneThatWaitsForWorkBetweenSteps) {
  std::vector<WatchedRank> ranks = working_ranks();
  ranks[1].waited = 65;
  ranks[2].in_step = false;
  EXPECT_EQ(find_standstill(ranks, 8, kHost), std::nullopt);
}

TEST(Standstill, OfTwoKindsTheCauseIsTold) {
  std::vector<WatchedRank> ranks = working_ranks();
  ranks[1].waited = 65;
  ranks[2].still = 0.25;
  EXPECT_EQ(find_standstill(ranks, 8, kHost)->seconds, 65);
  ranks[2].still = 61;
  EXPECT_EQ(find_standstill(ranks, 8, kHost)->seconds, 61);
}

TEST(Standstill, AStepThatAllRanksOfANodeWaitForIsAnotherNodesOrEverybodys) {
  std::vector<WatchedRank> ranks = working_ranks();
  for (WatchedRank& rank : ranks) {
    rank.waits = true;
    rank.waited = 65;
  }
  EXPECT_NE(text_of(ranks).find("a rank of another node has not reached it"), std::string::npos);
  EXPECT_NE(find_standstill(ranks, 3, kHost)->text.find("all ranks wait for each other"), std::string::npos);
}

TEST(Standstill, AHostThatOnlyWaitsLeavesTheWordToThoseThatSeeTheCause) {
  std::vector<WatchedRank> ranks = working_ranks();
  for (WatchedRank& rank : ranks) {
    rank.waits = true;
    rank.waited = 65;
  }
  const std::vector<WatchedHost> others = {{.name = "node6", .rank = 0}, {.name = "node8", .rank = 7}};
  EXPECT_EQ(find_standstill(ranks, 8, kHost, others)->seconds, 65);
  EXPECT_EQ(find_standstill(ranks, 8, kHost, others)->turn, SpeakingTurn::kLast);
  ranks[0].still = 64;
  EXPECT_EQ(find_standstill(ranks, 8, kHost, others)->turn, SpeakingTurn::kFirst);
}

/// The other hosts, of which node8 is silent.
std::vector<WatchedHost> one_silent() {
  return {{.name = "node6", .rank = 0}, {.name = "node8", .rank = 7, .silent = 30}};
}

/// As seen by those nearest to rank 0 of all that live.
std::vector<WatchedHost> one_silent_of_later_ones() {
  return {{.name = "node8", .rank = 7, .silent = 30}, {.name = "node9", .rank = 8}};
}

TEST(Standstill, AHostThatIsSilentIsNamedAtOnce) {
  std::vector<WatchedRank> ranks = working_ranks();
  ranks[1].waited = 29;
  const auto found = find_standstill(ranks, 8, kHost, one_silent_of_later_ones());
  EXPECT_EQ(found->seconds, 29);
  EXPECT_EQ(found->turn, SpeakingTurn::kFirst);
  EXPECT_EQ(
      found->text,
      "no sign of life from node8 for 30 s; rank 5 (process 105 on node7) waits in the exchange of step 42");
}

TEST(Standstill, ALaterHostLeavesTheWordToTheFirst) {
  std::vector<WatchedRank> ranks = working_ranks();
  ranks[1].waited = 40;
  const auto found = find_standstill(ranks, 8, kHost, one_silent());
  EXPECT_EQ(found->seconds, 30);
  EXPECT_EQ(found->turn, SpeakingTurn::kSecond);
  EXPECT_EQ(found->text.find("no sign of life from node8"), 0U) << found->text;
}

// As with ranks that are dealt out by node.
TEST(Standstill, WhoseWordItIsDoesNotDependOnTheRankThatWaitsLongest) {
  std::vector<WatchedRank> ranks = {
      {.rank = 0, .process = 100, .waited = 29, .waits = true, .in_step = true},
      {.rank = 9, .process = 109, .waited = 30, .waits = true, .in_step = true}};
  EXPECT_EQ(find_standstill(ranks, 12, kHost, one_silent_of_later_ones())->turn, SpeakingTurn::kFirst);
  ranks[0].rank = 10;
  EXPECT_EQ(find_standstill(ranks, 12, kHost, one_silent_of_later_ones())->turn, SpeakingTurn::kSecond);
}

TEST(Standstill, TheFirstHostKeepsTheWordAfterItHasEnded) {
  std::vector<WatchedRank> ranks = working_ranks();
  ranks[1].waited = 40;
  std::vector<WatchedHost> others = one_silent();
  others[0].silent = 2;
  const auto found = find_standstill(ranks, 8, kHost, others);
  EXPECT_EQ(found->turn, SpeakingTurn::kSecond);
  EXPECT_EQ(found->text.find("no sign of life from node8 for"), 0U) << found->text;
}

TEST(Standstill, ASilentHostIsNamedAlsoOutsideOfSteps) {
  std::vector<WatchedRank> ranks = working_ranks();
  for (WatchedRank& rank : ranks) {
    rank = {.rank = rank.rank, .process = rank.process, .waited = 31, .waits = true};
  }
  EXPECT_EQ(find_standstill(ranks, 8, kHost), std::nullopt);
  const auto found = find_standstill(ranks, 8, kHost, one_silent_of_later_ones());
  EXPECT_EQ(found->seconds, 30);
  EXPECT_EQ(found->text, "no sign of life from node8 for 30 s; rank 4 (process 104 on node7) waits");
}

TEST(Standstill, NoSilenceMattersWhereNobodyWaits) {
  EXPECT_EQ(find_standstill(working_ranks(), 8, kHost, one_silent()), std::nullopt);
}

TEST(Standstill, AHostThatHearsNoOtherMayBeTheOneThatIsCutOff) {
  std::vector<WatchedRank> ranks = working_ranks();
  ranks[1].waited = 30;
  std::vector<WatchedHost> others = one_silent();
  others[0].silent = 29;
  EXPECT_EQ(find_standstill(ranks, 8, kHost, others)
                ->text.find("no sign of life from any other host (is the network of node7 down?) for 30 s; "),
            0U);
  others.push_back({.name = "node9", .rank = 8});
  EXPECT_EQ(
      find_standstill(ranks, 8, kHost, others)->text.find("no sign of life from node6, node8 for 30 s; "),
      0U);
}

}  // namespace
}  // namespace lockstep::test
