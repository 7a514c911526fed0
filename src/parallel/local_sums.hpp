#pragma once

#include <array>
#include <cstddef>
#include <vector>

#include "lockstep/core/real.hpp"
#include "lockstep/nn/unit.hpp"
#include "lockstep/parallel/batch_plan.hpp"
#include "parallel/node_sums.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

/// Sums the gradients of one rank's micro-batches along the reduction tree, range by range: its subtree sums
/// end in its vectors of NodeSums.
class LocalSums {
 public:
  /// The first `rounded_levels` levels of the tree below its root are rounded to bfloat16.
  LocalSums(NodeSums& sums, Index parameters, int rounded_levels);

  /// Begins a step of `rank`, whose micro-batches come in so many blocks.
  void start(const BatchPlan& plan, int rank, std::size_t blocks);

  /// GradientSink::add_in_place, or where not `in_place`, GradientSink::add: then `write` is never asked to
  /// add.
  void add(const RowBlock& block, ParameterRange range, const AddGradient& write, bool in_place);
  /// GradientSink::add_sparse. As `add`, bit for bit: what is not written counts as +0, and x + 0 is only not
  /// x where x is -0.
  void add_sparse(const RowBlock& block, ParameterRange range, const WriteSparseGradient& write);

 private:
  // A tree over 2^k micro-batches has at most k + 1 values on its stack.
  static constexpr std::size_t kDeepestTree = 64;

  /// A micro-batch of this rank: its level on the stack, and how many sums follow.
  struct Leaf {
    int micro_batch;
    std::size_t level;
    bool is_rounded;
    std::size_t merges = 0;
    std::array<bool, kDeepestTree> are_rounded = {};  // the sums
  };

  const Leaf& leaf_of(int micro_batch) const;
  Real* level(std::size_t level, ParameterRange range);

  NodeSums& sums_;
  Index parameters_;
  int rounded_levels_;
  std::vector<Leaf> leaves_;
  std::size_t held_ = 0;     // levels that the node sees
  std::size_t deepest_ = 0;  // levels that there are at most
  bool spans_blocks_ = false;
  std::vector<Real> spanning_;
  std::vector<std::vector<Real>> scratch_;  // of each thread
};

}  // namespace lockstep::inline LOCKSTEP_REAL
