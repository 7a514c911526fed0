#pragma once

#include <functional>
#include <ostream>
#include <string>
#include <vector>

#include "program.hpp"

namespace lockstep::test {

/// Something that a person may get wrong.
struct BadInput {
  std::string name;
  Words words;
  std::string fragment;  ///< of the message
  std::function<void(const TemporaryFolder&)> prepare = [](const TemporaryFolder& /*folder*/) {};
  std::vector<int> ranks = {0, 3};  ///< 0: without mpirun
};

// What GoogleTest prints of a parameter.
inline void PrintTo(const BadInput& bad, std::ostream* stream) { *stream << bad.name; }

std::vector<BadInput> bad_usage();
std::vector<BadInput> bad_idx_files();
std::vector<BadInput> bad_cifar_files();
std::vector<BadInput> bad_pictures_and_arrays();
std::vector<BadInput> bad_csv_files();
std::vector<BadInput> bad_groups_and_weights();
std::vector<BadInput> bad_weights_and_folders();
std::vector<BadInput> bad_sweeps();
std::vector<BadInput> bad_scaling();
std::vector<BadInput> bad_studies();
/// Of the study of the batch size, and of the noise scale.
std::vector<BadInput> bad_batch_sizes();

}  // namespace lockstep::test
