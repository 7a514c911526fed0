#include "parallel/tree_reducer.hpp"

#include <algorithm>
#include <array>
#include <list>
#include <optional>
#include <utility>
#include <vector>

#include "core/backoff.hpp"
#include "core/multiversion.hpp"
#include "core/rank_status.hpp"
#include "lockstep/core/error.hpp"
#include "lockstep/core/stopwatch.hpp"
#include "lockstep/core/threads.hpp"
#include "lockstep/parallel/agreement.hpp"
#include "nn/bfloat16.hpp"
#include "parallel/exchange_run.hpp"
#include "parallel/finish_piece.hpp"
#include "parallel/node_sums.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

namespace {

using Kind = TreeOperation::Kind;

/// result = values + 0.
LOCKSTEP_MULTIVERSION
void add_zero(Real* result, const Real* values, Index count) {
  for (Index i = 0; i < count; ++i) result[i] = values[i] + Real(0);
}

class TreeReducer final : public GradientReducer {
 public:
  TreeReducer(const Topology& topology, const Shares& shares, int rounded_levels)
      : topology_(topology),
        shares_(shares),
        rounded_levels_(rounded_levels),
        sums_(topology, shares.parameters(), shares.buckets()),
        squares_(static_cast<std::size_t>(shares.pieces_of(topology.all().rank()))),
        buckets_(shares.buckets()),
        scratch_(static_cast<std::size_t>(threads())) {
    const std::size_t first_exchange = topology.take_exchanges(buckets_.size());
    std::size_t squares = 0;
    for (std::size_t bucket = 0; bucket < buckets_.size(); ++bucket) {
      buckets_[bucket].run.emplace(topology.all(), first_exchange + bucket, [this](const Place& place) {
        return sums_.vector(place.rank, static_cast<std::size_t>(place.vector));
      });
      for (const Share& share : shares.of_bucket(bucket)) {
        if (share.owner != topology.all().rank()) continue;
        buckets_[bucket].own.push_back({share, squares});
        squares += static_cast<std::size_t>(share.pieces.size());
      }
    }
  }

  bool has_room(const BatchPlan& plan) override {
    try {
      sums_.reserve(plan);
      return true;
    } catch (const Error&) {  // the same on every rank
      return false;
    }
  }

  void start(const BatchPlan& plan, std::size_t blocks, double divisor) override {
    divisor_ = static_cast<Real>(divisor);
    leaves_.clear();
    std::size_t depth = 0;
    for (const TreeOperation& operation : plan.local_operations(topology_.all().rank())) {
      const bool is_rounded = operation.is_within(rounded_levels_);
      if (operation.kind == Kind::kPush) {
        leaves_.push_back({static_cast<int>(operation.node.first), depth++, is_rounded});
        deepest_ = std::max(deepest_, depth);
      } else {
        leaves_.back().are_rounded[leaves_.back().merges++] = is_rounded;
        --depth;
      }
    }
    held_ = depth;
    // Sums that span blocks need room for all parameters, others only until their range is done.
    const bool spans_blocks = blocks > 1;
    if (spans_blocks) spanning_.resize((deepest_ - held_) * static_cast<std::size_t>(shares_.parameters()));
    spans_blocks_ = spans_blocks;
    sums_.start(plan);
    plans_ = &plans_for(plan);
    for (std::size_t bucket = 0; bucket < buckets_.size(); ++bucket) {
      buckets_[bucket].units_left = blocks * shares_.units_of(bucket);
      buckets_[bucket].is_under_way = buckets_[bucket].is_summed = false;
    }
    next_to_publish_ = next_to_sum_ = buckets_.size();
  }

  void add(const RowBlock& block, ParameterRange range, const WriteGradient& write) override {
    for (const MicroBatchRows& m : block.micro_batches) {
      const Leaf& leaf = leaf_of(m.micro_batch);
      write(m, level(leaf.level, range));
      if (leaf.is_rounded) round_to_bfloat16(level(leaf.level, range), range.size);
      merge(leaf, 0, range);
    }
    if (!topology_.is_one_node() && thread_index() == 0) lend_a_hand();
  }

  void add_in_place(const RowBlock& block, ParameterRange range, const AddGradient& write) override {
    for (const MicroBatchRows& m : block.micro_batches) {
      const Leaf& leaf = leaf_of(m.micro_batch);
      const bool adds = leaf.merges > 0 && !leaf.is_rounded && !leaf.are_rounded[0];
      write(m, level(leaf.level - (adds ? 1 : 0), range), adds);
      if (leaf.is_rounded) round_to_bfloat16(level(leaf.level, range), range.size);
      merge(leaf, adds ? 1 : 0, range);
    }
    if (!topology_.is_one_node() && thread_index() == 0) lend_a_hand();
  }

  /// As `add`, bit for bit: what is not written counts as +0, and x + 0 is only not x where x is -0.
  void add_sparse(const RowBlock& block, ParameterRange range, const WriteSparseGradient& write) override {
    std::array<bool, kDeepestTree> is_zero{};  // the levels that this block has left so
    std::size_t top = 0;
    for (const MicroBatchRows& m : block.micro_batches) {
      const Leaf& leaf = leaf_of(m.micro_batch);
      is_zero[leaf.level] = !write(m, level(leaf.level, range));
      if (leaf.is_rounded && !is_zero[leaf.level]) round_to_bfloat16(level(leaf.level, range), range.size);
      top = leaf.level - leaf.merges;
      for (std::size_t merge = 0; merge < leaf.merges; ++merge) {
        const std::size_t upper = leaf.level - merge;
        const std::size_t lower = upper - 1;
        if (is_zero[lower] && is_zero[upper]) continue;
        Real* const sum = level(lower, range);
        if (is_zero[lower] || is_zero[upper]) {
          add_zero(sum, is_zero[lower] ? level(upper, range) : sum, range.size);
          if (leaf.are_rounded[merge]) round_to_bfloat16(sum, range.size);
        } else {
          add_to(sum, level(upper, range), range.size, leaf.are_rounded[merge]);
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
    if (--buckets_[bucket].units_left > 0) return;
    publish_down_to(bucket);
    advance();
  }

  void finish() override {
    publish_down_to(0);  // a rank without samples has published nothing
    if (advance()) return;
    const Waiting waiting;
    Stopwatch watch;
    const double summed = seconds_summing_;
    for (Backoff backoff; !advance();) backoff.pause();
    seconds_waited_ += watch.lap() - (seconds_summing_ - summed);
  }

  std::span<const Real> gradient() const override {
    return {result(), static_cast<std::size_t>(shares_.parameters())};
  }
  std::span<const double> squares() const override { return squares_; }
  double seconds_waited() const override { return seconds_waited_; }

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
  struct OwnShare {
    Share share;
    std::size_t squares;  // where its first piece stands
  };
  /// Of the steps with such a batch and such owners.
  struct KnownPlans {
    Index batch_size;
    std::vector<Interval> owned;
    std::vector<ExchangePlan> plans;  // of each bucket
  };
  struct Bucket {
    std::optional<ExchangeRun> run;
    std::vector<OwnShare> own;
    std::size_t units_left = 0;  // that have not handed in all blocks
    bool is_under_way = false;
    bool is_summed = false;
  };

  const Leaf& leaf_of(int micro_batch) const {
    const auto found = std::find_if(leaves_.begin(), leaves_.end(),
                                    [&](const Leaf& l) { return l.micro_batch == micro_batch; });
    LOCKSTEP_CHECK(found != leaves_.end());
    return *found;
  }

  /// The sums that follow a micro-batch, from number `first` on.
  void merge(const Leaf& leaf, std::size_t first, ParameterRange range) {
    for (std::size_t number = first; number < leaf.merges; ++number) {
      const std::size_t upper = leaf.level - number;
      add_to(level(upper - 1, range), level(upper, range), range.size, leaf.are_rounded[number]);
    }
  }

  /// Values of `range` on level `level` of the stack: the first levels are what the node sees, the
  /// others end with the last merge.
  Real* level(std::size_t level, ParameterRange range) {
    if (level < held_) return sums_.own(level) + range.offset;
    const std::size_t beyond = level - held_;
    if (spans_blocks_) {
      return spanning_.data() + beyond * static_cast<std::size_t>(shares_.parameters()) + range.offset;
    }
    std::vector<Real>& scratch = scratch_[static_cast<std::size_t>(thread_index())];
    const auto size = static_cast<std::size_t>(range.size);
    if (scratch.size() < (deepest_ - held_) * size) scratch.resize((deepest_ - held_) * size);
    return scratch.data() + beyond * size;
  }

  /// How each bucket is summed in a step with this plan. Collective.
  const std::vector<ExchangePlan>& plans_for(const BatchPlan& plan) {
    const auto known = std::ranges::find_if(known_plans_, [&](const KnownPlans& each) {
      return each.batch_size == plan.batch_size() && each.owned == plan.owned();
    });
    if (known != known_plans_.end()) return known->plans;
    constexpr std::size_t kMostKnown = 64;
    if (known_plans_.size() == kMostKnown) known_plans_.pop_front();
    std::vector<ExchangePlan>& plans =
        known_plans_.emplace_back(KnownPlans{plan.batch_size(), plan.owned(), {}}).plans;
    together(topology_.all(), [&] {
      for (std::size_t bucket = 0; bucket < buckets_.size(); ++bucket) {
        const Index bytes = shares_.range_of(bucket).size * static_cast<Index>(sizeof(Real));
        plans.push_back(plan_sums(plan, topology_.nodes(), shares_.of_bucket(bucket),
                                  choose_route(bytes, topology_.nodes().count()), topology_.all().rank(),
                                  rounded_levels_));
        buckets_[bucket].run->reserve(plans.back());
      }
    });
    return plans;
  }

  void publish_down_to(std::size_t bucket) {
    while (next_to_publish_ > bucket) sums_.publish(--next_to_publish_);
  }

  /// Keeps the network busy, between tiles. Where other threads work on this tile's neighbours, sums are not
  /// for this one alone.
  void lend_a_hand() {
    if (threads() == 1) {
      advance();
      return;
    }
    for (std::size_t bucket = next_to_sum_; bucket-- > next_to_publish_;) {
      if (buckets_[bucket].is_under_way) buckets_[bucket].run->move_messages();
    }
  }

  /// Moves the published buckets on as far as goes without waiting; whether all buckets are summed.
  bool advance() {
    for (std::size_t bucket = next_to_sum_; bucket-- > next_to_publish_;) {
      Bucket& state = buckets_[bucket];
      if (!state.is_under_way && sums_.are_complete(bucket)) {
        state.run->begin((*plans_)[bucket]);
        state.is_under_way = true;
      }
      if (state.is_under_way && !state.is_summed && state.run->advance()) {
        sum(bucket);
        state.is_summed = true;
      }
    }
    while (next_to_sum_ > 0 && buckets_[next_to_sum_ - 1].is_summed) --next_to_sum_;
    return next_to_sum_ == 0;
  }

  /// This rank's shares of `bucket`: the last additions of the tree's sum, divided.
  void sum(std::size_t bucket) {
    Stopwatch watch;
    Bucket& state = buckets_[bucket];
    for (std::size_t i = 0; i < state.own.size(); ++i) {
      const OwnShare& own = state.own[i];
      const ShareTotal& total = (*plans_)[bucket].totals[i];
      for_each_part(own.share.pieces.size(), [&](Index part) {
        const ParameterRange piece =
            shares_.pieces()[static_cast<std::size_t>(own.share.pieces.first + part)];
        const Index first = piece.offset - own.share.range.offset;
        squares_[own.squares + static_cast<std::size_t>(part)] =
            finish(*state.run, total, first, piece.size, result() + piece.offset);
      });
    }
    seconds_summing_ += watch.lap();
  }

  /// The last additions of values [first, first + size) of a share, and their division, into `gradient`;
  /// returns its squares. The last one of all goes there at once, and not first to the place of another rank,
  /// which would have to get its memory back.
  double finish(ExchangeRun& run, const ShareTotal& total, Index first, Index size, Real* gradient) const {
    std::span<const Addition> additions = total.last.additions;
    const bool adds_last = !additions.empty() && !additions.back().is_rounded;
    if (adds_last) additions = additions.first(additions.size() - 1);
    for (const Addition& addition : additions)
      add_to(run.at(addition.sum) + first, run.at(addition.term) + first, size, addition.is_rounded);
    const Real* const sum = run.at(total.place) + first;
    if (!adds_last) return finish_piece(gradient, sum, size, divisor_);
    return finish_piece(gradient, sum, run.at(total.last.additions.back().term) + first, size, divisor_);
  }

  /// Nobody but the owner of a share reads what anybody holds of it.
  Real* result() const { return sums_.own(0); }

  const Topology& topology_;
  const Shares& shares_;
  int rounded_levels_;
  NodeSums sums_;
  std::vector<double> squares_;  // of each piece of this rank's shares
  Real divisor_ = 1;
  std::vector<Leaf> leaves_;
  std::size_t held_ = 0;     // levels that the node sees
  std::size_t deepest_ = 0;  // levels that there are at most
  std::vector<Bucket> buckets_;
  std::list<KnownPlans> known_plans_;
  const std::vector<ExchangePlan>* plans_ = nullptr;  // of the step
  std::size_t next_to_publish_ = 0;  // buckets are published and summed from the last to the first
  std::size_t next_to_sum_ = 0;      // those from here on are summed
  double seconds_waited_ = 0;
  double seconds_summing_ = 0;
  bool spans_blocks_ = false;
  std::vector<Real> spanning_;
  std::vector<std::vector<Real>> scratch_;  // of each thread
};

}  // namespace

std::unique_ptr<GradientReducer> make_tree_reducer(const Topology& topology, const Shares& shares,
                                                   int rounded_levels) {
  return std::make_unique<TreeReducer>(topology, shares, rounded_levels);
}

}  // namespace lockstep::inline LOCKSTEP_REAL
