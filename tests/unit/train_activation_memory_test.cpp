// train.activation-memory bounds what passes together, changes no bit, and says where it cannot bound.

#include <string>
#include <tuple>

#include <gtest/gtest.h>

#include "lockstep/core/threads.hpp"
#include "lockstep/nn/weights.hpp"
#include "train/run/announcement.hpp"
#include "train_helpers.hpp"

namespace lockstep {
namespace {

using test::Texts;
using test::TrainingRun;

/// Pictures of 8 x 8 through 32 channels, in batches of 64 and a last one of 11; `end` takes in 32 channels.
Config pictures(const std::string& end, const Texts& changes) {
  return test::blobs(test::changed({{"data.source", "blobs"},
                                    {"data.samples", "203"},
                                    {"train.batch-size", "64"},
                                    {"model.layers",
                                     "linear 192, unflatten 3 8 8, conv 32 3 pad=1, relu, dropout 0.2, conv "
                                     "32 3 pad=1, " +
                                         end + ", avg-pool all, flatten, linear 3"}},
                                   changes));
}

/// The digest, the last loss and that of an evaluation, after an epoch and a step.
std::tuple<std::string, double, double> trained(const std::string& end, const Texts& changes) {
  TrainingRun run(pictures(end, changes));
  double loss = 0;
  for (int step = 0; step < 5; ++step) loss = run.trainer.step().loss;
  const double evaluated = run.trainer.evaluate(all_of(*run.problem->test)).loss;
  return {weights_digest(run.trainer.network()), loss, evaluated};
}

TEST(ActivationMemory, ChangesNoBit) {
  for (const std::string end : {"group-norm 8, relu", "batch-norm micro", "batch-norm",
                                "recompute(conv 32 3 pad=1, silu, conv 32 3 pad=1)"}) {
    const auto expected = trained(end, {{"train.activation-memory", "1024"}});
    EXPECT_EQ(trained(end, {{"train.activation-memory", "1"}}), expected) << end;
    EXPECT_EQ(trained(end, {{"train.activation-memory", "1"}, {"train.threads", "3"}}), expected) << end;
    set_threads(1);
  }
}

/// Three micro-batches of 8 need more than 1 MiB, all 64 samples less than 1024.
TEST(ActivationMemory, IsThatOfTheTrainersNetwork) {
  const auto rows_within = [](const std::string& mebibytes) {
    TrainingRun run(pictures("group-norm 8", {{"train.activation-memory", mebibytes}}));
    return run.trainer.network().rows_at_once();
  };
  EXPECT_LT(rows_within("1"), 24);
  EXPECT_GE(rows_within("1024"), 64);
  EXPECT_EQ(rows_within("32"), TrainingRun(pictures("group-norm 8", {})).trainer.network().rows_at_once());
}

/// What the announcement of such a run warns of.
std::string warnings_of(const std::string& end, const Texts& changes) {
  TrainingRun run(pictures(end, changes));
  testing::internal::CaptureStderr();
  testing::internal::CaptureStdout();
  announce_run(run.trainer, *run.problem, *run.communicator, "run", {});
  testing::internal::GetCapturedStdout();
  return testing::internal::GetCapturedStderr();
}

TEST(ActivationMemory, SaysWhatIsNeverCutWhereItWasSet) {
  const std::string hidden =
      "recompute(conv 2048 1, relu, conv 32 1)";  // 512 KiB a sample, of 2 gradients too
  EXPECT_EQ(warnings_of("group-norm 8", {{"train.activation-memory", "1"}}), "");
  EXPECT_EQ(warnings_of(hidden, {{"train.micro-batches", "1"}}), "");
  EXPECT_EQ(warnings_of(hidden, {{"train.activation-memory", "256"}}), "");
  const std::string cut = warnings_of(hidden, {{"train.activation-memory", "2"}});
  EXPECT_TRUE(cut.starts_with("train.activation-memory = 2: a micro-batch (8 samples) passes as one and"))
      << cut;
  EXPECT_NE(cut.find("raise train.micro-batches"), std::string::npos) << cut;
  const std::string whole = warnings_of("batch-norm", {{"train.activation-memory", "1"}});
  EXPECT_NE(whole.find("rank 0's part of the batch (64 samples)"), std::string::npos) << whole;
  EXPECT_NE(whole.find("'batch-norm micro'"), std::string::npos) << whole;
  EXPECT_EQ(whole.find("train.micro-batches"), std::string::npos) << whole;
}

}  // namespace
}  // namespace lockstep
