#pragma once

#include <memory>
#include <string>
#include <vector>

#include "configs.hpp"
#include "idx_files.hpp"
#include "lockstep/comm/communicator.hpp"
#include "lockstep/train/trainer.hpp"

namespace lockstep::test {

/// A small classification; `changes` win.
Config make_test_config(const Texts& changes);

/// The pictures of write_pictures in a folder, which rank 0 makes and removes: a barrier has to stand before
/// its end. Collective.
class PictureFolder {
 public:
  explicit PictureFolder(Communicator& world);
  const std::string& path() const { return path_; }

 private:
  std::unique_ptr<TemporaryFolder> folder_;
  std::string path_;
};

/// All that a run leaves behind, to be compared exactly.
struct RunResult {
  std::string weights_digest;
  std::string average_digest;  ///< empty where none is kept
  std::vector<double> losses;
  std::vector<double> gradient_norms;
  std::vector<double> learning_rates;
  std::vector<double> noise;  ///< of each measured step both estimates and the scale
};

/// Trains `config` to its end. Collective over `communicator`.
RunResult train(const Config& config, Communicator& communicator);

/// The same on rank 0 alone, while the others sleep; they get its result. Collective.
RunResult train_alone(const Config& config, Communicator& world);

/// Takes the steps that are left. Collective over the trainer's ranks.
RunResult finish(Trainer& trainer);

}  // namespace lockstep::test
