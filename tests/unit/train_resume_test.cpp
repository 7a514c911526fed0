#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "data_helpers.hpp"
#include "idx_files.hpp"
#include "lockstep/nn/safetensors.hpp"
#include "lockstep/nn/weights.hpp"
#include "temporary_folder.hpp"
#include "train/checkpoint/checkpoint_store.hpp"
#include "train/run/resume.hpp"
#include "train_helpers.hpp"

namespace lockstep {
namespace {

using test::blobs;
using test::config_of;
using test::is_bad_input;
using test::TemporaryFolder;
using test::Texts;
using test::TrainingRun;

GivenValues given(const Texts& texts) {
  GivenValues values;
  for (const auto& [key, text] : texts) values[key] = {text, "on the command line"};
  return values;
}

/// A run directory whose run of `config` has come to step `step`.
class RunThatStopped {
 public:
  explicit RunThatStopped(const Config& config, std::uint64_t step = 5) : run_(config) {
    while (run_.trainer.steps_done() < step) run_.trainer.step();
    checkpoint_ = {.state = run_.trainer.state(), .run = identify(run_.config, *run_.problem)};
    save();
    folder_.write("metrics.jsonl", "{\"event\":\"start\"}\n");
  }

  std::string path() const { return folder_.path().string(); }
  void save() { CheckpointStore(folder_.path(), 1, run_.trainer.network().layout(), {}).save(checkpoint_); }
  RunStart resume(const Texts& changes = {}) { return start_run(given(changes), path(), *run_.communicator); }
  void check(const Config& config) {
    check_goes_on(checkpoint_, identify(config, *run_.problem), config, run_.problem->split.training_size());
  }
  TrainingRun& run() { return run_; }
  Checkpoint& checkpoint() { return checkpoint_; }

 private:
  TemporaryFolder folder_;
  TrainingRun run_;
  Checkpoint checkpoint_;
};

TEST(Resume, TakesTheSettingsOfTheRun) {
  RunThatStopped stopped(
      blobs({{"optimizer.learning-rate", "0.0625"}, {"schedule.name", "cosine"}, {"run.timeout", "7"}}));
  const RunStart start = stopped.resume();
  EXPECT_EQ(settings_of(start.config), settings_of(stopped.run().config));
  EXPECT_EQ(start.config.run.dir, stopped.path());
  ASSERT_TRUE(start.checkpoint.has_value());
  EXPECT_EQ(start.checkpoint->state.steps_done, 5U);
  EXPECT_FALSE(start.replaces);
}

TEST(Resume, TakesWhatMayChange) {
  RunThatStopped stopped(blobs());
  const RunStart start = stopped.resume({{"train.epochs", "20"},
                                         {"train.exchange", "messages"},
                                         {"train.check-every", "1"},
                                         {"train.threads", "2"},
                                         {"train.activation-memory", "1"},
                                         {"train.on-nonfinite", "skip"},
                                         {"train.nonfinite-limit", "3"},
                                         {"checkpoint.every", "3"},
                                         {"run.timeout", "0"},
                                         {"run.name", "second try"},
                                         {"run.notes", "goes on elsewhere"},
                                         {"run.tags", "late"},
                                         {"optimizer.learning-rate", "5e-2"}});
  EXPECT_EQ(start.config.training.epochs, 20);
  EXPECT_EQ(start.config.training.threads, 2);
  EXPECT_EQ(start.config.training.activation_memory, 1);
  EXPECT_EQ(start.config.training.on_nonfinite, OnNonFinite::kSkip);
  EXPECT_EQ(start.config.checkpoint.every, 3U);
  EXPECT_EQ(start.config.run.timeout, 0);
  EXPECT_EQ(start.config.run.name, "second try");
  stopped.check(start.config);
}

TEST(Resume, PatienceMayOnlyGrow) {
  const auto check = [](const std::string& before, const std::string& now) {
    RunThatStopped stopped(blobs({{"train.patience", before}, {"data.validation", "0.2"}}));
    stopped.check(stopped.resume({{"train.patience", now}}).config);
  };
  EXPECT_NO_THROW(check("5", "5"));
  EXPECT_NO_THROW(check("5", "6"));
  EXPECT_NO_THROW(check("5", "0"));
  EXPECT_TRUE(
      is_bad_input([&] { check("5", "4"); }, {"train.patience = 4", "with 5", "give at least 5, or 0"}));
  EXPECT_TRUE(is_bad_input([&] { check("0", "4"); }, {"train.patience = 4", "with 0", "give 0"}));
}

// The checkpoint is older than the best weights, which the steps after it would have made again.
TEST(Resume, GoesAsFarAsTheBestWeights) {
  RunThatStopped stopped(blobs());
  const auto weights_of_step = [&](const std::string& step) {
    write_safetensors(std::filesystem::path(stopped.path()) / "best.safetensors", {{"step", step}}, {});
  };
  const auto check = [&](const std::string& steps) {
    stopped.check(stopped.resume({{"train.steps", steps}}).config);
  };
  weights_of_step("9");
  EXPECT_NO_THROW(check("9"));
  EXPECT_TRUE(is_bad_input([&] { check("8"); }, {"8 steps are asked for", "best.safetensors is of step 9"}));
  weights_of_step("no number");
  EXPECT_NO_THROW(check("8"));
}

TEST(Resume, KeepsTheAugmentation) {
  const TemporaryFolder pictures;
  test::write_pictures(pictures);
  RunThatStopped stopped(blobs({{"data.source", pictures.path().string()},
                                {"data.augment", "crop 1, flip"},
                                {"model.layers", "flatten, linear 3"}}));
  EXPECT_EQ(to_text(stopped.resume().config.data.augment), "crop 1, flip");
  EXPECT_NO_THROW(stopped.resume({{"data.augment", "crop 1, flip"}}));
  EXPECT_TRUE(is_bad_input(
      [&] {
        stopped.resume({{"data.augment", "crop 2, flip"}});
      },
      {"another configuration", "data.augment was crop 1, flip, is crop 2, flip"}));
}

TEST(Resume, OfAnOlderVersionKeepsTheTargetsAsTheyAre) {
  const Texts regression = {{"data.source", "linear"}, {"model.layers", "linear 1"}};
  const auto older_run = [](RunThatStopped& stopped) -> RunThatStopped& {
    stopped.checkpoint().run.config.erase("data.normalize-targets");
    stopped.save();
    return stopped;
  };
  RunThatStopped of_targets(blobs(regression));
  EXPECT_EQ(older_run(of_targets).resume().config.data.normalize_targets, NormalizationKind::kNone);
  RunThatStopped of_classes(blobs());
  EXPECT_EQ(older_run(of_classes).resume().config.data.normalize_targets, NormalizationKind::kStandard);
}

TEST(Resume, NamesAllDifferencesOfAnotherConfiguration) {
  RunThatStopped stopped(blobs());
  EXPECT_TRUE(is_bad_input(
      [&] {
        stopped.resume({{"optimizer.learning-rate", "0.1"}, {"train.seed", "2"}, {"train.epochs", "20"}});
      },
      {"another configuration", "optimizer.learning-rate was 0.05, is 0.1", "train.seed was 1, is 2"}));
  // Keys that do not go together are a difference like any other.
  EXPECT_TRUE(is_bad_input(
      [&] {
        stopped.resume({{"optimizer.name", "adam"}});
      },
      {"optimizer.name was sgd, is adam"}));
}

TEST(Resume, TheWholeConfigurationMayBeGivenAgain) {
  RunThatStopped stopped(blobs());
  GivenValues again;
  for (const auto& [key, value] : settings_of(stopped.run().config)) again[key] = {value, "in run.cfg"};
  again["run.dir"] = {stopped.path(), "in run.cfg"};
  again["run.resume"] = {"true", "in run.cfg"};
  EXPECT_TRUE(start_run(again, "", *stopped.run().communicator).checkpoint.has_value());
  again["train.seed"] = {"7", "in run.cfg"};
  EXPECT_TRUE(
      is_bad_input([&] { start_run(again, "", *stopped.run().communicator); }, {"train.seed was 1, is 7"}));
  again["run.resume"] = {"false", "in run.cfg"};
  EXPECT_FALSE(start_run(again, "", *stopped.run().communicator).checkpoint.has_value());
}

TEST(Resume, ARunWithoutACheckpointStartsOverUnlessItHasEnded) {
  const TemporaryFolder folder;
  const auto single = make_single_communicator();
  const auto start = [&] {
    return start_run(given({{"run.dir", folder.path().string()}, {"run.resume", "true"}}), "", *single);
  };
  EXPECT_FALSE(start().replaces);
  folder.write("metrics.jsonl", "{\"event\":\"start\"}\n{\"event\":\"st");
  EXPECT_TRUE(start().replaces);
  folder.write("metrics.jsonl", "{\"event\":\"start\"}\n{\"event\":\"end\"}\n");
  EXPECT_FALSE(start().replaces);
  EXPECT_TRUE(is_bad_input([&] { start_run({}, folder.path().string(), *single); }, {"holds no checkpoint"}));
  EXPECT_TRUE(is_bad_input(
      [&] {
        start_run(given({{"run.resume", "true"}}), "", *single);
      },
      {"needs run.dir"}));
  EXPECT_TRUE(is_bad_input(
      [&] {
        start_run(given({{"run.dir", "a"}}), "b", *single);
      },
      {"names the run directory"}));
}

TEST(Resume, MoreStepsOnlyWhereTheScheduleDoesNotDependOnThem) {
  for (const std::string schedule : {"constant", "step", "exponential", "cosine-restarts"}) {
    Texts texts = {{"schedule.name", schedule}};
    if (schedule == "step") texts["schedule.every"] = "2";
    if (schedule == "cosine-restarts") texts["schedule.period"] = "3";
    RunThatStopped stopped(blobs(texts));
    stopped.check(stopped.resume({{"train.epochs", "11"}}).config);
    stopped.check(stopped.resume({{"train.steps", "5"}}).config);
    EXPECT_TRUE(is_bad_input(
        [&] {
          stopped.check(stopped.resume({{"train.steps", "4"}}).config);
        },
        {"4 steps are asked for, the run has done 5"}));
  }
  for (const std::string schedule : {"cosine", "polynomial", "one-cycle"}) {
    RunThatStopped stopped(blobs({{"schedule.name", schedule}}));
    stopped.check(stopped.resume({{"train.epochs", "10"}}).config);
    EXPECT_TRUE(is_bad_input(
        [&] {
          stopped.check(stopped.resume({{"train.epochs", "11"}}).config);
        },
        {"would have changed the learning rate", schedule}));
  }
  // During the warm-up nothing depends on the number of steps yet.
  RunThatStopped stopped(blobs({{"schedule.name", "cosine"}, {"schedule.warmup-steps", "6"}}));
  stopped.check(stopped.resume({{"train.epochs", "11"}}).config);
}

TEST(Resume, OtherDataAreRefused) {
  RunThatStopped stopped(blobs());
  stopped.checkpoint().run.data_digest[0] ^= 1;
  EXPECT_TRUE(is_bad_input([&] { stopped.check(stopped.run().config); }, {"holds other data"}));
}

TEST(Resume, TheFileIsNamedWhoseDataHaveChanged) {
  const TemporaryFolder folder;
  folder.write("d.csv", "1,2,0\n3,1,1\n2,2,1\n4,1,0\n");
  folder.write("t.csv", "1,1,0\n2,1,1\n");
  const std::string source = (folder.path() / "d.csv").string();
  const std::string test = (folder.path() / "t.csv").string();
  const Texts files = {
      {"data.source", source}, {"data.test", test}, {"model.layers", "linear 2"}, {"train.batch-size", "2"}};
  RunThatStopped stopped(test::config_of([&] {
                           Texts all = files;
                           all["train.micro-batches"] = "8";
                           return all;
                         }()),
                         2);
  const std::string digest = stopped.checkpoint().run.data_digest;
  stopped.check(stopped.run().config);
  stopped.checkpoint().run.data_digest[0] ^= 1;
  EXPECT_TRUE(is_bad_input([&] { stopped.check(stopped.run().config); },
                           {"data.source = " + source + ": holds other data"}));
  stopped.checkpoint().run.data_digest = digest;
  stopped.checkpoint().run.data_digest.back() ^= 1;
  EXPECT_TRUE(is_bad_input([&] { stopped.check(stopped.run().config); },
                           {"data.test = " + test + ": holds other data"}));
}

TEST(Resume, ARunThatHasEndedWithoutACheckpointIsDone) {
  const TemporaryFolder folder;
  const auto single = make_single_communicator();
  const std::string path = folder.path().string();
  Config config = config_of({{"data.source", "blobs"}, {"train.epochs", "2"}});
  resolve_micro_batches(config, 1);
  folder.write("config.cfg", to_text(settings_of(config)));
  folder.write("metrics.jsonl", "{\"event\":\"start\"}\n{\"event\":\"end\"}\n");
  folder.write("weights.safetensors", "weights");
  Texts texts = {{"data.source", "blobs"}, {"train.epochs", "2"}, {"run.dir", path}, {"run.resume", "true"}};
  EXPECT_TRUE(start_run(given(texts), "", *single).has_ended);
  EXPECT_TRUE(start_run({}, path, *single).has_ended);
  EXPECT_TRUE(start_run(given({{"checkpoint.every", "5"}}), path, *single).has_ended);
  EXPECT_TRUE(is_bad_input(
      [&] {
        start_run(given({{"train.epochs", "3"}}), path, *single);
      },
      {"has ended", "train.epochs was 2, is 3"}));
  texts["train.seed"] = "2";
  EXPECT_TRUE(
      is_bad_input([&] { start_run(given(texts), "", *single); }, {"has ended", "train.seed was 1, is 2"}));
}

TEST(Resume, AnotherVersionIsWarnedOf) {
  RunThatStopped stopped(blobs());
  testing::internal::CaptureStderr();
  stopped.check(stopped.run().config);
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
  stopped.checkpoint().run.version = "0.0.1";
  testing::internal::CaptureStderr();
  stopped.check(stopped.run().config);
  const std::string said = testing::internal::GetCapturedStderr();
  EXPECT_NE(said.find("the version was '0.0.1'"), std::string::npos) << said;
}

TEST(Resume, WeightsToStartFromAreNotReadAgain) {
  const TemporaryFolder folder;
  const auto file = folder.path() / "w";
  TrainingRun first(blobs());
  write_safetensors(file, {}, to_tensors(first.trainer.network()));
  RunThatStopped stopped(blobs({{"model.init", file.string()}}));
  std::filesystem::remove(file);
  const RunStart start = stopped.resume();
  Trainer trainer(*stopped.run().communicator, make_model(start, *stopped.run().problem),
                  *stopped.run().problem, start.config.training);
  trainer.restore(start.checkpoint->state);
  EXPECT_EQ(weights_digest(trainer.network()), weights_digest(stopped.run().trainer.network()));
}

TEST(Resume, AStateOfAnotherOptimizerIsRefused) {
  TrainingRun momentum(blobs());
  TrainingRun plain(blobs({{"optimizer.momentum", "0"}}));
  EXPECT_TRUE(is_bad_input([&] { plain.trainer.restore(momentum.trainer.state()); },
                           {"another network or optimizer"}));
  TrainingRun other(blobs({{"model.layers", "linear 17, relu, linear 3"}}));
  EXPECT_TRUE(is_bad_input([&] { other.trainer.restore(momentum.trainer.state()); },
                           {"another network or optimizer"}));
}

// The average begins anew where the state is that of a training that has not begun.
TEST(Resume, AStateOfTheBeginningGivesTheWholeTraining) {
  const Config config = blobs({{"optimizer.average", "0.9"}});
  TrainingRun run(config);
  TrainingRun other(config);
  const auto train = [&] {
    for (int step = 0; step < 6; ++step) run.trainer.step();
    std::map<std::string, std::vector<Real>> vectors;
    for (const StateVector& vector : run.trainer.state().vectors) {
      vectors[vector.name] = {vector.values.begin(), vector.values.end()};
    }
    return vectors;
  };
  const auto first = train();
  run.trainer.restore(other.trainer.state());
  EXPECT_EQ(first.size(), 3U);
  EXPECT_EQ(train(), first);
}

}  // namespace
}  // namespace lockstep
