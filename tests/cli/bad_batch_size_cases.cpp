#include "bad_input_cases.hpp"

namespace lockstep::test {

std::vector<BadInput> bad_batch_sizes() {
  // What every rank finds by itself.
  const auto alone = [](BadInput bad) {
    bad.ranks = {0};
    return bad;
  };
  const auto batch_size = [](const Words& more) {
    return Words{"study",          "batch-size", "--run.dir",      "run",      "--data.source", "blobs",
                 "--data.samples", "64",         "--model.layers", "linear 4", "--batch-sizes", "4,8,16"} +
           more;
  };
  return {
      {"AccuracyAboveOne", batch_size({"--target", "accuracy=1.5"}),
       "--target accuracy=1.5: cannot be reached; expected an accuracy above 0 and at most 1"},
      alone({"LossOfZero", batch_size({"--target", "loss=0"}), "--target loss=0: cannot be reached"}),
      alone({"TargetOfNothing", batch_size({"--target", "speed=9"}),
             "--target speed=9: expected loss=NUMBER or accuracy=NUMBER"}),
      alone(
          {"AccuracyOfARegression",
           batch_size({"--target", "accuracy=0.9", "--data.source", "linear", "--model.layers", "linear 1"}),
           "a regression has no accuracy"}),
      alone(
          {"TargetOfTheInitialWeights", batch_size({"--target", "loss=99"}), "the initial weights reach it"}),
      {"BatchAboveTheData", batch_size({"--batch-sizes", "16,32,65"}),
       "65 is larger than the 64 training samples"},
      alone({"NoBatchSizes", batch_size({"--batch-sizes", ","}),
             "--batch-sizes ,: an empty value; expected values"}),
      alone({"RangeThatEndsBeforeItBegins", batch_size({"--batch-sizes", "64:16:x4"}),
             "--batch-sizes 64:16:x4"}),
      alone({"TwoBatchSizes", batch_size({"--batch-sizes", "8:16:x2"}), "needs at least 3 sizes"}),
      alone(
          {"RetuneMaybe", batch_size({"--retune", "maybe"}), "--retune maybe: expected one of: false, true"}),
      alone({"UnknownScaling", batch_size({"--scaling", "cubic"}),
             "--scaling cubic: expected one of: none, linear"}),
      alone({"BudgetBelowOne", batch_size({"--budget", "0.5"}),
             "--budget 0.5: expected a number of at least 1"}),
      alone({"NoEvaluationSamples", batch_size({"--evaluation-samples", "0"}), "--evaluation-samples 0"}),
      alone({"ScheduleOfAMeasuredLength", batch_size({"--schedule.name", "cosine"}),
             "schedule.name = cosine: depends on the number of steps"}),
      alone(
          {"BatchOfTheBatchStudy", batch_size({"--train.batch-size", "8"}),
           "train.batch-size (on the command line): study 'batch-size' does not use it, or sets it itself"}),
      alone({"FastBatchStudy", batch_size({"--train.reduction", "fast"}),
             "needs train.reduction = reproducible"}),
      alone({"NoiseScaleOfOneMicroBatchARank",
             small_training("run") + Words{"--train.noise-scale", "true", "--train.reduction", "fast"},
             "train.noise-scale = true: needs train.reduction = reproducible"}),
      alone({"RoundedSumsOfTheLibrary",
             small_training("run") + Words{"--train.wire", "bf16", "--train.reduction", "fast"},
             "train.wire = bf16: rounds the sums of the reproducible reduction; set train.reduction = "
             "reproducible"}),
      alone({"NoiseScaleOfOneMicroBatch",
             small_training("run") + Words{"--train.noise-scale", "true", "--train.micro-batches", "1"},
             "needs train.micro-batches of at least 2"}),
      alone({"NoiseScaleOfSingleSamples",
             small_training("run") + Words{"--train.noise-scale", "true", "--train.batch-size", "1"},
             "needs train.batch-size of at least 2"}),
  };
}

}  // namespace lockstep::test
