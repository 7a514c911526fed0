#pragma once

#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "lockstep/train/problem.hpp"
#include "study/sweep/halving.hpp"
#include "study/sweep/sweep.hpp"
#include "study/sweep/sweep_grid.hpp"

namespace lockstep {

/// What a sweep trains, settled before anything runs. The same on every rank.
struct SweepPlan {
  SweepGrid grid;
  std::vector<Config> points;  ///< their configurations, in the order of the grid
  Index evaluations = 1;
  Halving halving;
  std::string folder;
};

/// `ranks`: the most that train one point together, and `world_size`: all. A pure function. Errors: those of
/// SweepGrid, Halving and make_config, naming the point; more groups than ranks; more ranks than
/// micro-batches; keys that a sweep can't have.
SweepPlan plan_sweep(const SweepRequest& request, int world_size);

/// The plan of the same sweep with no more than its first `samples`.
SweepPlan first_samples(const SweepPlan& plan, Index samples);

/// The keys and values that all points have in common.
SettingTexts shared_settings(const SweepPlan& plan);

/// What tells one sweep from another: the "sweep" line of the journal.
nlohmann::ordered_json describe(const SweepPlan& plan);

/// Whether a sweep described by `there` is the beginning of `plan`, which has more samples and goes on with
/// its points. Not with successive halving, where the number of settings decides what is trained.
bool is_beginning(const nlohmann::ordered_json& there, const SweepPlan& plan);

/// "train.seed: 1 there, 2 here" of the first difference of two descriptions; empty where there is none.
std::string first_difference(const nlohmann::ordered_json& there, const nlohmann::ordered_json& here);

/// The problems of points that are trained one after another: those that agree in it have their data read
/// once.
class PointProblems {
 public:
  explicit PointProblems(Communicator& communicator) : communicator_(communicator) {}

  /// That of `config`, until the next call. Collective. Errors: those of make_problem.
  const Problem& of(const Config& config);

 private:
  Communicator& communicator_;
  std::string key_;
  std::optional<Problem> problem_;
};

/// Makes each point's data and network on this process alone, to see before anything is trained that its
/// training can begin; data that points share are read once. Local. Errors: those of make_problem and
/// check_training, naming the point.
void check_points(const SweepPlan& plan);

}  // namespace lockstep
