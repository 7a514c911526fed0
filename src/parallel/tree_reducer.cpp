#include "parallel/tree_reducer.hpp"

#include <algorithm>
#include <functional>
#include <list>
#include <optional>
#include <utility>
#include <vector>

#include "core/backoff.hpp"
#include "core/rank_status.hpp"
#include "lockstep/core/error.hpp"
#include "lockstep/core/stopwatch.hpp"
#include "lockstep/core/threads.hpp"
#include "lockstep/parallel/agreement.hpp"
#include "parallel/exchange_run.hpp"
#include "parallel/finish_piece.hpp"
#include "parallel/local_sums.hpp"
#include "parallel/node_sums.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

namespace {

class TreeReducer final : public GradientReducer {
 public:
  TreeReducer(const Topology& topology, const Shares& shares, int rounded_levels)
      : topology_(topology),
        shares_(shares),
        rounded_levels_(rounded_levels),
        sums_(topology, shares.parameters(), shares.buckets()),
        local_(sums_, shares.parameters(), rounded_levels),
        squares_(static_cast<std::size_t>(shares.pieces_of(topology.all().rank()))),
        buckets_(shares.buckets()) {
    const std::size_t first_exchange = topology.take_exchanges(buckets_.size());
    std::size_t squares = 0;
    for (std::size_t bucket = 0; bucket < buckets_.size(); ++bucket) {
      buckets_[bucket].run.emplace(topology, first_exchange + bucket, [this](const Place& place) {
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
    local_.start(plan, topology_.all().rank(), blocks);
    sums_.start(plan);
    plans_ = &plans_for(plan);
    for (std::size_t bucket = 0; bucket < buckets_.size(); ++bucket) {
      buckets_[bucket].units_left = blocks * shares_.units_of(bucket);
      buckets_[bucket].is_under_way = buckets_[bucket].is_summed = false;
    }
    next_to_publish_ = next_to_sum_ = buckets_.size();
  }

  void add(const RowBlock& block, ParameterRange range, const WriteGradient& write) override {
    const auto plain = [&](const MicroBatchRows& rows, Real* gradient, bool /*adds*/) {
      write(rows, gradient);
    };
    local_.add(block, range, std::ref(plain), false);
    lend_a_hand();
  }

  void add_in_place(const RowBlock& block, ParameterRange range, const AddGradient& write) override {
    local_.add(block, range, write, true);
    lend_a_hand();
  }

  void add_sparse(const RowBlock& block, ParameterRange range, const WriteSparseGradient& write) override {
    local_.add_sparse(block, range, write);
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
                                  rounded_levels_, coding_between(topology_, Coding::kValues)));
        buckets_[bucket].run->reserve(plans.back());
      }
    });
    return plans;
  }

  void publish_down_to(std::size_t bucket) {
    while (next_to_publish_ > bucket) sums_.publish(--next_to_publish_);
  }

  /// Keeps the network busy, between tiles, by this rank's first thread. Where other threads work on this
  /// tile's neighbours, sums are not for this one alone.
  void lend_a_hand() {
    if (topology_.is_one_node() || thread_index() != 0) return;
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
  LocalSums local_;
  std::vector<double> squares_;  // of each piece of this rank's shares
  Real divisor_ = 1;
  std::vector<Bucket> buckets_;
  std::list<KnownPlans> known_plans_;
  const std::vector<ExchangePlan>* plans_ = nullptr;  // of the step
  std::size_t next_to_publish_ = 0;  // buckets are published and summed from the last to the first
  std::size_t next_to_sum_ = 0;      // those from here on are summed
  double seconds_waited_ = 0;
  double seconds_summing_ = 0;
};

}  // namespace

std::unique_ptr<GradientReducer> make_tree_reducer(const Topology& topology, const Shares& shares,
                                                   int rounded_levels) {
  return std::make_unique<TreeReducer>(topology, shares, rounded_levels);
}

}  // namespace lockstep::inline LOCKSTEP_REAL
