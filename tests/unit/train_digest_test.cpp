// Digests of whole trainings, as literals: the promise between machines. They were found with GCC 12 on a Zen
// 5 and are to come out on every x86-64 processor, with every compiler and degree of optimisation. A change
// of arithmetic changes them, and is a breaking one.

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "core/vector_unit.hpp"
#include "lockstep/core/threads.hpp"
#include "lockstep/nn/weights.hpp"
#include "train_helpers.hpp"

namespace lockstep {
namespace {

using test::Texts;
using test::TrainingRun;

struct DigestCase {
  const char* name;
  Texts settings;
  const char* in_float;
  const char* in_double;
};

std::ostream& operator<<(std::ostream& out, const DigestCase& c) { return out << c.name; }

std::string digest_of_training(const Texts& settings) {
  TrainingRun run(test::config_of(settings));
  for (int step = 0; step < 20; ++step) run.trainer.step();
  return weights_digest(run.trainer.network());
}

class TrainingDigest : public testing::TestWithParam<DigestCase> {
 protected:
  ~TrainingDigest() override {
    use_vector_unit(unit_);
    set_threads(1);
  }

 private:
  VectorUnit unit_ = vector_unit();
};

TEST_P(TrainingDigest, IsThatOfEveryMachine) {
  const DigestCase& c = GetParam();
  const std::string expected = sizeof(Real) == sizeof(float) ? c.in_float : c.in_double;
  for (const VectorUnit unit : vector_units()) {
    use_vector_unit(unit);
    for (const int count : {1, 3}) {
      set_threads(count);
      EXPECT_EQ(digest_of_training(c.settings), expected) << to_text(unit) << ", " << count << " threads";
    }
  }
}

/// Three blobs in seven micro-batches, ragged ones and a last batch of 8 among them.
Texts on_blobs(const Texts& changes) {
  Texts settings = {{"data.source", "blobs"},   {"data.samples", "104"},
                    {"data.features", "19"},    {"data.classes", "3"},
                    {"train.batch-size", "32"}, {"train.micro-batches", "7"},
                    {"train.steps", "20"},      {"optimizer.learning-rate", "0.02"}};
  for (const auto& [key, text] : changes) settings[key] = text;
  return settings;
}

const DigestCase kCases[] = {
    {"Sgd",
     on_blobs({{"model.layers", "linear 70, relu, dropout 0.3, linear 33, leaky-relu, linear 3"},
               {"optimizer.momentum", "0.9"},
               {"optimizer.clip-norm", "1"}}),
     "", ""},
    {"AdamW",
     on_blobs({{"model.layers", "linear 40, tanh, dropout 0.2, linear 20, sigmoid, linear 3"},
               {"optimizer.name", "adamw"},
               {"optimizer.clip-norm", "0.5"},
               {"schedule.name", "cosine"},
               {"schedule.warmup-steps", "3"}}),
     "", ""},
    {"Lamb",
     on_blobs({{"model.layers", "linear 40, gelu, residual(linear 40, softplus), linear 3"},
               {"model.initialization", "normal"},
               {"optimizer.name", "lamb"},
               {"optimizer.average", "0.9"},
               {"schedule.name", "exponential"}}),
     "", ""},
    {"Muon",
     on_blobs({{"model.layers", "linear 40, relu, linear 20, relu, linear 3"},
               {"optimizer.name", "muon"},
               {"schedule.name", "one-cycle"}}),
     "", ""},
    {"Sam",
     on_blobs({{"model.layers", "linear 40, relu, linear 3"},
               {"optimizer.name", "sam-adamw"},
               {"schedule.name", "polynomial"}}),
     "", ""},
    {"Regression",
     {{"data.source", "linear"},
      {"data.samples", "90"},
      {"model.layers", "linear 9, tanh, linear 1"},
      {"train.batch-size", "16"}},
     "",
     ""},
    {"YesOrNo",
     {{"data.source", "tags"},
      {"data.samples", "90"},
      {"model.layers", "linear 9, tanh, linear 4"},
      {"train.batch-size", "16"}},
     "",
     ""},
};

INSTANTIATE_TEST_SUITE_P(Cases, TrainingDigest, testing::ValuesIn(kCases),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace lockstep
