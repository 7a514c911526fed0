#include "lockstep/parallel/gradient_reducer.hpp"

#include <algorithm>
#include <optional>
#include <vector>

#include "lockstep/core/error.hpp"
#include "lockstep/core/multiversion.hpp"

namespace lockstep {

namespace {

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
  TreeReducer(Communicator& communicator, Index parameters)
      : communicator_(communicator), parameters_(parameters) {}

  void start(const BatchPlan& plan) override {
    plan_ = plan;
    leaves_.clear();
    std::size_t depth = 0;
    std::size_t deepest = 1;
    const Interval owned = plan.owned_by(communicator_.rank());
    for (const TreeOperation& operation : local_operations(plan.micro_batches(), owned, plan.presence())) {
      if (operation.kind == TreeOperation::Kind::kPush) {
        leaves_.push_back({static_cast<int>(operation.node.first), depth++, 0});
      } else {
        ++leaves_.back().merges;
        --depth;
      }
      deepest = std::max(deepest, depth);
    }
    if (stack_.size() < deepest) stack_.resize(deepest);
    for (std::vector<Real>& level : stack_) level.resize(static_cast<std::size_t>(parameters_));
  }

  Real* buffer(ParameterRange range, int micro_batch) override {
    return stack_[leaf(micro_batch).level].data() + range.offset;
  }

  void add(ParameterRange range, int micro_batch) override {
    const Leaf& added = leaf(micro_batch);
    for (std::size_t merge = 0; merge < added.merges; ++merge) {
      const std::size_t upper = added.level - merge;
      add_to(stack_[upper - 1].data() + range.offset, stack_[upper].data() + range.offset, range.size);
    }
  }

  std::span<Real> finish(Real divisor) override {
    const Interval slice = slice_of(communicator_.rank());
    exchange_subtrees();
    add_subtrees(slice, divisor);
    gather_slices();
    return stack_[0];
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

  Interval slice_of(int rank) const { return part_of(parameters_, communicator_.size(), rank); }

  /// The subtree sums that `rank` holds when its micro-batches are done, in the order of its stack.
  Index subtrees_of(int rank) const {
    const Presence present = plan_->presence();
    const Interval owned = plan_->owned_by(rank);
    Index count = 0;
    for (const TreeOperation& operation : local_operations(plan_->micro_batches(), owned, present)) {
      count += operation.kind == TreeOperation::Kind::kPush ? 1 : -1;
    }
    return count;
  }

  /// Sends every other rank its slice of this rank's subtree sums, and collects all ranks' sums of this
  /// slice.
  void exchange_subtrees() {
    const int me = communicator_.rank();
    const Interval mine = slice_of(me);
    const Index my_subtrees = subtrees_of(me);
    outgoing_.clear();
    incoming_.clear();
    sums_.clear();

    Index received = 0;
    for (int rank = 0; rank < communicator_.size(); ++rank) received += rank == me ? 0 : subtrees_of(rank);
    received_.resize(static_cast<std::size_t>(received * mine.size()));

    Real* next = received_.data();
    for (int rank = 0; rank < communicator_.size(); ++rank) {
      if (rank == me) {
        for (Index i = 0; i < my_subtrees; ++i)
          sums_.push_back(stack_[static_cast<std::size_t>(i)].data() + mine.first);
        continue;
      }
      const Interval theirs = slice_of(rank);
      for (Index i = 0; i < my_subtrees; ++i) {
        outgoing_.push_back({rank, std::as_bytes(part(stack_[static_cast<std::size_t>(i)], theirs))});
      }
      for (Index i = subtrees_of(rank); i > 0; --i) {
        incoming_.push_back(
            {rank, std::as_writable_bytes(std::span(next, static_cast<std::size_t>(mine.size())))});
        sums_.push_back(next);
        next += mine.size();
      }
    }
    communicator_.exchange(outgoing_, incoming_);
  }

  /// result[slice] = the tree's sum of all ranks' subtree sums / divisor, piece by piece within the cache.
  void add_subtrees(Interval slice, Real divisor) {
    constexpr Index kPiece = 4096;
    const std::vector<TreeOperation> operations =
        global_operations(plan_->micro_batches(), plan_->ranks(), plan_->presence());
    std::vector<Real*> stack;
    for (Index first = 0; first < slice.size(); first += kPiece) {
      const Index count = std::min(kPiece, slice.size() - first);
      stack.clear();
      std::size_t next = 0;
      for (const TreeOperation& operation : operations) {
        if (operation.kind == TreeOperation::Kind::kPush) {
          stack.push_back(sums_[next++] + first);
        } else {
          const Real* const upper = stack.back();
          stack.pop_back();
          add_to(stack.back(), upper, count);
        }
      }
      divide(stack_[0].data() + slice.first + first, stack.back(), count, divisor);
    }
  }

  void gather_slices() {
    const int me = communicator_.rank();
    outgoing_.clear();
    incoming_.clear();
    for (int rank = 0; rank < communicator_.size(); ++rank) {
      if (rank == me) continue;
      outgoing_.push_back({rank, std::as_bytes(part(stack_[0], slice_of(me)))});
      incoming_.push_back({rank, std::as_writable_bytes(part(stack_[0], slice_of(rank)))});
    }
    communicator_.exchange(outgoing_, incoming_);
  }

  static std::span<Real> part(std::vector<Real>& values, Interval interval) {
    return std::span(values).subspan(static_cast<std::size_t>(interval.first),
                                     static_cast<std::size_t>(interval.size()));
  }

  Communicator& communicator_;
  Index parameters_;
  std::optional<BatchPlan> plan_;
  std::vector<Leaf> leaves_;
  std::vector<std::vector<Real>> stack_;  // level 0 also takes the result
  std::vector<Real> received_;
  std::vector<Real*> sums_;  // this slice of all ranks' subtree sums, in tree order
  std::vector<OutgoingMessage> outgoing_;
  std::vector<IncomingMessage> incoming_;
};

class AllReduceReducer final : public GradientReducer {
 public:
  AllReduceReducer(Communicator& communicator, Index parameters)
      : communicator_(communicator), sum_(static_cast<std::size_t>(parameters)) {}

  void start(const BatchPlan& plan) override {
    LOCKSTEP_CHECK(plan.micro_batches() == communicator_.size());
    std::fill(sum_.begin(), sum_.end(), Real(0));
  }
  Real* buffer(ParameterRange range, int /*micro_batch*/) override { return sum_.data() + range.offset; }
  void add(ParameterRange /*range*/, int /*micro_batch*/) override {}
  std::span<Real> finish(Real divisor) override {
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
                                                       Index parameters) {
  if (reduction == Reduction::kFast) return std::make_unique<AllReduceReducer>(communicator, parameters);
  return std::make_unique<TreeReducer>(communicator, parameters);
}

}  // namespace lockstep
