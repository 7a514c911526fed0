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
 public:
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
     "a83958c4b48b58aabe027483ee8f927a", "90d51ffa3855e73fb9a81e7f09f7558c"},
    {"AdamW",
     on_blobs({{"model.layers", "linear 40, tanh, dropout 0.2, linear 20, sigmoid, linear 3"},
               {"optimizer.name", "adamw"},
               {"optimizer.clip-norm", "0.5"},
               {"schedule.name", "cosine"},
               {"schedule.warmup-steps", "3"}}),
     "4b8c6986eb91b2c558f3b73264649052", "f93680122703292064e9c7e35f7aa5c2"},
    {"Lamb",
     on_blobs({{"model.layers", "linear 40, gelu, residual(linear 40, softplus), linear 3"},
               {"model.initialization", "normal"},
               {"optimizer.name", "lamb"},
               {"optimizer.average", "0.9"},
               {"schedule.name", "exponential"}}),
     "5da5852526c9ddcf7fee448b84281f01", "031e3ac2a0af2d567c6330d99a1a7958"},
    {"Muon",
     on_blobs({{"model.layers", "linear 40, relu, linear 20, relu, linear 3"},
               {"optimizer.name", "muon"},
               {"schedule.name", "one-cycle"}}),
     "5722398697433d35d2294d00f3f5c3b6", "a7699796361776497da34bc3da18904a"},
    {"Sam",
     on_blobs({{"model.layers", "linear 40, relu, linear 3"},
               {"optimizer.name", "sam-adamw"},
               {"schedule.name", "polynomial"}}),
     "df9f0ee0ce4b587fdfda38441ab0920c", "14fffbfd2a44e421e8717f1d9b0e81d1"},
    {"Normalisations",
     on_blobs({{"model.layers",
                "linear 40, batch-norm micro, silu, linear 36, group-norm 4, relu6, linear 37, layer-norm, "
                "linear 3"},
               {"optimizer.momentum", "0.9"}}),
     "8ff8bb249fd7309c3fb9bead29d2bd15", "03f27f640bd9788a07b53ab05b048369"},
    {"BatchNorm",
     on_blobs({{"model.layers",
                "linear 40, batch-norm, silu, linear 36, residual(batch-norm, linear 36), linear 3"},
               {"optimizer.name", "adamw"}}),
     "5d0265abc37a357bbb295433d9b0c354", "c948de269edefb1fd44c1407b79b39c7"},
    {"Pictures",
     on_blobs(
         {{"model.layers",
           "linear 192, unflatten 3 4 16, conv 20 3 pad=1, relu, conv 33 3 pad=1, tanh, max-pool 2, conv 7 2 "
           "stride=2, avg-pool all, flatten, linear 3"},
          {"optimizer.momentum", "0.9"}}),
     "469d7253bc333b2fa88810b8a2450be0", "f7290684e28f35436122615066b7b8ec"},
    {"Bfloat16",
     on_blobs({{"model.layers", "linear 70, relu, dropout 0.3, linear 33, tanh, linear 3"},
               {"optimizer.name", "adamw"},
               {"train.precision", "bf16"}}),
     "085d6cc835a0a1b79bbb14217c9e7b77", "0fc896b83ff56c88ccaee207747a3cf8"},
    {"PicturesInBfloat16",
     on_blobs(
         {{"model.layers",
           "linear 192, unflatten 3 4 16, conv 20 3 pad=1, relu, conv 33 3 pad=1, tanh, max-pool 2, conv 7 2 "
           "stride=2, avg-pool all, flatten, linear 3"},
          {"optimizer.momentum", "0.9"},
          {"train.precision", "bf16"}}),
     "6d7e3bf4c8cd7f083bc8a0f73a30c611", "aa3c2b8c89827b51af7247d12558906a"},
    {"Regression",
     {{"data.source", "linear"},
      {"data.samples", "90"},
      {"data.normalize-targets", "none"},
      {"model.layers", "linear 9, tanh, linear 1"},
      {"optimizer.name", "sgd"},
      {"train.micro-batches", "4"},
      {"train.batch-size", "16"}},
     "27ada42cf85865459026493e1ccc578e",
     "378302e0154d31093332f098af47d326"},
    {"YesOrNo",
     {{"data.source", "tags"},
      {"data.samples", "90"},
      {"model.layers", "linear 9, tanh, linear 4"},
      {"train.micro-batches", "4"},
      {"train.batch-size", "16"}},
     "f47a3b6635caea7660e1a6ec09e23293",
     "c4d38a72d4c22ff80aa2b68fa5bf7d73"},
};

INSTANTIATE_TEST_SUITE_P(Cases, TrainingDigest, testing::ValuesIn(kCases),
                         [](const auto& tested) { return std::string(tested.param.name); });

}  // namespace
}  // namespace lockstep
