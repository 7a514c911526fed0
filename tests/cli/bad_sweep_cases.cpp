#include "bad_input_cases.hpp"

namespace lockstep::test {

std::vector<BadInput> bad_sweeps() {
  const auto sweep = [](const Words& more) {
    return Words{"sweep", "--run.dir",      "run", "--data.source", "blobs", "--data.samples",
                 "64",    "--train.epochs", "1"} +
           more;
  };
  const auto one = [&](const std::string& text, const Words& more = {}) {
    return sweep(Words{"--sweep", text, "--train.batch-size", "16", "--model.layers", "linear 4"} + more);
  };
  return {
      {"NoSweep", sweep({}), "--sweep is missing"},
      {"SweepOfWhatChangesNothing", one("checkpoint.every=1,2"),
       "checkpoint.every (in --sweep): has no effect"},
      {"SweepWithoutValues", one("train.seed"), "expected KEY=VALUES"},
      {"SweepOfAnUnknownKey", one("optimizer.lerning-rate=1,2"), "did you mean 'optimizer.learning-rate'?"},
      {"SweepOverAnEmptyRange", one("train.seed=3:1:lin3"), "empty or backwards"},
      {"SweepOfARangeWithoutSamples", one("optimizer.learning-rate=1e-4:1:log"),
       "give --samples N, or a count of values, as in 1e-4:1:log5"},
      {"SweepOfSamplesWithoutARange", one("optimizer.learning-rate=1e-4,1", {"--samples", "2"}),
       "--samples 2: no --sweep has a range to draw from"},
      {"SweepOfARangeOfRatiosFromZero", one("optimizer.learning-rate=0:1:log", {"--samples", "2"}),
       "ratios need ends above 0"},
      {"SweepOfASamplingWithoutSamples", one("train.seed=1,2", {"--sampling", "random"}),
       "--sampling random: has no effect without --samples N"},
      {"SweepOfAnUnknownSampling",
       one("optimizer.momentum=0:0.9:lin", {"--samples", "2", "--sampling", "sobl"}),
       "--sampling sobl: expected one of: sobol, random; did you mean 'sobol'?"},
      {"SweepOfNoSamples", one("optimizer.momentum=0:0.9:lin", {"--samples", "0"}),
       "--samples 0: expected a whole"},
      {"SweepOfMoreSamplesThanSettings", one("train.micro-batches=1:3:lin", {"--samples", "4"}),
       "have given 3 different settings; give fewer, or wider ranges"},
      {"SweepWithAnInvalidPoint", one("optimizer.momentum=0.5,2"), "point 2 of 2 (optimizer.momentum = 2)"},
      {"SweepWithABatchLargerThanTheData",
       sweep({"--sweep", "train.batch-size=16:1024:x8", "--model.layers", "linear 4"}),
       "point 2 of 3 (train.batch-size = 128)"},
      {"SweepWithANetworkOfTheWrongEnd",
       sweep({"--sweep", "model.layers=linear 4|linear 5", "--train.batch-size", "16"}),
       "point 2 of 2 (model.layers = linear 5)"},
      {"SweepWithPatienceAndNothingHeldOut", one("train.patience=0,3"),
       "point 2 of 2 (train.patience = 3): train.patience = 3: needs samples to choose by"},
      {"SweepInMoreGroupsThanRanks", one("train.seed=1,2", {"--groups", "4"}), "--groups 4: mpirun started"},
      {"SweepThatHalvesTooFew", one("train.seed=1,2,3", {"--halving", "3"}),
       "--halving 3: 1 setting to choose among (seeds are repetitions)"},
      {"SweepInNoGroups", one("train.seed=1,2", {"--groups", "0"}), "--groups 0: expected a whole number"},
      {"SweepOfWhatIsGiven", one("train.epochs=1,2"), "train.epochs (on the command line): is swept"},
      {"SweepOnMoreRanksThanMicroBatches",
       one("train.micro-batches=4,2"),
       "point 2 of 2 (train.micro-batches = 2): train.micro-batches = 2: allows at most 2 ranks",
       {},
       {3}},
      {"SweepIntoAFolderWithARun", one("train.seed=1,2"), "run.dir = run: holds a run already",
       [](const TemporaryFolder& folder) { run_lockstep(0, small_training("run"), folder); }},
      {"SweepBelowAFile", one("train.seed=1,2", {"--run.dir", "file/run"}),
       "run.dir = file/run: cannot be written",
       [](const TemporaryFolder& folder) { folder.write("file", "x"); }},
  };
}

std::vector<BadInput> bad_scaling() {
  const auto study = [](const Words& more) {
    return Words{"study",          "scaling", "--run.dir",      "run",      "--data.source",      "blobs",
                 "--data.samples", "64",      "--model.layers", "linear 4", "--train.batch-size", "16"} +
           more;
  };
  return {
      {"ScalingOnMoreRanksThanMicroBatches",
       study({"--train.micro-batches", "2"}),
       "allows at most 2 ranks",
       {},
       {3}},
      {"ScalingOverRanksThatAreNotThere", study({"--ranks", "1,4"}),
       "--ranks 1,4: expected whole numbers from 1 to"},
      {"ScalingOfABatchLargerThanTheData", study({"--batches", "32,65"}),
       "--batches 32,65: expected whole numbers from 1 to 64"},
      {"WeakScalingBeyondTheData",
       study({"--rank-batch", "22"}),
       "--rank-batch 22: expected whole numbers from 1 to 21",
       {},
       {3}},
      {"ScalingInNoRounds", study({"--rounds", "0"}), "--rounds 0: expected a whole number"},
      {"ScalingWithANetworkOfTheWrongEnd", study({"--model.layers", "linear 5"}),
       "the last unit gives 5 outputs"},
  };
}

}  // namespace lockstep::test
