#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "core/suggestion.hpp"

namespace lockstep {
namespace {

std::string meant(const std::string& name) { return "; did you mean '" + name + "'?"; }

TEST(Suggestion, IsWhatDiffersByAFewLetters) {
  const std::vector<std::string> names = {"momentum", "adam", "adamw", "train", "weight-decay"};
  EXPECT_EQ(suggestion("adan", names), meant("adam"));
  EXPECT_EQ(suggestion("adamww", names), meant("adamw"));
  EXPECT_EQ(suggestion("momentun", names), meant("momentum"));
  EXPECT_EQ(suggestion("trian", names), meant("train"));
  EXPECT_EQ(suggestion("Weight_Decay", names), meant("weight-decay"));
  EXPECT_EQ(suggestion("weightdecay", names), meant("weight-decay"));
}

TEST(Suggestion, IsNothingWhereNothingIsNear) {
  const std::vector<std::string> names = {"data.source", "data.test", "model.layers", "out", "l2", "tags"};
  for (const std::string word :
       {"", "x", "lr", "weather", "nowhere", "conv", "--gpu", "data", "--frobnicate"}) {
    EXPECT_EQ(suggestion(word, names), "") << word;
  }
  EXPECT_EQ(suggestion("adam", {}), "");
}

TEST(Suggestion, ForgivesMoreInLongerWords) {
  EXPECT_EQ(suggestion("spices", std::vector<std::string>{"age", "species"}), meant("species"));
  EXPECT_EQ(suggestion("ross", std::vector<std::string>{"iris", "rose"}), meant("rose"));
  EXPECT_EQ(suggestion("pet", std::vector<std::string>{"rat"}), "");
}

TEST(Suggestion, KnowsKeysWithoutTheirSectionOrInAnother) {
  const std::vector<std::string> keys = {"--data.source", "--data.seed", "--optimizer.learning-rate",
                                         "--train.batch-size", "--train.seed"};
  EXPECT_EQ(suggestion("--learning-rate", keys), meant("--optimizer.learning-rate"));
  EXPECT_EQ(suggestion("--learning_rat", keys), meant("--optimizer.learning-rate"));
  EXPECT_EQ(suggestion("train.learning-rate", keys), meant("--optimizer.learning-rate"));
  EXPECT_EQ(suggestion("--batchsize", keys), meant("--train.batch-size"));
  EXPECT_EQ(suggestion("trian.seed", keys), meant("--train.seed"));
  EXPECT_EQ(suggestion("--seed", keys), "; did you mean '--data.seed' or '--train.seed'?");
}

TEST(Suggestion, KnowsWhatOtherProgramsCallIt) {
  const std::vector<std::string> names = {"linear", "optimizer.learning-rate", "train.epochs"};
  EXPECT_EQ(suggestion("dense", names), meant("linear"));
  EXPECT_EQ(suggestion("fc", names), meant("linear"));
  EXPECT_EQ(suggestion("--lr", names), meant("optimizer.learning-rate"));
  EXPECT_EQ(suggestion("train.lr", names), meant("optimizer.learning-rate"));
  EXPECT_EQ(suggestion("--num_epochs", names), meant("train.epochs"));
}

TEST(Suggestion, IsOneLine) {
  EXPECT_EQ(suggestion("a\nbcd", std::vector<std::string>{"a\nbce"}), meant("a?bce"));
}

}  // namespace
}  // namespace lockstep
