#include "lockstep/parallel/gradient_reducer.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "core/multiversion.hpp"
#include "lockstep/core/error.hpp"
#include "lockstep/core/threads.hpp"
#include "lockstep/parallel/replica.hpp"
#include "optim/norm.hpp"
#include "parallel/transport.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

namespace {

using Kind = TreeOperation::Kind;

LOCKSTEP_MULTIVERSION
void add_to(Real* sum, const Real* values, Index count) {
  for (Index i = 0; i < count; ++i) sum[i] += values[i];
}

/// result = values + 0.
LOCKSTEP_MULTIVERSION
void add_zero(Real* result, const Real* values, Index count) {
  for (Index i = 0; i < count; ++i) result[i] = values[i] + Real(0);
}

LOCKSTEP_MULTIVERSION
void divide(Real* result, const Real* values, Index count, Real divisor) {
  for (Index i = 0; i < count; ++i) result[i] = values[i] / divisor;
}

/// squares[i] = Σ g² of piece i of those that shares.owned_by(rank) hold.
std::vector<double> room_for_squares(const Shares& shares, int rank) {
  return std::vector<double>(static_cast<std::size_t>(shares.pieces_of(rank)));
}

double square_sum(const Real* gradient, ParameterRange piece) {
  return sum_of_squares({gradient + piece.offset, static_cast<std::size_t>(piece.size)});
}

class TreeReducer final : public GradientReducer {
 public:
  TreeReducer(std::unique_ptr<Transport> transport, const Shares& shares, int rank)
      : transport_(std::move(transport)),
        shares_(shares),
        rank_(rank),
        squares_(room_for_squares(shares, rank)),
        blocks_left_(shares.buckets()),
        scratch_(static_cast<std::size_t>(threads())) {
    std::size_t squares = 0;
    for (std::size_t bucket = 0; bucket < shares.buckets(); ++bucket) {
      std::vector<OwnShare>& own = own_shares_.emplace_back();
      for (const Share& share : shares.of_bucket(bucket)) {
        if (share.owner != rank) continue;
        own.push_back({share, squares});
        squares += static_cast<std::size_t>(share.pieces.size());
      }
    }
  }

  void start(const BatchPlan& plan, std::size_t blocks, double divisor) override {
    plan_ = &plan;
    divisor_ = static_cast<Real>(divisor);
    leaves_.clear();
    std::size_t depth = 0;
    for (const TreeOperation& operation : plan.local_operations(rank_)) {
      if (operation.kind == Kind::kPush) {
        leaves_.push_back({static_cast<int>(operation.node.first), depth++, 0});
        deepest_ = std::max(deepest_, depth);
      } else {
        ++leaves_.back().merges;
        --depth;
      }
    }
    held_ = depth;
    // Sums that span blocks need room for all parameters, others only until their range is done.
    const bool spans_blocks = blocks > 1;
    if (spans_blocks) spanning_.resize((deepest_ - held_) * static_cast<std::size_t>(shares_.parameters()));
    spans_blocks_ = spans_blocks;
    std::fill(blocks_left_.begin(), blocks_left_.end(), blocks);
    next_to_publish_ = next_to_sum_ = shares_.buckets();
    transport_->start(plan);
  }

  void add(const RowBlock& block, ParameterRange range, const WriteGradient& write) override {
    for (const MicroBatchRows& m : block.micro_batches) {
      const Leaf& leaf = leaf_of(m.micro_batch);
      write(m, level(leaf.level, range));
      for (std::size_t merge = 0; merge < leaf.merges; ++merge) {
        const std::size_t upper = leaf.level - merge;
        add_to(level(upper - 1, range), level(upper, range), range.size);
      }
    }
  }

  /// As `add`, bit for bit: what is not written counts as +0, and x + 0 is only not x where x is -0.
  void add_sparse(const RowBlock& block, ParameterRange range, const WriteSparseGradient& write) override {
    std::array<bool, kDeepestTree> is_zero{};  // the levels that this block has left so
    std::size_t top = 0;
    for (const MicroBatchRows& m : block.micro_batches) {
      const Leaf& leaf = leaf_of(m.micro_batch);
      is_zero[leaf.level] = !write(m, level(leaf.level, range));
      top = leaf.level - leaf.merges;
      for (std::size_t upper = leaf.level; upper > top; --upper) {
        const std::size_t lower = upper - 1;
        if (is_zero[lower] && is_zero[upper]) continue;
        Real* const sum = level(lower, range);
        if (is_zero[lower] || is_zero[upper]) {
          add_zero(sum, is_zero[lower] ? level(upper, range) : sum, range.size);
        } else {
          add_to(sum, level(upper, range), range.size);
        }
        is_zero[lower] = false;
      }
    }
    for (std::size_t i = 0; i <= top; ++i) {
      if (is_zero[i]) std::fill_n(level(i, range), range.size, Real(0));
    }
  }

  void done(ParameterRange range) override {
    const std::size_t bucket = shares_.bucket_at(range.offset);
    if (--blocks_left_[bucket] > 0) return;
    publish_down_to(bucket);
    while (next_to_sum_ > next_to_publish_ && transport_->arrived(next_to_sum_ - 1)) sum(--next_to_sum_);
  }

  void finish() override {
    publish_down_to(0);  // a rank without samples has published nothing
    while (next_to_sum_ > 0) {
      transport_->wait(next_to_sum_ - 1);
      sum(--next_to_sum_);
    }
  }

  std::span<const Real> gradient() const override {
    return {transport_->result(), static_cast<std::size_t>(shares_.parameters())};
  }
  std::span<const double> squares() const override { return squares_; }
  double seconds_waited() const override { return transport_->seconds_waited(); }

 private:
  /// A micro-batch of this rank: its level on the stack, and how many sums follow.
  struct Leaf {
    int micro_batch;
    std::size_t level;
    std::size_t merges;
  };
  struct OwnShare {
    Share share;
    std::size_t squares;  // where its first piece stands
  };

  const Leaf& leaf_of(int micro_batch) const {
    const auto found = std::find_if(leaves_.begin(), leaves_.end(),
                                    [&](const Leaf& l) { return l.micro_batch == micro_batch; });
    LOCKSTEP_CHECK(found != leaves_.end());
    return *found;
  }

  /// Values of `range` on level `level` of the stack: the first levels are what the transport takes, the
  /// others end with the last merge.
  Real* level(std::size_t level, ParameterRange range) {
    if (level < held_) return transport_->held(level) + range.offset;
    const std::size_t beyond = level - held_;
    if (spans_blocks_) {
      return spanning_.data() + beyond * static_cast<std::size_t>(shares_.parameters()) + range.offset;
    }
    std::vector<Real>& scratch = scratch_[static_cast<std::size_t>(thread_index())];
    const auto size = static_cast<std::size_t>(range.size);
    if (scratch.size() < (deepest_ - held_) * size) scratch.resize((deepest_ - held_) * size);
    return scratch.data() + beyond * size;
  }

  void publish_down_to(std::size_t bucket) {
    while (next_to_publish_ > bucket) transport_->publish(--next_to_publish_);
  }

  /// This rank's shares of `bucket`: the tree's sum of all ranks' subtree sums, divided.
  void sum(std::size_t bucket) {
    Real* const result = transport_->result();
    for (const OwnShare& own : own_shares_[bucket]) {
      const std::span<Real* const> sums = transport_->sums(own.share);
      for_each_part(own.share.pieces.size(), [&](Index i) {
        const ParameterRange piece = shares_.pieces()[static_cast<std::size_t>(own.share.pieces.first + i)];
        divide(result + piece.offset, tree_sum(sums, piece.offset - own.share.range.offset, piece.size),
               piece.size, divisor_);
        squares_[own.squares + static_cast<std::size_t>(i)] = square_sum(result, piece);
      });
    }
  }

  /// Where the sum of [first, first + count) of all `sums` ends up.
  const Real* tree_sum(std::span<Real* const> sums, Index first, Index count) const {
    std::array<Real*, kDeepestTree> stack{};
    std::size_t depth = 0;
    std::size_t next = 0;
    for (const TreeOperation& operation : plan_->global_operations()) {
      if (operation.kind == Kind::kPush) {
        stack[depth++] = sums[next++] + first;
      } else {
        --depth;
        add_to(stack[depth - 1], stack[depth], count);
      }
    }
    return stack[0];
  }

  // A tree over 2^k micro-batches has at most k + 1 values on its stack.
  static constexpr std::size_t kDeepestTree = 64;

  std::unique_ptr<Transport> transport_;
  const Shares& shares_;
  int rank_;
  std::vector<std::vector<OwnShare>> own_shares_;  // by bucket
  std::vector<double> squares_;
  const BatchPlan* plan_ = nullptr;
  Real divisor_ = 1;
  std::vector<Leaf> leaves_;
  std::size_t held_ = 0;                  // levels that the transport holds
  std::size_t deepest_ = 0;               // levels that there are at most
  std::vector<std::size_t> blocks_left_;  // of each bucket
  std::size_t next_to_publish_ = 0;       // buckets are published and summed from the last to the first
  std::size_t next_to_sum_ = 0;
  bool spans_blocks_ = false;
  std::vector<Real> spanning_;
  std::vector<std::vector<Real>> scratch_;  // of each thread
};

class AllReduceReducer final : public GradientReducer {
 public:
  AllReduceReducer(Communicator& communicator, const Shares& shares)
      : communicator_(communicator),
        shares_(shares),
        sum_(static_cast<std::size_t>(shares.parameters())),
        squares_(room_for_squares(shares, 0)) {}

  void start(const BatchPlan& plan, std::size_t /*blocks*/, double divisor) override {
    LOCKSTEP_CHECK(plan.micro_batches() == communicator_.size());
    divisor_ = static_cast<Real>(divisor);
    // A rank without samples contributes zero.
    std::fill(sum_.begin(), sum_.end(), Real(0));
  }
  void add(const RowBlock& block, ParameterRange range, const WriteGradient& write) override {
    for (const MicroBatchRows& m : block.micro_batches) write(m, sum_.data() + range.offset);
  }
  void finish() override {
    communicator_.all_reduce_sum(sum_);
    for_each_part(static_cast<Index>(squares_.size()), [&](Index i) {
      const ParameterRange piece = shares_.pieces()[static_cast<std::size_t>(i)];
      divide(sum_.data() + piece.offset, sum_.data() + piece.offset, piece.size, divisor_);
      squares_[static_cast<std::size_t>(i)] = square_sum(sum_.data(), piece);
    });
  }
  std::span<const Real> gradient() const override { return sum_; }
  std::span<const double> squares() const override { return squares_; }
  double seconds_waited() const override { return 0; }  // not to be told from the library's work

 private:
  Communicator& communicator_;
  const Shares& shares_;
  std::vector<Real> sum_;
  std::vector<double> squares_;
  Real divisor_ = 1;
};

}  // namespace

std::unique_ptr<GradientReducer> make_gradient_reducer(Communicator& communicator, const Shares& shares,
                                                       Exchange exchange) {
  LOCKSTEP_CHECK(shares.ranks() == communicator.size());
  if (shares.is_replicated()) return std::make_unique<AllReduceReducer>(communicator, shares);
  auto transport = shares_memory(exchange, communicator) ? make_node_transport(communicator, shares)
                                                         : make_message_transport(communicator, shares);
  return std::make_unique<TreeReducer>(std::move(transport), shares, communicator.rank());
}

std::vector<Real> whole_gradient(const GradientReducer& reducer, const Shares& shares,
                                 Communicator& communicator) {
  std::vector<Real> gradient(reducer.gradient().size());
  for (const Share& share : shares.owned_by(communicator.rank())) {
    std::copy_n(reducer.gradient().begin() + share.range.offset, share.range.size,
                gradient.begin() + share.range.offset);
  }
  give_shares(communicator, shares, gradient);
  return gradient;
}

}  // namespace lockstep::inline LOCKSTEP_REAL
