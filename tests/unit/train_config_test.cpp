#include <algorithm>
#include <filesystem>
#include <gmock/gmock.h>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "data_helpers.hpp"
#include "train_helpers.hpp"

namespace lockstep {
namespace {

using test::config_of;
using test::is_bad_input;
using test::Texts;

TEST(Config, DefaultsAreThoseOfTheDesign) {
  const Config config = config_of({});
  EXPECT_EQ(config.data.source.source, "fashion-mnist");
  EXPECT_EQ(config.data.normalize, NormalizationKind::kStandard);
  EXPECT_EQ(config.data.validation, 0);
  EXPECT_EQ(config.model.loss, "auto");
  EXPECT_EQ(config.model.loss_parameters, (Hyperparameters{{"huber-delta", 1}, {"label-smoothing", 0}}));
  EXPECT_EQ(config.training.initialization, Initialization::kAuto);
  EXPECT_EQ(config.training.batch_size, kAutomaticBatch);
  EXPECT_EQ(config.training.epochs, 10);
  EXPECT_EQ(config.training.steps, 0U);
  EXPECT_EQ(config.training.micro_batches, 0);
  EXPECT_EQ(config.training.seed, 1U);
  EXPECT_EQ(config.training.reduction, Reduction::kReproducible);
  EXPECT_EQ(config.training.optimizer.name, "sgd");
  EXPECT_EQ(config.training.optimizer.l2, 0);
  EXPECT_EQ(config.training.optimizer.decay_scope, DecayScope::kWeights);
  EXPECT_EQ(config.training.clip_norm, 0);
  EXPECT_EQ(config.training.schedule.name, "constant");
  EXPECT_EQ(config.training.schedule.warmup_steps, 0U);
  EXPECT_EQ(config.checkpoint.every, 0U);
  EXPECT_EQ(config.checkpoint.minutes, 10);
  EXPECT_EQ(config.checkpoint.keep, 3);
  EXPECT_FALSE(config.checkpoint.best);
  EXPECT_EQ(config.stopping.patience, 0U);
  EXPECT_EQ(config.stopping.watch, Watch::kLoss);
  EXPECT_FALSE(config.run.resume);
  EXPECT_EQ(config.run.timeout, 600);
}

TEST(Config, EveryAlgorithmHasItsOwnDefaults) {
  for (const Algorithm& algorithm : algorithms()) {
    const Config config = config_of(
        {{"optimizer.name", algorithm.name}, {"train.batch-size", algorithm.needs_hessian ? "full" : "32"}});
    EXPECT_EQ(config.training.optimizer.hyperparameters.size(), algorithm.hyperparameters.size());
    for (const Hyperparameter& h : algorithm.hyperparameters) {
      EXPECT_EQ(config.training.optimizer.hyperparameters.at(h.name), h.default_value)
          << algorithm.name << h.name;
    }
  }
}

TEST(Config, ResizesToOneSideOrTwo) {
  const auto size = [](const std::string& text) {
    const Config config = config_of({{"data.resize", text}});
    return std::pair(config.data.source.pictures.height, config.data.source.pictures.width);
  };
  const auto text_of = [](const std::string& text) {
    for (const auto& [key, value] : settings_of(config_of({{"data.resize", text}}))) {
      if (key == "data.resize") return value;
    }
    return std::string();
  };
  EXPECT_THAT(size("none"), testing::Pair(0, 0));
  EXPECT_THAT(size("28"), testing::Pair(28, 28));
  EXPECT_THAT(size("28 40"), testing::Pair(28, 40));
  EXPECT_EQ(text_of("28 40"), "28 40");
  EXPECT_EQ(text_of("28 28"), "28");
}

TEST(Config, TakesWhatIsGiven) {
  const Config config = config_of({{"train.batch-size", "full"},
                                   {"train.steps", "12"},
                                   {"train.micro-batches", "5"},
                                   {"train.seed", "0"},
                                   {"model.layers", "linear 3"},
                                   {"model.loss", "huber"},
                                   {"model.huber-delta", "0.25"},
                                   {"model.initialization", "normal"},
                                   {"data.task", "multi-label"},
                                   {"data.test-samples", "7"},
                                   {"optimizer.name", "sgd"},
                                   {"optimizer.momentum", "0.9"},
                                   {"optimizer.nesterov", "true"},
                                   {"optimizer.l2", "1e-4"},
                                   {"optimizer.weight-decay-on", "all"},
                                   {"optimizer.clip-norm", "2"},
                                   {"schedule.name", "cosine"},
                                   {"schedule.final", "0.5"}});
  EXPECT_EQ(config.training.batch_size, 0);
  EXPECT_EQ(config.training.steps, 12U);
  EXPECT_EQ(config.training.micro_batches, 5);
  EXPECT_EQ(config.training.seed, 0U);
  EXPECT_EQ(config_of({{"train.reduction", "fast"}}).training.reduction, Reduction::kFast);
  EXPECT_EQ(config.model.layers, "linear 3");
  EXPECT_EQ(config.model.loss, "huber");
  EXPECT_EQ(config.model.loss_parameters.at("huber-delta"), 0.25);
  EXPECT_EQ(config.training.initialization, Initialization::kNormal);
  EXPECT_EQ(config.data.source.task, Task::kMultiLabel);
  EXPECT_EQ(config.data.source.synthetic.test_samples, 7);
  EXPECT_EQ(config.training.optimizer.hyperparameters.at("momentum"), 0.9);
  EXPECT_EQ(config.training.optimizer.hyperparameters.at("nesterov"), 1);
  EXPECT_EQ(config.training.optimizer.l2, 1e-4);
  EXPECT_EQ(config.training.optimizer.decay_scope, DecayScope::kAll);
  EXPECT_EQ(config.training.clip_norm, 2);
  EXPECT_EQ(config.training.schedule.name, "cosine");
  EXPECT_EQ(config.training.schedule.hyperparameters.at("final"), 0.5);
}

TEST(Config, EveryKeyHasAHelpText) {
  std::vector<std::string> keys;
  for (const SettingHelp& help : setting_help()) {
    EXPECT_GE(help.help.size(), 8U) << help.key;
    EXPECT_NE(help.key.find('.'), std::string::npos) << help.key;
    EXPECT_EQ(std::count(keys.begin(), keys.end(), help.key), 0) << help.key;
    keys.push_back(help.key);
  }
  for (const Algorithm& algorithm : algorithms()) {
    for (const Hyperparameter& h : algorithm.hyperparameters) {
      EXPECT_EQ(std::count(keys.begin(), keys.end(), "optimizer." + h.name), 1) << h.name;
    }
  }
  for (const ScheduleShape& shape : schedule_shapes()) {
    for (const Hyperparameter& h : shape.hyperparameters) {
      EXPECT_EQ(std::count(keys.begin(), keys.end(), "schedule." + h.name), 1) << h.name;
    }
  }
}

/// The keys and values of a configuration file that has no comments and no blanks to trim.
Texts parsed(const std::string& text) {
  Texts texts;
  std::istringstream lines(text);
  std::string section;
  for (std::string line; std::getline(lines, line);) {
    if (line.empty()) continue;
    if (line.front() == '[') {
      section = line.substr(1, line.size() - 2);
      continue;
    }
    const std::size_t equals = line.find(" = ");
    const bool is_new = texts.emplace(section + "." + line.substr(0, equals), line.substr(equals + 3)).second;
    EXPECT_TRUE(is_new) << line;
  }
  return texts;
}

TEST(Config, TextGivesTheSameConfigurationAgain) {
  const std::vector<Texts> configurations = {
      {},
      {{"optimizer.name", "adamw"}, {"optimizer.beta2", "0.95"}, {"optimizer.weight-decay", "0.123456789"}},
      {{"optimizer.momentum", "0.9"}, {"optimizer.nesterov", "true"}, {"optimizer.learning-rate", "1e-07"}},
      {{"data.source", "blobs"}, {"data.samples", "10"}, {"train.batch-size", "full"}, {"run.dir", "runs/a"}},
      {{"data.source", "a folder/file.csv"}, {"data.test", "t.csv"}, {"data.label", "x = y [z]"}},
      {{"train.steps", "17"}, {"train.seed", "123456789"}, {"train.reduction", "fast"}},
      {{"schedule.name", "step"}, {"schedule.every", "7"}, {"schedule.factor", "0.3"}},
      {{"schedule.name", "one-cycle"}, {"schedule.scaling", "sqrt"}, {"schedule.reference-batch", "64"}},
      {{"model.loss", "huber"}, {"model.huber-delta", "0.123456789"}, {"data.label", "a, -2,c"}},
      {{"model.label-smoothing", "0.1"}, {"data.test-samples", "12"}, {"data.task", "multi-label"}},
      {{"checkpoint.every", "7"}, {"checkpoint.minutes", "0.5"}, {"run.resume", "true"}},
      {{"data.fold", "2/5"}, {"data.hold-out", "stratified"}, {"model.class-weights", "balanced"}},
      {{"data.label", ""}, {"data.test", ""}, {"model.layers", ""}},
  };
  for (const Texts& texts : configurations) {
    Config config = config_of(texts);
    resolve_micro_batches(config, 9);
    const Config again = config_of(parsed(to_text(settings_of(config))), "in a.cfg", GivenBy::kFile);
    EXPECT_EQ(settings_of(again), settings_of(config));
    EXPECT_EQ(again.training.optimizer.hyperparameters, config.training.optimizer.hyperparameters);
    EXPECT_EQ(again.model.loss_parameters, config.model.loss_parameters);
    EXPECT_EQ(again.training.micro_batches, config.training.reduction == Reduction::kFast ? 9 : 16);
  }
}

TEST(Config, FilesAreWrittenDownByAbsolutePaths) {
  const auto written = [](const Texts& texts) {
    return parsed(to_text(settings_of(with_absolute_paths(config_of(texts)))));
  };
  const std::string here = std::filesystem::current_path().string() + "/";
  const Texts files = written({{"data.source", "a.csv"}, {"data.test", "b/t.csv"}, {"model.init", "/w"}});
  EXPECT_EQ(files.at("data.source"), here + "a.csv");
  EXPECT_EQ(files.at("data.test"), here + "b/t.csv");
  EXPECT_EQ(files.at("model.init"), "/w");
  EXPECT_EQ(written({{"data.source", "blobs"}}).at("data.source"), "blobs");
  EXPECT_EQ(written({}).at("data.source"), "fashion-mnist");
}

TEST(Config, KeysOfNoEffectAreNotWrittenDown) {
  const auto keys_of = [](const Config& config) {
    std::string keys;
    for (const auto& [key, value] : settings_of(config)) keys += key + " ";
    return keys;
  };
  EXPECT_EQ(keys_of(config_of({{"optimizer.name", "adamw"}})).find("momentum"), std::string::npos);
  EXPECT_EQ(keys_of(config_of({{"optimizer.name", "sgd"}})).find("beta1"), std::string::npos);
}

TEST(MicroBatches, AreEightOrTheNextPowerOfTwo) {
  for (const auto& [ranks, expected] :
       std::map<int, int>{{1, 8}, {3, 8}, {8, 8}, {9, 16}, {16, 16}, {17, 32}, {100, 128}}) {
    Config config = config_of({});
    resolve_micro_batches(config, ranks);
    EXPECT_EQ(config.training.micro_batches, expected) << ranks;
    EXPECT_NE(to_text(settings_of(config)).find("\nmicro-batches = " + std::to_string(expected) + "\n"),
              std::string::npos);
  }
}

TEST(MicroBatches, StayAsConfigured) {
  for (const int ranks : {1, 3, 5}) {
    Config config = config_of({{"train.micro-batches", "5"}});
    resolve_micro_batches(config, ranks);
    EXPECT_EQ(config.training.micro_batches, 5);
  }
  Config config = config_of({{"train.micro-batches", "5"}});
  EXPECT_TRUE(is_bad_input([&] { resolve_micro_batches(config, 6); },
                           {"train.micro-batches = 5", "at most 5 ranks", "6 were started", "= 8"}));
}

TEST(SettingHelp, TheUsualSettingsAreKeys) {
  for (const std::string& key : usual_settings()) {
    const auto all = setting_help();
    EXPECT_EQ(std::count_if(all.begin(), all.end(), [&](const SettingHelp& s) { return s.key == key; }), 1)
        << key;
  }
}

}  // namespace
}  // namespace lockstep
