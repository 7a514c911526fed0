#pragma once

#include <map>
#include <string>
#include <vector>

#include "study/sweep/sweep_plan.hpp"

namespace lockstep::test {

/// A sweep over a small classification; `settings` as if given on the command line.
inline SweepRequest request_of(const std::vector<std::string>& sweeps,
                               const std::map<std::string, std::string>& settings = {}) {
  SweepRequest request{.settings = {{"data.source", {"blobs", "on the command line"}},
                                    {"model.layers", {"linear 4", "in a.cfg"}}},
                       .sweeps = sweeps,
                       .groups = 1,
                       .evaluations = 1};
  for (const auto& [key, value] : settings) request.settings[key] = {value, "on the command line"};
  return request;
}

/// The plan on one rank of a sweep that draws `count` settings of `sweeps`.
inline SweepPlan plan_of_samples(const std::vector<std::string>& sweeps, Index count) {
  SweepRequest request = request_of(sweeps);
  request.samples.count = count;
  return plan_sweep(request, 1);
}

/// Its plan on one rank.
inline SweepPlan plan_of(const std::vector<std::string>& sweeps,
                         const std::map<std::string, std::string>& settings = {}) {
  return plan_sweep(request_of(sweeps, settings), 1);
}

}  // namespace lockstep::test
