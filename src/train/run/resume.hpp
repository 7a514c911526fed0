#pragma once

#include <optional>
#include <string>

#include "lockstep/comm/communicator.hpp"
#include "lockstep/train/config.hpp"
#include "lockstep/train/problem.hpp"
#include "train/checkpoint/checkpoint.hpp"

namespace lockstep {

/// How a run begins.
struct RunStart {
  Config config;                         ///< micro-batches settled
  std::optional<Checkpoint> checkpoint;  ///< to go on from; its vectors on rank 0 alone
  bool replaces = false;                 ///< run.dir holds a run that came to no checkpoint
  bool has_ended = false;                ///< run.dir holds this run, which has ended and left no checkpoint
};

/// Settles the configuration of a run. With `resume`, the directory of a run, it is that of the run there,
/// and `given` wins; with run.resume it is `given`, and the run in run.dir goes on if it can. Collective.
/// Errors: those of make_config; no checkpoint, or none that is whole; settings that would have made another
/// run of the steps that are done (all differences are named).
RunStart start_run(const GivenValues& given, const std::string& resume, Communicator& communicator);

/// The network of make_model. Where there is a checkpoint, which brings the weights, the file of those that
/// its run began with is not read again.
Network make_model(const RunStart& start, const Problem& problem);

/// Errors: data that are not those of the `checkpoint`; another number of steps, where the schedule of the
/// steps that are done depends on it or fewer are asked for; less patience. Warns of another version, CPU or
/// product library, and where the best weights are missing in the folder of the run. Local; for rank 0.
void check_goes_on(const Checkpoint& checkpoint, const RunIdentity& now, const Config& config,
                   Index training_samples);

/// What identifies a run of `config` on `problem` by this program on this machine. Local.
RunIdentity identify(const Config& config, const Problem& problem);

}  // namespace lockstep
