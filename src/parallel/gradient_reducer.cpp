#include "lockstep/parallel/gradient_reducer.hpp"

#include <algorithm>
#include <optional>
#include <vector>

#include "subtree_exchange.hpp"

#include "lockstep/core/error.hpp"
#include "lockstep/core/multiversion.hpp"

namespace lockstep {

namespace {

using Kind = TreeOperation::Kind;

LOCKSTEP_MULTIVERSION
void add_to(Real* sum, const Real* values, Index count) {
  for (Index i = 0; i < count; ++i) sum[i] += values[i];
}

LOCKSTEP_MULTIVERSION
void divide(Real* result, const Real* values, Index count, Real divisor) {
  for (Index i = 0; i < count; ++i) result[i] = values[i] / divisor;
}

class TreeReducer final : public GradientReducer {
 public:
  TreeReducer(Exchange exchange, Communicator& communicator, Index parameters)
      : exchange_(make_subtree_exchange(exchange, communicator, parameters)),
        rank_(communicator.rank()),
        slice_(part_of(parameters, communicator.size(), rank_)) {}

  void start(const BatchPlan& plan) override {
    plan_ = plan;
    leaves_.clear();
    std::size_t depth = 0;
    for (const TreeOperation& operation : plan.local_operations(rank_)) {
      if (operation.kind == Kind::kPush) {
        leaves_.push_back({static_cast<int>(operation.node.first), depth++, 0});
      } else {
        ++leaves_.back().merges;
        --depth;
      }
    }
    exchange_->reserve(plan.stack_depth());
  }

  Real* buffer(ParameterRange range, int micro_batch) override {
    return exchange_->level(leaf(micro_batch).level) + range.offset;
  }

  void add(ParameterRange range, int micro_batch) override {
    const Leaf& added = leaf(micro_batch);
    for (std::size_t merge = 0; merge < added.merges; ++merge) {
      const std::size_t upper = added.level - merge;
      add_to(exchange_->level(upper - 1) + range.offset, exchange_->level(upper) + range.offset, range.size);
    }
  }

  std::span<const Real> finish(Real divisor) override {
    add_subtrees(exchange_->collect(*plan_), divisor);
    return exchange_->share();
  }

 private:
  /// A micro-batch of this rank: its level on the stack, and how many sums follow.
  struct Leaf {
    int micro_batch;
    std::size_t level;
    std::size_t merges;
  };

  const Leaf& leaf(int micro_batch) const {
    const auto found = std::find_if(leaves_.begin(), leaves_.end(),
                                    [&](const Leaf& l) { return l.micro_batch == micro_batch; });
    LOCKSTEP_CHECK(found != leaves_.end());
    return *found;
  }

  /// The result's slice = the tree's sum of all ranks' subtree sums / divisor, piece by piece within the
  /// cache.
  void add_subtrees(std::span<Real* const> sums, Real divisor) {
    constexpr Index kPiece = 4096;
    const std::vector<TreeOperation> operations = plan_->global_operations();
    for (Index first = 0; first < slice_.size(); first += kPiece) {
      const Index count = std::min(kPiece, slice_.size() - first);
      std::size_t next = 0;
      stack_.clear();
      for (const TreeOperation& operation : operations) {
        if (operation.kind == Kind::kPush) {
          stack_.push_back(sums[next++] + first);
        } else {
          const Real* const upper = stack_.back();
          stack_.pop_back();
          add_to(stack_.back(), upper, count);
        }
      }
      divide(exchange_->result() + slice_.first + first, stack_.back(), count, divisor);
    }
  }

  std::unique_ptr<SubtreeExchange> exchange_;
  int rank_;
  Interval slice_;
  std::optional<BatchPlan> plan_;
  std::vector<Leaf> leaves_;
  std::vector<Real*> stack_;
};

class AllReduceReducer final : public GradientReducer {
 public:
  AllReduceReducer(Communicator& communicator, Index parameters)
      : communicator_(communicator), sum_(static_cast<std::size_t>(parameters)) {}

  void start(const BatchPlan& plan) override {
    LOCKSTEP_CHECK(plan.micro_batches() == communicator_.size());
    // A rank without samples contributes zero.
    std::fill(sum_.begin(), sum_.end(), Real(0));
  }
  Real* buffer(ParameterRange range, int /*micro_batch*/) override { return sum_.data() + range.offset; }
  void add(ParameterRange /*range*/, int /*micro_batch*/) override {}
  std::span<const Real> finish(Real divisor) override {
    communicator_.all_reduce_sum(sum_);
    divide(sum_.data(), sum_.data(), static_cast<Index>(sum_.size()), divisor);
    return sum_;
  }

 private:
  Communicator& communicator_;
  std::vector<Real> sum_;
};

}  // namespace

std::unique_ptr<GradientReducer> make_gradient_reducer(Reduction reduction, Communicator& communicator,
                                                       Index parameters, Exchange exchange) {
  if (reduction == Reduction::kFast) return std::make_unique<AllReduceReducer>(communicator, parameters);
  return std::make_unique<TreeReducer>(exchange, communicator, parameters);
}

}  // namespace lockstep
