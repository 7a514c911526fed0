#pragma once

#include <string>

#include "cli/arguments.hpp"
#include "lockstep/nn/safetensors.hpp"
#include "lockstep/train/config.hpp"

namespace lockstep {

/// --weights, see weights_file.
CommandOption weights_option();

/// Errors: `weights` from `file` are another program's, which do not say what they belong to; `command` is
/// what was to be done with them. Local.
void check_described(const StoredTensors& weights, const std::string& file, const std::string& command);

/// Errors: settings that contradict what `weights` from `file` say of themselves. Local.
void check_agreement(const StoredTensors& weights, const std::string& file, const Config& config,
                     const GivenValues& given);

/// The settings of the training of `weights`, as the command line names them: those in the directory of its
/// run, or else those `given`, as in its config.cfg. Local. Errors: neither tells which samples were held
/// out; data are given that are others than the run's.
GivenValues settings_of_training(const std::string& weights, const GivenValues& given);

/// What the data and the network of `weights` were, by keys: as `given`, else as the weights themselves say,
/// else as in the directory of their run; nothing else of the run, nor of a file. Local. Errors: those of
/// check_described and check_agreement; no data; data are given that are others than the run's.
GivenValues settings_with_weights(const std::string& weights, const GivenValues& given);

/// `given`, and where these say nothing of data, those of the run in the folder `weights`, if it is one.
/// Local.
GivenValues with_data_of_run(const std::string& weights, const GivenValues& given);

}  // namespace lockstep
