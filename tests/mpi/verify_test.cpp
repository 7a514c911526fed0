#include "train/run/verify.hpp"

#include <algorithm>
#include <numeric>

#include <fmt/format.h>

#include "mpi_test.hpp"
#include "train_helpers.hpp"

namespace lockstep::test {
namespace {

class VerifyTest : public MpiTest {
 protected:
  void SetUp() override {
    MpiTest::SetUp();
    need_ranks(2);
  }

  static Caught verify_on(const Texts& settings, const std::vector<int>& rank_counts,
                          std::uint64_t steps = 5) {
    const Config config = make_test_config(settings);
    return catch_error([&] { verify(config, world(), rank_counts, steps, ""); });
  }

  static std::vector<int> all_rank_counts() {
    std::vector<int> counts(static_cast<std::size_t>(world().size()));
    std::iota(counts.begin(), counts.end(), 1);
    return counts;
  }
};

TEST_F(VerifyTest, FindsAllRankCountsEqual) {
  EXPECT_EQ(verify_on({}, all_rank_counts()).message, "");
  EXPECT_EQ(verify_on({{"data.source", "linear"},
                       {"model.layers", "linear 7, dropout 0.5, linear 1"},
                       {"train.batch-size", "full"},
                       {"train.micro-batches", "11"}},
                      all_rank_counts())
                .message,
            "");
}

// The bias before the normalisation has a gradient of rounding errors alone.
TEST_F(VerifyTest, TakesMicroBatchesByThemselvesWhereUnitsMixTheirSamples) {
  EXPECT_EQ(verify_on({{"model.layers", "linear 7, batch-norm micro, relu, linear 4"},
                       {"train.micro-batches", "11"}},
                      all_rank_counts())
                .message,
            "");
}

TEST_F(VerifyTest, TakesTheBatchInOnePieceWhereUnitsNeedAllOfIt) {
  EXPECT_EQ(
      verify_on({{"model.layers", "linear 7, batch-norm, relu, linear 4"}, {"train.micro-batches", "11"}},
                all_rank_counts())
          .message,
      "");
}

TEST_F(VerifyTest, ComparesAugmentedPicturesWithAPlainPassOverTheSame) {
  const PictureFolder folder(world());
  EXPECT_EQ(verify_on({{"data.source", folder.path()},
                       {"data.augment", "crop 2 edge, flip, brightness 0.5, cutout 3, mixup 0.4"},
                       {"model.layers", "conv 5 3 pad=1, tanh, flatten, linear 3"}},
                      all_rank_counts())
                .message,
            "");
  world().barrier();
}

TEST_F(VerifyTest, TakesRankCountsInAnyOrder) {
  EXPECT_EQ(verify_on({}, {world().size(), 1, world().size()}).message, "");
}

TEST_F(VerifyTest, RefusesToCompareNothing) {
  expect_same_error(verify_on({}, {1, 1}), ExitCode::kBadInput, {"only one rank count"});
}

TEST_F(VerifyTest, WeightsThatNeverMovedProveNothing) {
  expect_same_error(verify_on({{"optimizer.learning-rate", "0"}}, all_rank_counts()), ExitCode::kGuard,
                    {"no step changed the weights"});
}

// The first updates take the weights so far that products of theirs are no floats.
TEST_F(VerifyTest, SkippedStepsProveNothingAndAreWarnedOfOnce) {
  testing::internal::CaptureStderr();
  const Caught caught = verify_on({{"data.source", "linear"},
                                   {"model.layers", "linear 4, linear 1"},
                                   {"optimizer.learning-rate", "1e6"},
                                   {"train.on-nonfinite", "skip"},
                                   {"train.nonfinite-limit", "100"}},
                                  all_rank_counts(), 10);
  const std::string warnings = testing::internal::GetCapturedStderr();
  expect_same_error(caught, ExitCode::kGuard, {"of 10 steps were skipped"});
  const auto lines = std::count(warnings.begin(), warnings.end(), '\n');
  const std::string skipped = fmt::format("verify: {} of 10 steps were skipped", lines);
  if (world().rank() == 0) {
    EXPECT_TRUE(caught.message.starts_with(skipped)) << caught.message << "\n" << warnings;
  }
}

TEST_F(VerifyTest, FindsThatFastModeDependsOnTheRankCount) {
  // Many weights and steps: a sum in another order differs somewhere.
  expect_same_error(verify_on({{"train.reduction", "fast"}, {"model.layers", "linear 50, relu, linear 4"}},
                              all_rank_counts(), 10),
                    ExitCode::kGuard, {"depend on the rank count", "fast promises no more"});
}

TEST_F(VerifyTest, RefusesRankCountsThatThereAreNot) {
  const std::string started = fmt::format("mpirun started {} ranks", world().size());
  expect_same_error(verify_on({}, {1, world().size() + 1}), ExitCode::kBadInput, {started});
  expect_same_error(verify_on({}, {0}), ExitCode::kBadInput, {started});
  expect_same_error(verify_on({{"train.micro-batches", "1"}}, {1}), ExitCode::kBadInput,
                    {"train.micro-batches"});
}

TEST_F(VerifyTest, PassesOnWhatStopsTheRuns) {
  expect_same_error(verify_on({{"data.source", "linear"},
                               {"model.layers", "linear 4, linear 1"},
                               {"optimizer.learning-rate", "1000"}},
                              all_rank_counts(), 100),
                    ExitCode::kGuard, {"step "});
}

}  // namespace
}  // namespace lockstep::test
