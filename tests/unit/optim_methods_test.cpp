#include <cmath>

#include <gtest/gtest.h>

#include "core/named.hpp"
#include "lockstep/optim/algorithm.hpp"
#include "lockstep/optim/methods.hpp"

namespace lockstep {
namespace {

// The defaults of the structures and those of the configuration are written down apart.
TEST(Methods, HaveTheHyperparametersAndDefaultsOfTheConfiguration) {
  for (const OptimizerOptions& method : {sgd(), adagrad(), rmsprop(), adam(), adamw(), lion(), lars(), lamb(),
                                         muon(), newton(), sam(sgd()), sam(adamw())}) {
    const Algorithm& algorithm = find_algorithm(method.name);
    EXPECT_EQ(method.hyperparameters.size(), algorithm.hyperparameters.size()) << method.name;
    for (const Hyperparameter& h : algorithm.hyperparameters) {
      const auto value = method.hyperparameters.find(h.name);
      ASSERT_NE(value, method.hyperparameters.end()) << method.name << " " << h.name;
      EXPECT_EQ(value->second, h.default_value) << method.name << " " << h.name;
    }
  }
}

TEST(Methods, TakeWhatIsGiven) {
  const OptimizerOptions method = adamw({.learning_rate = 0.01, .amsgrad = true, .decay_by_schedule = true});
  EXPECT_EQ(method.name, "adamw");
  EXPECT_EQ(method.hyperparameters.at("learning-rate"), 0.01);
  EXPECT_EQ(method.hyperparameters.at("amsgrad"), 1);
  EXPECT_EQ(method.hyperparameters.at("decay-scaling"), 1);
  EXPECT_EQ(method.hyperparameters.at("beta2"), 0.999);
}

}  // namespace
}  // namespace lockstep
