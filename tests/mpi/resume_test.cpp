// A training that goes on from its state, on any number of ranks, is the one that never stopped.

#include <cctype>
#include <memory>
#include <ostream>

#include <fmt/format.h>

#include "centre.hpp"
#include "lockstep/nn/weights.hpp"
#include "lockstep/optim/algorithm.hpp"
#include "mpi_test.hpp"
#include "train_helpers.hpp"

namespace lockstep::test {
namespace {

constexpr std::uint64_t kStop = 4;  // in the second epoch of three steps

/// Trains `config` on `before` to step kStop, there takes the state, and goes on with it on `after`. Rank 0
/// of the world is in both groups; `before` and `after` are null on ranks outside.
RunResult train_in_two(const Config& config, Communicator* before, Communicator* after) {
  TrainingState state;
  if (before != nullptr) {
    const Problem problem = make_problem(config, *before);
    Trainer trainer(*before, make_model(config, problem), problem, config.training);
    while (trainer.steps_done() < kStop) trainer.step();
    state = trainer.state();
    EXPECT_EQ(state.steps_done, kStop);
    EXPECT_EQ(state.vectors.empty(), before->rank() != 0) << "rank 0 has them";
  }
  RunResult result;
  if (after == nullptr) return result;
  const Problem problem = make_problem(config, *after);
  Trainer trainer(*after, make_model(config, problem), problem, config.training);
  trainer.restore(state);
  EXPECT_EQ(trainer.steps_done(), kStop);
  return finish(trainer);
}

void expect_end_of(const RunResult& end, const RunResult& whole) {
  EXPECT_EQ(end.weights_digest, whole.weights_digest);
  EXPECT_EQ(end.average_digest, whole.average_digest);
  ASSERT_LT(end.losses.size(), whole.losses.size());
  const auto tail = [&](const std::vector<double>& values) {
    return std::vector<double>(values.begin() + static_cast<std::ptrdiff_t>(kStop), values.end());
  };
  EXPECT_EQ(end.losses, tail(whole.losses));
  EXPECT_EQ(end.gradient_norms, tail(whole.gradient_norms));
  EXPECT_EQ(end.learning_rates, tail(whole.learning_rates));
}

/// From all ranks to one, from one to all, and from all to half of them.
void expect_same_as_undisturbed(const Texts& settings) {
  const Config config = make_test_config(settings);
  const std::unique_ptr<Communicator> alone = make_single_communicator();
  const RunResult whole = train(config, *alone);
  Communicator* const first = world().rank() == 0 ? alone.get() : nullptr;

  const RunResult to_one = train_in_two(config, &world(), first);
  if (first != nullptr) expect_end_of(to_one, whole);
  expect_end_of(train_in_two(config, first, &world()), whole);
  const bool is_in_half = world().rank() <= world().size() / 2;
  const std::unique_ptr<Communicator> half = world().split(is_in_half ? 0 : 1);
  const RunResult to_half = train_in_two(config, &world(), is_in_half ? half.get() : nullptr);
  if (is_in_half) expect_end_of(to_half, whole);
}

/// Every optimizer enters by being registered.
class ResumeTest : public MpiTest, public testing::WithParamInterface<std::string> {};

TEST_P(ResumeTest, GivesTheBitsOfTheWholeTraining) {
  Texts settings = {{"optimizer.name", GetParam()}, {"optimizer.average", "0.9"}, {"train.epochs", "3"}};
  if (find_algorithm(GetParam()).needs_hessian) {
    settings["model.layers"] = "linear 4";
    settings["train.batch-size"] = "full";
    settings["train.steps"] = "6";
  }
  expect_same_as_undisturbed(settings);
}

std::vector<std::string> algorithm_names() {
  std::vector<std::string> names;
  for (const Algorithm& algorithm : algorithms()) names.push_back(algorithm.name);
  return names;
}

INSTANTIATE_TEST_SUITE_P(Registered, ResumeTest, testing::ValuesIn(algorithm_names()), [](const auto& test) {
  std::string name = test.param;
  for (char& c : name) c = std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
  return name;
});

struct Case {
  std::string name;
  Texts settings;
};

// What GoogleTest prints of a parameter.
void PrintTo(const Case& c, std::ostream* stream) { *stream << c.name; }

class ResumeOptionsTest : public MpiTest, public testing::WithParamInterface<Case> {};

TEST_P(ResumeOptionsTest, GivesTheBitsOfTheWholeTraining) { expect_same_as_undisturbed(GetParam().settings); }

std::vector<Case> cases() {
  return {
      {"MomentumAndMessages", {{"optimizer.momentum", "0.9"}, {"train.exchange", "messages"}}},
      {"AmsgradDropoutAndCosine",
       {{"optimizer.name", "adam"},
        {"optimizer.amsgrad", "true"},
        {"model.layers", "dropout 0.1, linear 16, relu, dropout 0.5, linear 4"},
        {"schedule.name", "cosine"},
        {"schedule.warmup-steps", "3"}}},
      {"CenteredWithMomentum",
       {{"optimizer.name", "rmsprop"}, {"optimizer.centered", "true"}, {"optimizer.momentum", "0.5"}}},
      {"RaggedBatchesOfSeven",
       {{"train.batch-size", "7"}, {"train.steps", "20"}, {"optimizer.momentum", "0.9"}}},
      {"Statistics",
       {{"model.layers", "centre, linear 16, relu, centre, linear 4"}, {"optimizer.momentum", "0.9"}}},
      {"BatchNorm",
       {{"model.layers", "linear 16, batch-norm, relu, linear 4"}, {"optimizer.momentum", "0.9"}}},
      {"MicroBatchNorm",
       {{"model.layers", "linear 16, batch-norm micro, relu, linear 4"}, {"optimizer.momentum", "0.9"}}},
      {"MuonOfSeveralMatricesByMessages",
       {{"optimizer.name", "muon"},
        {"train.exchange", "messages"},
        {"model.layers", "linear 16, relu, linear 9, relu, linear 12, linear 4"}}},
      {"SamWithDropout",
       {{"optimizer.name", "sam-sgd"},
        {"optimizer.momentum", "0.9"},
        {"model.layers", "dropout 0.1, linear 16, relu, dropout 0.5, linear 4"}}},
      {"FewerParametersThanRanks",
       {{"data.source", "linear"},
        {"data.features", "1"},
        {"model.layers", "linear 1"},
        {"optimizer.momentum", "0.9"}}},
  };
}

INSTANTIATE_TEST_SUITE_P(Configurations, ResumeOptionsTest, testing::ValuesIn(cases()),
                         [](const auto& test) { return test.param.name; });

class ResumeDataTest : public MpiTest {};

TEST_F(ResumeDataTest, OfAugmentedPicturesGivesTheBitsOfTheWholeTraining) {
  const PictureFolder folder(world());
  expect_same_as_undisturbed({{"data.source", folder.path()},
                              {"data.augment", "crop 2, flip, contrast 0.2, cutout 3, mixup 0.4"},
                              {"train.epochs", "3"},
                              {"model.layers", "conv 5 3 pad=1, relu, flatten, linear 3"}});
  world().barrier();
}

class RestoreTest : public MpiTest {};

TEST_F(RestoreTest, AStateOfAnotherNetworkIsAnErrorOnAllRanks) {
  const Config config = make_test_config({{"optimizer.momentum", "0.9"}});
  const Config other = make_test_config({});
  const Problem problem = make_problem(config, world());
  Trainer trainer(world(), make_model(config, problem), problem, config.training);
  Trainer stranger(world(), make_model(other, problem), problem, other.training);
  const TrainingState state = stranger.state();
  expect_same_error(catch_error([&] { trainer.restore(state); }), ExitCode::kBadInput,
                    {"another network or optimizer"});
}

}  // namespace
}  // namespace lockstep::test
