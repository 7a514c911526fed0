#include "lockstep/train/evaluation.hpp"

#include <bit>
#include <cstdint>
#include <string>

#include "mpi_test.hpp"
#include "train_helpers.hpp"

namespace lockstep::test {
namespace {

/// `selection` with a count of how often this rank asked for each sample.
Selection counted(const Selection& selection, std::vector<int>& counts) {
  return {selection.data, selection.count, [selection, &counts](Index i) {
            ++counts[static_cast<std::size_t>(i)];
            return selection.sample(i);
          }};
}

void expect_each_once(const std::vector<int>& counts) {
  std::vector<int> all(counts.size() * static_cast<std::size_t>(world().size()));
  world().all_gather(std::as_bytes(std::span(counts)), std::as_writable_bytes(std::span(all)));
  std::vector<int> sums(counts.size());
  for (std::size_t i = 0; i < all.size(); ++i) sums[i % counts.size()] += all[i];
  EXPECT_EQ(sums, std::vector<int>(counts.size(), 1));
}

/// The same bits, also where they are no numbers.
void expect_same_bits(double found, double expected, const std::string& what) {
  EXPECT_EQ(std::bit_cast<std::uint64_t>(found), std::bit_cast<std::uint64_t>(expected)) << what;
}

void expect_same_measures(const Evaluation& found, const Evaluation& expected) {
  ASSERT_EQ(found.measures.size(), expected.measures.size());
  EXPECT_FALSE(found.measures.empty());
  for (std::size_t i = 0; i < found.measures.size(); ++i) {
    EXPECT_EQ(found.measures[i].name, expected.measures[i].name);
    expect_same_bits(found.measures[i].value, expected.measures[i].value, found.measures[i].name);
  }
  ASSERT_EQ(found.classes.size(), expected.classes.size());
  for (std::size_t i = 0; i < found.classes.size(); ++i) {
    expect_same_bits(found.classes[i].f1, expected.classes[i].f1, "F1");
  }
  ASSERT_EQ(found.targets.size(), expected.targets.size());
  for (std::size_t i = 0; i < found.targets.size(); ++i) {
    expect_same_bits(found.targets[i].r2, expected.targets[i].r2, "R2");
  }
}

/// The number of samples.
class EvaluationTest : public MpiTest, public testing::WithParamInterface<int> {
 protected:
  static void expect_same_as_alone(const Texts& settings, bool classifies) {
    const Config config = make_test_config(settings);
    const auto single = make_single_communicator();
    const Problem problem = make_problem(config, world());
    Network model = make_model(config, problem);
    model.initialize(config.training.seed, Initialization::kAuto);
    const Selection selection = all_of(*problem.test);

    std::vector<int> counts(static_cast<std::size_t>(selection.count));
    const Evaluation found =
        evaluate(model, *problem.loss, problem.normalization, counted(selection, counts), world());
    const Evaluation expected = evaluate(model, *problem.loss, problem.normalization, selection, *single);
    EXPECT_EQ(found.samples, problem.test->size());
    EXPECT_EQ(found.loss, expected.loss);
    EXPECT_EQ(found.accuracy, expected.accuracy);
    EXPECT_EQ(found.accuracy.has_value(), classifies);
    expect_same_measures(found, expected);
    for (const double loss : all_gather(world(), found.loss)) EXPECT_EQ(loss, found.loss);
    expect_each_once(counts);
  }
};

TEST_P(EvaluationTest, OfClassesGivesTheBitsOfOneProcess) {
  expect_same_as_alone(
      {{"data.samples", std::to_string(GetParam())}, {"train.batch-size", "1"}, {"data.features", "3"}},
      true);
}

TEST_P(EvaluationTest, OfTwoClassesGivesTheBitsOfOneProcess) {
  expect_same_as_alone({{"data.samples", std::to_string(GetParam())},
                        {"train.batch-size", "1"},
                        {"data.classes", "2"},
                        {"model.layers", "linear 2"},
                        {"model.label-smoothing", "0.1"}},
                       true);
}

TEST_P(EvaluationTest, OfSeveralLabelsGivesTheBitsOfOneProcess) {
  expect_same_as_alone({{"data.source", "tags"},
                        {"data.test-samples", std::to_string(GetParam())},
                        {"train.batch-size", "1"},
                        {"data.features", "3"}},
                       true);
}

TEST_P(EvaluationTest, OfARegressionGivesTheBitsOfOneProcess) {
  expect_same_as_alone({{"data.source", "linear"},
                        {"data.samples", std::to_string(GetParam())},
                        {"model.layers", "linear 3, relu, dropout 0.5, linear 1"},
                        {"train.batch-size", "1"}},
                       false);
}

// Chunks of 512: fewer than ranks, more, and with a ragged end.
INSTANTIATE_TEST_SUITE_P(Samples, EvaluationTest, testing::Values(1, 511, 512, 513, 1300, 6000),
                         [](const auto& test) { return std::to_string(test.param); });

class TrainerEvaluationTest : public MpiTest {};

TEST_F(TrainerEvaluationTest, OfHeldOutSamplesIsTheSameAsAlone) {
  const Config config =
      make_test_config({{"data.validation", "0.4"}, {"data.samples", "1500"}, {"train.steps", "2"}});
  const auto single = make_single_communicator();
  const auto evaluate_on = [&](Communicator& communicator) {
    const Problem problem = make_problem(config, communicator);
    Trainer trainer(communicator, make_model(config, problem), problem, config.training);
    while (trainer.steps_done() < trainer.plan().total_steps) trainer.step();
    return trainer.evaluate({problem.training, problem.split.validation_size(),
                             [&](Index i) { return problem.split.validation(i); }});
  };
  const Evaluation found = evaluate_on(world());
  const Evaluation expected = evaluate_on(*single);
  EXPECT_EQ(found.samples, 600);
  EXPECT_EQ(found.loss, expected.loss);
  EXPECT_EQ(found.accuracy, expected.accuracy);
}

}  // namespace
}  // namespace lockstep::test
