#pragma once

#include <map>
#include <string>
#include <vector>

#include "lockstep/comm/communicator.hpp"
#include "lockstep/train/config.hpp"
#include "study/sweep/sampling.hpp"

namespace lockstep {

/// What the person asked for.
struct SweepRequest {
  std::map<std::string, GivenValue> settings;  ///< of the configuration that the points share
  std::vector<std::string> sweeps;             ///< "KEY=VALUES", see parse_sweep; together they make the grid
  Samples samples = {};                        ///< of its ranges; none: every combination
  Index groups = 1;                            ///< of ranks, each of which trains one point at a time
  Index evaluations = 1;                       ///< measurements of each training, the last at its end
  Index halving = 1;                           ///< eta of successive halving, see Halving; 1: none
  Index rungs = 1;                             ///< of that, at most
};

/// Keys that change nothing in a sweep, or sections of them, see refuse_unused.
const std::vector<std::string>& unused_in_sweeps();

/// Trains a grid of configurations, or drawn ones, see SweepGrid. The run directory holds
///
///     metrics.jsonl   the journal: "sweep" (what is swept), "begin" (each start), "claim" and "point" (what
///                     a group took, and what came of it, with its seconds), "stop" (by a signal), "end"
///     points/N.cfg    the configuration of point N, for `lockstep train`; config.cfg: what all points share
///     table.csv, table.jsonl, report.html: the results in the order of the grid
///     best.safetensors: the weights of the best setting, see sweep_weights.hpp; best.cfg: its configuration
///
/// The last five have the same bytes at every number of ranks and groups, and however often the sweep was
/// interrupted.
///
/// With successive halving, a point whose training goes on leaves its state between two rungs, states/RUNG/
/// POINT.safetensors, which is removed when it is needed no more.
///
/// A sweep that was ended from outside goes on where it was when it is started again with the same run.dir. A
/// training whose numbers stop being finite is a result. Collective; with several groups, or nodes, on a file
/// system that all see. Errors: a sweep that can't be read, a point whose training could not begin, more
/// groups than ranks, a folder with another sweep or run, all before anything is trained; those of training;
/// with exit code 4, a requested_stop, after which the folder has a page of what is there.
void run_sweep(const SweepRequest& request, Communicator& world);

}  // namespace lockstep
