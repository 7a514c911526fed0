#include "train/step/timed_training.hpp"

#include <algorithm>
#include <set>
#include <span>

#include "mpi_test.hpp"
#include "train_helpers.hpp"

namespace lockstep::test {
namespace {

class TimedTrainingTest : public MpiTest {};

TEST_F(TimedTrainingTest, TakesTheSameStepsOnTheRanksOfItsGroupAndNoneElsewhere) {
  const Config config = make_test_config({});
  const Problem problem = make_problem(config, world());
  for (const int ranks : std::set<int>{1, (world().size() + 1) / 2, world().size()}) {
    TimedTraining training(config, problem, world(), ranks);
    EXPECT_EQ(training.result().seconds, 0) << "before the first round";
    std::uint64_t before = 0;
    std::uint64_t after = 0;
    const bool takes_part = world().rank() < ranks;
    training.round();
    if (takes_part) before = training.trainer().steps_done();
    training.round();
    if (takes_part) after = training.trainer().steps_done();
    const StepMeasurement result = training.result();
    if (takes_part) {
      EXPECT_EQ(training.trainer().plan().batch_size, 32);
      EXPECT_GT(after, before);
      EXPECT_GT(result.seconds, 0);
      EXPECT_GT(result.times[StepPart::kForward], 0);
      EXPECT_GE(result.exchange, 0);
      EXPECT_GE(result.waiting, 0);
    } else {
      EXPECT_EQ(result.seconds, 0);
    }
    const std::vector<std::uint64_t> steps = all_gather(world(), after);
    for (int rank = 0; rank < ranks; ++rank) EXPECT_EQ(steps[static_cast<std::size_t>(rank)], steps[0]);
  }
}

// Of which none computes with the rows of another.
TEST_F(TimedTrainingTest, TellsTheUnitsOfAStepApartWithoutAnotherBit) {
  const Config config =
      make_test_config({{"data.features", "20"},
                        {"model.layers",
                         "unflatten 1 5 4, max-pool 2 stride=1, conv 4 3 pad=1, batch-norm, "
                         "flatten, relu, linear auto"}});
  const Problem problem = make_problem(config, world());
  Trainer plain(world(), make_model(config, problem), problem, config.training);
  Trainer timed(world(), make_model(config, problem), problem, config.training);
  timed.time_units();
  for (int i = 0; i < 3; ++i) {
    plain.step();
    const StepReport report = timed.step();
    for (const UnitKind kind : all_unit_kinds()) {
      EXPECT_GT(timed.unit_times()(kind, Pass::kForward), 0) << name_of(kind);
      EXPECT_GT(timed.unit_times()(kind, Pass::kBackward), 0) << name_of(kind);
    }
    EXPECT_GT(timed.unit_times().loss, 0);
    constexpr double kRounding = 1e-9;
    EXPECT_LE(timed.unit_times().sum(), report.times.computing() + kRounding);
  }
  const std::span<const Real> expected = plain.network().parameters();
  const std::span<const Real> got = timed.network().parameters();
  EXPECT_TRUE(std::equal(expected.begin(), expected.end(), got.begin(), got.end()));
}

TEST_F(TimedTrainingTest, AFailureOfItsGroupIsEverybodys) {
  const Config config = make_test_config({{"schedule.warmup-steps", "1000"}});
  const Problem problem = make_problem(config, world());
  const Caught caught = catch_error([&] { const TimedTraining training(config, problem, world(), 1); });
  expect_same_error(caught, ExitCode::kBadInput, {"`warmup-steps` = 1000"});
}

}  // namespace
}  // namespace lockstep::test
