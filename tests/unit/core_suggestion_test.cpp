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

// Each differs by no more letters than a slip of the finger may, but nobody would mistake one for the other.
TEST(Suggestion, IsNothingFarFetched) {
  const std::vector<std::string> keys = {"--optimizer.l2", "--optimizer.rho", "--model.init",
                                         "--train.epochs", "--train.threads"};
  for (const std::string word : {"--optimizer.foo", "--optimizer.gpu", "--model", "--train.heads",
                                 "--gpu.ids", "--run.epics", "--nodes"}) {
    EXPECT_EQ(suggestion(word, keys), "") << word;
  }
  EXPECT_EQ(suggestion("binary", std::vector<std::string>{"linear", "library", "tertiary"}), "");
}

TEST(Suggestion, KnowsNamesInAnyLetters) {
  const std::vector<std::string> names = {"relu",  "gelu",       "leaky-relu", "adam",
                                          "adamw", "batch-norm", "true"};
  EXPECT_EQ(suggestion("ReLU", names), meant("relu"));
  EXPECT_EQ(suggestion("LeakyReLU", names), meant("leaky-relu"));
  EXPECT_EQ(suggestion("AdamW", names), meant("adamw"));
  EXPECT_EQ(suggestion("Adam", names), meant("adam"));
  EXPECT_EQ(suggestion("BatchNorm", names), meant("batch-norm"));
  EXPECT_EQ(suggestion("Batch_Norm", names), meant("batch-norm"));
  EXPECT_EQ(suggestion("YES", names), meant("true"));
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
  EXPECT_EQ(suggestion("yes", std::vector<std::string>{"auto", "yes", "no"}), meant("yes"));
  EXPECT_EQ(suggestion("--early-stopping", names), "") << "only what there is";
  EXPECT_EQ(suggestion("--early-stopping", std::vector<std::string>{"train.patience"}),
            meant("train.patience"));
}

TEST(Suggestion, IsOneLine) {
  EXPECT_EQ(suggestion("a\nbcd", std::vector<std::string>{"a\nbce"}), meant("a?bce"));
}

}  // namespace
}  // namespace lockstep
