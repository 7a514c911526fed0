#pragma once

#include <vector>

#include "lockstep/nn/parameter_layout.hpp"
#include "lockstep/optim/scope.hpp"
#include "lockstep/parallel/partition.hpp"

namespace lockstep {

/// A run of parameters with one owner: the rank that sums their gradient over all ranks, steps them and gives
/// them to the others (Rajbhandari et al.: ZeRO, arXiv 1910.02054, stage 1: each rank keeps the optimizer's
/// state of what it owns).
struct Share {
  ParameterRange range;
  Interval pieces;  ///< the same among Shares::pieces
  int owner = 0;
  Index position = 0;  ///< of its first value among all that the owner owns
};

/// Who owns which parameters: a pure function of (layout, scope, ranks). Parameters are exchanged
/// bucket by bucket, as their gradients become ready, from the last to the first. A bucket has the parameters
/// of one unit, or of neighbouring units that are small (Li et al.: PyTorch Distributed, VLDB 2020).
class Shares {
 public:
  /// kElements: each bucket is cut into about equal parts, one a rank; kTensor: each tensor has one owner, so
  /// that ranks own about the same; kModel: rank 0 owns all.
  Shares(const ParameterLayout& layout, Scope scope, int ranks);

  /// Every rank owns all parameters for itself.
  static Shares replicated(const ParameterLayout& layout, int ranks);

  bool is_replicated() const { return replicated_; }
  int ranks() const { return ranks_; }
  Index parameters() const { return parameters_; }

  /// All tensors' pieces_of, in the order of the parameters.
  const std::vector<ParameterRange>& pieces() const { return pieces_; }

  std::size_t buckets() const { return buckets_.size(); }
  /// The bucket that has the parameter `offset`.
  std::size_t bucket_at(Index offset) const;
  /// How many units a bucket's parameters belong to, and which these are.
  std::size_t units_of(std::size_t bucket) const { return units_[bucket]; }
  ParameterRange range_of(std::size_t bucket) const;
  /// In the order of the parameters. Replicated shares have owner 0.
  const std::vector<Share>& of_bucket(std::size_t bucket) const { return buckets_[bucket]; }

  /// What `rank` owns, in the order of the parameters.
  std::vector<Share> owned_by(int rank) const;
  /// How many parameters and how many pieces that is.
  Index size_of(int rank) const;
  Index pieces_of(int rank) const;

 private:
  int ranks_;
  bool replicated_ = false;
  Index parameters_;
  std::vector<ParameterRange> pieces_;
  std::vector<std::vector<Share>> buckets_;
  std::vector<std::size_t> units_;  // of each bucket
};

}  // namespace lockstep
