#include <array>
#include <set>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "data_helpers.hpp"
#include "train_helpers.hpp"

namespace lockstep {
namespace {

using test::config_of;
using test::is_bad_input;
using test::Texts;

struct BadValue {
  std::string key;
  std::vector<std::string> texts;
  std::string expected;
};

/// `texts`, and where their key is a hyperparameter of some methods, the first of these.
Texts with_method(Texts texts) {
  const auto choose = [&](const std::string& section, const auto& methods) {
    const std::string key = texts.begin()->first;
    for (const auto& method : methods) {
      for (const Hyperparameter& h : method.hyperparameters) {
        if (key == section + "." + h.name) texts.emplace(section + ".name", method.name);
      }
    }
  };
  choose("optimizer", algorithms());
  choose("schedule", schedule_shapes());
  return texts;
}

TEST(ConfigError, AValueThatAFileCouldNotKeepIsRefusedAndNotCut) {
  for (const std::string value : {"as in #12", "#", "two\nlines"}) {
    EXPECT_TRUE(is_bad_input([&] { config_of({{"run.notes", value}}); }, {"run.notes", "must not hold '#'"}));
  }
}

TEST(ConfigError, SaysKeyValueOriginAndWhatWasExpected) {
  const std::string from_0 = "a whole number of at least 0";
  const std::string from_1 = "a whole number of at least 1";
  const std::vector<BadValue> table = {
      {"data.task", {"", "Classification"}, "one of: classification, regression, multi-label"},
      {"data.header", {"true"}, "one of: auto, yes, no"},
      {"data.samples",
       {"0", "-1", "1.5", "many", "", "4294967297", "1e3"},
       "a whole number from 1 to 4294967296"},
      {"data.test-samples", {"0", "4294967297", "all"}, "a whole number from 1 to 4294967296, or 'auto'"},
      {"data.transpose", {"1", "yes"}, "one of: true, false"},
      {"data.resize",
       {"0", "8 0", "8 8 8", "auto", "", "16385"},
       "a whole number from 1 to 16384, or two, for height and width, or 'none'"},
      {"data.colour", {"color", "rgb"}, "one of: auto, grey, colour"},
      {"data.features", {"0", "16777217"}, "a whole number from 1 to 16777216"},
      {"data.classes", {"1", "65537"}, "a whole number from 2 to 65536"},
      {"data.seed", {"-1", "0x1"}, from_0},
      {"data.normalize", {"None"}, "one of: standard, unit, none"},
      {"data.normalize-targets", {"true"}, "one of: standard, unit, none"},
      {"data.validation", {"-0.1", "1", "nan", "half"}, "a number from 0 to 1 (excluded)"},
      {"data.hold-out", {"even"}, "one of: random, stratified"},
      {"data.fold",
       {"", "1", "0/5", "6/5", "1/1", "/", "1/", "/5", "1/x", "-1/5", "1/5/5", "auto"},
       "K/N with N of at least 2 and K from 1 to N, as 1/5, or 'none'"},
      {"model.class-weights", {"auto"}, "one of: none, balanced"},
      {"model.loss", {"l1"}, "one of: auto, cross-entropy, mse, mae, huber, bce"},
      {"model.label-smoothing", {"1", "-1", "nan", "inf"}, "a number from 0 to 1 (excluded)"},
      {"model.huber-delta", {"0", "-1", "nan", "1e7"}, "a number from 1e-06 to 1000000"},
      {"model.initialization", {"zero"}, "one of: auto, he, glorot, normal"},
      {"train.batch-size", {"0", "-3", "all", "2.5"}, from_1 + ", or 'full'"},
      {"train.epochs", {"0", "ten", "1048577"}, "a whole number from 1 to 1048576"},
      {"train.steps", {"0", "-1"}, from_1 + ", or 'auto'"},
      {"train.micro-batches", {"0", "65537", "two"}, "a whole number from 1 to 65536, or 'auto'"},
      {"train.activation-memory",
       {"0", "-1", "1.5", "32M", "32 MiB", "auto", "", "1048577"},
       "a whole number from 1 to 1048576"},
      {"train.seed", {"-1", "one"}, from_0},
      {"train.reduction", {"exact"}, "one of: reproducible, fast"},
      {"train.wire", {"fp16", "bfloat16"}, "one of: float32, bf16"},
      {"train.wire-levels", {"0", "17", "all"}, "a whole number from 1 to 16"},
      {"train.check-every", {"-1"}, from_0},
      {"train.noise-scale", {"1", "yes"}, "one of: false, true"},
      {"optimizer.learning-rate", {"-1", "nan", "inf", "fast", ""}, "a number from 0 to 1000000"},
      {"optimizer.momentum", {"-0.1", "1.5"}, "a number from 0 to 1"},
      {"optimizer.nesterov", {"1", "yes", "True"}, "one of: false, true"},
      {"optimizer.l2", {"-1", "nan"}, "a number from 0 to 1000000"},
      {"optimizer.weight-decay-on", {"biases"}, "one of: weights, all"},
      {"optimizer.clip-norm", {"-1", "none"}, "a number from 0 to 1e+30"},
      {"schedule.warmup-steps", {"-1", "1.5"}, from_0},
      {"schedule.final", {"2", "-1"}, "a number from 0 to 1"},
      {"schedule.every", {"0", "x", "2.5"}, "a whole number from 1 to"},
      {"schedule.scaling", {"square"}, "one of: none, linear, sqrt"},
      {"optimizer.average", {"1", "-0.5"}, "a number from 0 to 1 (excluded)"},
      {"checkpoint.every", {"-1", "often"}, from_0},
      {"checkpoint.minutes", {"-1", "nan", "inf"}, "a number from 0 to 1000000"},
      {"checkpoint.keep", {"0", "1.5"}, from_1},
      {"checkpoint.best", {"yes"}, "one of: false, true"},
      {"train.patience", {"-1", "1.5", "auto"}, from_0},
      {"train.watch", {"f1", "test"}, "one of: loss, accuracy"},
      {"run.resume", {"1"}, "one of: false, true"},
      {"run.tensorboard", {"yes"}, "one of: false, true"},
      {"run.timeout", {"-1", "nan", "never"}, "a number from 0 to 1000000"},
  };
  for (const BadValue& bad : table) {
    for (const std::string& text : bad.texts) {
      EXPECT_TRUE(is_bad_input(
          [&] {
            config_of(with_method({{bad.key, text}}), "in a.cfg");
          },
          {bad.key + " = " + text + " (in a.cfg): expected " + bad.expected}))
          << bad.key << " = " << text;
    }
  }
}

// A number that is too large must not be answered with "at least 0".
TEST(ConfigError, NamesTheLimitToNumbersAboveIt) {
  for (const std::string key : {"train.seed", "train.steps", "train.batch-size", "data.seed"}) {
    for (const std::string text : {"1099511627777", "18446744073709551615", "1e30"}) {
      EXPECT_TRUE(is_bad_input([&] { config_of({{key, text}}); }, {key, text, "to 1099511627776"}));
    }
  }
}

TEST(ConfigError, IsGivenForEveryKeyThatIsNoFreeText) {
  const std::set<std::string> free = {
      "data.source",  "data.test",   "data.prefix",     "data.label",   "data.group",   "data.weight",
      "data.columns", "data.ignore", "data.categories", "data.missing", "model.layers", "model.block",
      "model.init",   "run.dir",     "run.name",        "run.notes",    "run.tags",     "data.scratch"};
  for (const SettingHelp& help : setting_help()) {
    if (free.contains(help.key)) continue;
    EXPECT_TRUE(is_bad_input(
        [&] {
          config_of(with_method({{help.key, "no such value"}}));
        },
        {help.key + " = no such value"}))
        << help.key;
  }
}

TEST(ConfigError, TellsTheFileFromTheCommandLine) {
  EXPECT_TRUE(is_bad_input(
      [] {
        make_config({{"train.epochs", {"3", "in a.cfg"}}, {"train.seed", {"x", "on the command line"}}});
      },
      {"train.seed = x (on the command line)"}));
  EXPECT_TRUE(is_bad_input(
      [] {
        make_config({{"train.epochs", {"x", "in a.cfg"}}, {"train.seed", {"3", "on the command line"}}});
      },
      {"train.epochs = x (in a.cfg)"}));
}

TEST(ConfigError, NamesTheKeyNearestToAnUnknownOne) {
  for (const auto& [key, meant] : test::Texts{{"train.batchsize", "train.batch-size"},
                                              {"train.epoch", "train.epochs"},
                                              {"optimizer.learning_rate", "optimizer.learning-rate"},
                                              {"trian.seed", "train.seed"},
                                              {"batch-size", "train.batch-size"}}) {
    EXPECT_TRUE(is_bad_input(
        [&, k = key] {
          config_of({{k, "1"}}, "in a.cfg");
        },
        {key + ": unknown key (in a.cfg)", "did you mean '" + meant + "'"}));
  }
}

TEST(ConfigError, NamesTheValueThatWasMeant) {
  for (const auto& [key, given, meant] :
       std::vector<std::array<std::string, 3>>{{"optimizer.name", "AdamW", "adamw"},
                                               {"optimizer.nesterov", "True", "true"},
                                               {"model.loss", "CrossEntropy", "cross-entropy"},
                                               {"model.initialization", "He", "he"},
                                               {"schedule.name", "Cosine", "cosine"},
                                               {"data.normalize", "standart", "standard"},
                                               {"data.colour", "gray", "grey"},
                                               {"checkpoint.best", "yes", "true"}}) {
    EXPECT_TRUE(is_bad_input(
        [&, k = key, v = given] {
          config_of({{k, v}});
        },
        {fmt::format("{} = {} (on the command line): expected one of: ", key, given),
         fmt::format("; did you mean '{}'?", meant)}));
  }
}

TEST(ConfigError, RefusesWhatTheOptimizerDoesNotUse) {
  EXPECT_TRUE(is_bad_input(
      [] {
        config_of({{"optimizer.name", "adamw"}, {"optimizer.momentum", "0.9"}}, "in a.cfg");
      },
      {"optimizer.momentum (in a.cfg)", "'adamw' does not use it", "beta1, beta2, epsilon"}));
  EXPECT_TRUE(is_bad_input(
      [] {
        config_of({{"optimizer.beta1", "0.9"}});
      },
      {"optimizer.beta1", "'sgd' does not use it", "momentum"}));
}

TEST(ConfigError, RefusesWhatTheScheduleDoesNotUse) {
  EXPECT_TRUE(is_bad_input(
      [] {
        config_of({{"schedule.name", "cosine"}, {"schedule.power", "2"}}, "in a.cfg");
      },
      {"schedule.power (in a.cfg)", "schedule 'cosine' does not use it", "final"}));
  EXPECT_TRUE(is_bad_input(
      [] {
        config_of({{"schedule.final", "0.1"}});
      },
      {"schedule.final", "'constant' does not use it", "nothing"}));
  EXPECT_TRUE(is_bad_input(
      [] {
        config_of({{"schedule.reference-batch", "64"}});
      },
      {"schedule.reference-batch", "schedule.scaling"}));
}

/// What has no effect beside `more` is refused, unless it is the default or stands in a run that goes on.
void expect_no_effect(const std::string& key, const std::string& value, test::Texts more = {}) {
  config_of(more);
  more[key] = value;
  EXPECT_TRUE(is_bad_input([&] { config_of(more, "in a.cfg"); }, {key + " (in a.cfg): has no effect"}))
      << key;
  GivenValues of_run;
  for (const auto& [k, text] : more) of_run[k] = {text, "in run", GivenBy::kRun};
  make_config(of_run);
  for (const SettingHelp& help : setting_help()) {
    if (help.key == key) more[key] = help.default_value;
  }
  config_of(more);
}

TEST(ConfigError, RefusesWhatHasNoEffectBesideOtherKeys) {
  expect_no_effect("train.nonfinite-limit", "3");
  expect_no_effect("schedule.reference-batch", "64");
  expect_no_effect("train.wire-levels", "2");
  expect_no_effect("train.micro-batches", "4", {{"train.reduction", "fast"}});
  expect_no_effect("optimizer.weight-decay-on", "all", {{"optimizer.name", "adam"}});
  expect_no_effect("model.initialization", "he", {{"model.init", "w.safetensors"}});
  expect_no_effect("data.seed", "2", {{"data.source", "a.csv"}});
  expect_no_effect("data.validation", "0.1", {{"data.fold", "1/3"}});
  expect_no_effect("data.hold-out", "stratified");
  expect_no_effect("data.normalize-targets", "none", {{"data.source", "tags"}});
  config_of({{"train.nonfinite-limit", "3"}, {"train.on-nonfinite", "skip"}});
  config_of({{"optimizer.weight-decay-on", "all"}, {"optimizer.l2", "0.1"}});
  config_of({{"data.seed", "2"}, {"data.source", "blobs"}});
  config_of({{"data.seed", "2"}, {"data.source", "a.csv"}, {"data.validation", "0.1"}});
  config_of({{"data.seed", "2"}, {"data.source", "a.csv"}, {"data.fold", "1/3"}});
}

TEST(ConfigError, RefusesEpochsThatStepsOfAFileOverrule) {
  const GivenValue steps = {"15", "in a.cfg", GivenBy::kFile};
  EXPECT_TRUE(is_bad_input(
      [&] {
        make_config({{"train.steps", steps}, {"train.epochs", {"3", "on the command line"}}});
      },
      {"train.epochs (on the command line): has no effect beside train.steps = 15"}));
  EXPECT_EQ(make_config({{"train.steps", {"4", "on the command line"}},
                         {"train.epochs", {"3", "in a.cfg", GivenBy::kFile}}})
                .training.steps,
            4U);
}

TEST(ConfigError, RefusesWhatACommandDoesNotUse) {
  const std::vector<std::string> unused = {"checkpoint.", "run.dir"};
  const auto refuse = [&](const std::string& key, const std::string& text, GivenBy by = GivenBy::kPerson) {
    refuse_unused({{key, {text, "HERE", by}}}, unused, "'bench'");
  };
  EXPECT_TRUE(is_bad_input([&] { refuse("checkpoint.keep", "5"); },
                           {"checkpoint.keep (HERE): has no effect on 'bench'; remove it"}));
  EXPECT_TRUE(is_bad_input([&] { refuse("run.dir", "a"); }, {"run.dir (HERE)"}));
  refuse("checkpoint.keep", "3");  // the default
  refuse("checkpoint.keep", "5", GivenBy::kFile);
  refuse("run.timeout", "5");
}

TEST(ConfigError, LeavesOutWhatARunGaveToAnotherMethod) {
  const GivenValue of_run = {"0.9", "in run/config.cfg", GivenBy::kRun};
  const Config config = make_config({{"optimizer.name", {"sgd", "on the command line"}},
                                     {"optimizer.beta1", of_run},
                                     {"optimizer.momentum", of_run},
                                     {"schedule.final", of_run}});
  const Hyperparameters& values = config.training.optimizer.hyperparameters;
  EXPECT_FALSE(values.contains("beta1"));
  EXPECT_EQ(values.at("momentum"), 0.9);
  for (const auto& [key, value] : settings_of(config)) EXPECT_NE(key, "optimizer.beta1") << value;
}

// The smallest normal float is 2^-126 = 1.18e-38, the largest below 1 is 1 - 2^-24.
TEST(ConfigError, RefusesNumbersThatAreOthersWhereTheyAreUsed) {
  if (sizeof(Real) != sizeof(float)) GTEST_SKIP() << "of the build in float";
  for (const std::string text : {"1e-60", "1e-320", "1e-39"}) {
    for (const std::string key : {"optimizer.clip-norm", "optimizer.l2", "optimizer.learning-rate"}) {
      EXPECT_TRUE(is_bad_input(
          [&] {
            config_of({{key, text}});
          },
          {key, "too near 0 for a float; raise it"}))
          << text;
    }
    EXPECT_TRUE(is_bad_input(
        [&] {
          config_of({{"optimizer.name", "adam"}, {"optimizer.epsilon", text}});
        },
        {"optimizer.epsilon = " + text, "too near 0 for a float"}));
  }
  EXPECT_TRUE(is_bad_input(
      [] {
        config_of({{"optimizer.name", "adam"}, {"optimizer.beta2", "0.9999999999"}});
      },
      {"optimizer.beta2", "less than 1 as a float too"}));
  config_of({{"optimizer.clip-norm", "1.2e-38"}, {"optimizer.average", "0.9999999"}, {"optimizer.l2", "0"}});
}

TEST(ConfigError, AsksForWhatHasNoDefault) {
  EXPECT_TRUE(is_bad_input(
      [] {
        config_of({{"schedule.name", "step"}});
      },
      {"schedule.every", "'step' needs it"}));
  EXPECT_TRUE(is_bad_input(
      [] {
        config_of({{"schedule.name", "cosine-restarts"}});
      },
      {"schedule.period", "'cosine-restarts' needs it"}));
}

TEST(ConfigError, RefusesNesterovWithoutMomentum) {
  EXPECT_TRUE(is_bad_input(
      [] {
        config_of({{"optimizer.nesterov", "true"}});
      },
      {"optimizer.nesterov", "momentum"}));
}

TEST(ConfigError, ListsTheOptimizersToAnUnknownOne) {
  EXPECT_TRUE(is_bad_input(
      [] {
        config_of({{"optimizer.name", "sdg"}});
      },
      {"optimizer.name = sdg", "sgd, adagrad"}));
}

}  // namespace
}  // namespace lockstep
