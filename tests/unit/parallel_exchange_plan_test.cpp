// The plans of all ranks together, carried out on plain arrays.

#include <algorithm>
#include <cmath>
#include <deque>
#include <gmock/gmock.h>
#include <map>
#include <numeric>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include "lockstep/core/random.hpp"
#include "lockstep/nn/matrix.hpp"
#include "parallel/exchange_plan.hpp"

namespace lockstep {
namespace {

using Values = std::vector<double>;

/// One bucket of `pieces` pieces.
ParameterLayout layout_of(Index pieces) {
  ParameterLayout layout;
  layout.add(0, "0.weight", {.shape = {pieces, 4096}, .role = TensorRole::kWeight});
  return layout;
}

/// Magnitudes differ widely, so that another order of additions gives other bits.
double leaf(Index m, Index i) {
  const RandomBits bits = random_bits(1, Purpose::kSynthetic,
                                      {static_cast<std::uint64_t>(m), static_cast<std::uint64_t>(i), 0, 0});
  return std::ldexp(2 * uniform(bits[0]) - 1, static_cast<int>(bits[1] % 40));
}

double bfloat16_of(double value) {
  return static_cast<double>(static_cast<float>(Bfloat16(static_cast<float>(value))));
}

/// All ranks, their nodes' memory and the messages between them. A few values stand for each share.
class Simulation {
 public:
  explicit Simulation(Nodes nodes) : nodes_(std::move(nodes)) {
    received_.resize(static_cast<std::size_t>(nodes_.ranks()));
    messages_.resize(received_.size());
    sent_.resize(static_cast<std::size_t>(nodes_.count()));
  }

  double& at(int rank, const Place& place) {
    if (place.rank == Place::kReceived) return received_[static_cast<std::size_t>(rank)][place.offset];
    return held_[{nodes_.node_of(rank), place.rank, place.vector, place.offset}];
  }

  /// Carries them out, each as far as its messages let it.
  void run(const std::vector<ExchangePlan>& plans) {
    std::vector<std::size_t> round(plans.size());
    std::vector<bool> posted(plans.size());
    for (bool moves = true; moves;) {
      moves = false;
      for (int rank = 0; rank < nodes_.ranks(); ++rank) {
        const auto r = static_cast<std::size_t>(rank);
        if (round[r] == plans[r].rounds.size()) continue;
        const ExchangeRound& now = plans[r].rounds[round[r]];
        if (!posted[r]) post(rank, now);
        posted[r] = true;
        if (!receive(rank, now)) continue;
        posted[r] = false;
        ++round[r];
        moves = true;
      }
    }
    for (std::size_t r = 0; r < plans.size(); ++r)
      EXPECT_EQ(round[r], plans[r].rounds.size()) << "rank " << r << " waits for ever";
    for (const auto& [pair, queue] : queues_) EXPECT_TRUE(queue.empty()) << "nobody takes a message";
    for (int rank = 0; rank < nodes_.ranks(); ++rank) {
      for (const ParameterRange& range : plans[static_cast<std::size_t>(rank)].sent) {
        for (Index i = range.offset; i < range.offset + range.size; i += kStride)
          last_sent_[{rank, i}] = at(rank, {0, 0, i});
      }
    }
  }

  void add(int rank, const PlacedSum& sum) {
    for (const Addition& addition : sum.additions) {
      for (Index i = 0; i < sum.size; i += kStride) {
        double& value = at(rank, shifted(addition.sum, i));
        value += at(rank, shifted(addition.term, i));
        if (addition.is_rounded) value = bfloat16_of(value);
      }
    }
  }

  static Place shifted(Place place, Index offset) {
    place.offset += offset;
    return place;
  }

  Index sent_by_node(int node) const { return sent_[static_cast<std::size_t>(node)]; }
  Index sent_as_bfloat16() const { return sent_as_bfloat16_; }
  Index messages_of(int rank) const { return messages_[static_cast<std::size_t>(rank)]; }

  static constexpr Index kStride = 2048;

 private:
  void post(int rank, const ExchangeRound& round) {
    for (const PlacedSum& sum : round.sums) add(rank, sum);
    for (const PlannedMessage& message : round.outgoing) {
      EXPECT_NE(nodes_.node_of(message.peer), nodes_.node_of(rank));
      ++messages_[static_cast<std::size_t>(rank)];
      Values values;
      std::vector<Index> coded;
      for (const PlacedRun& run : message.runs) {
        if (run.coding != Coding::kNone) coded.push_back(run.size);
        sent_[static_cast<std::size_t>(nodes_.node_of(rank))] += run.size;
        if (run.is_bfloat16) sent_as_bfloat16_ += run.size;
        for (Index i = 0; i < run.size; i += kStride) {
          const Place place = shifted(run.place, i);
          const double value = at(rank, place) - last_sent(rank, run, place);
          values.push_back(run.is_bfloat16 ? bfloat16_of(value) : value);
        }
      }
      queues_[{rank, message.peer}].push_back({values, coded});
    }
  }

  bool receive(int rank, const ExchangeRound& round) {
    for (const PlannedMessage& message : round.incoming) {
      if (queues_[{message.peer, rank}].empty()) return false;
    }
    for (const PlannedMessage& message : round.incoming) {
      const auto [values, coded] = queues_[{message.peer, rank}].front();
      queues_[{message.peer, rank}].pop_front();
      std::size_t next = 0;
      std::vector<Index> expected;
      for (const PlacedRun& run : message.runs) {
        if (run.coding != Coding::kNone) expected.push_back(run.size);
        for (Index i = 0; i < run.size && next < values.size(); i += kStride) {
          double& value = at(rank, shifted(run.place, i));
          value = run.coding == Coding::kChanges ? value + values[next] : values[next];
          ++next;
        }
      }
      EXPECT_EQ(coded, expected) << "both sides compress the same runs";
      EXPECT_EQ(next, values.size()) << "a message has another size than its receiver expects";
    }
    return true;
  }

  /// What all nodes have of a value whose change is sent.
  double last_sent(int rank, const PlacedRun& run, const Place& place) {
    return run.coding == Coding::kChanges ? last_sent_[{rank, place.offset}] : 0;
  }

  Nodes nodes_;
  std::map<std::tuple<int, int, int, Index>, double> held_;  // node, its rank, vector, offset
  std::map<std::pair<int, Index>, double> last_sent_;        // rank, offset: by ExchangePlan::sent
  std::vector<std::map<Index, double>> received_;            // of each rank
  /// Values, and the sizes of the runs that are compressed.
  using Message = std::pair<Values, std::vector<Index>>;
  std::map<std::pair<int, int>, std::deque<Message>> queues_;
  std::vector<Index> messages_;  // that each rank sends
  std::vector<Index> sent_;      // values that each node sends
  Index sent_as_bfloat16_ = 0;   // of them, all nodes
};

/// The sum of the micro-batches of `wanted` that are below `node`, which stands at `level`, by the tree,
/// rounded in the first `levels` levels below the root. None: no micro-batch there has samples.
std::optional<double> tree_sum_of(Interval wanted, Index i, const BatchPlan& plan, int levels, Interval node,
                                  int level) {
  std::optional<double> value;
  if (node.size() == 1) {
    const bool counts = wanted.first <= node.first && node.first < wanted.last &&
                        plan.presence()[static_cast<std::size_t>(node.first)];
    if (counts) value = leaf(node.first, i);
  } else {
    Index half = 1;
    while (2 * half < node.size()) half *= 2;
    const Index middle = node.first + half;
    value = tree_sum_of(wanted, i, plan, levels, {node.first, middle}, level + 1);
    const auto right = tree_sum_of(wanted, i, plan, levels, {middle, node.last}, level + 1);
    if (value && right) *value += *right;
    if (!value) value = right;
  }
  if (value && 1 <= level && level <= levels) value = bfloat16_of(*value);
  return value;
}

double total_of(Index i, const BatchPlan& plan, int levels) {
  return tree_sum_of({0, plan.micro_batches()}, i, plan, levels, {0, plan.micro_batches()}, 0).value();
}

/// What a rank holds of `subtree`, which is all that it counts in the tree: rounded as the sums up to the
/// first that adds something else are.
double held_sum(Interval subtree, Index i, const BatchPlan& plan, int levels) {
  Interval node{0, plan.micro_batches()};
  int level = 0;
  int alone = 0;  // the level from which on nothing else has samples
  while (node.first != subtree.first || node.last != subtree.last) {
    Index half = 1;
    while (2 * half < node.size()) half *= 2;
    const Index middle = node.first + half;
    const bool goes_left = subtree.first < middle;
    const Interval other = goes_left ? Interval{middle, node.last} : Interval{node.first, middle};
    node = goes_left ? Interval{node.first, middle} : Interval{middle, node.last};
    ++level;
    if (plan.rows(other.first).first < plan.rows(other.last - 1).last) alone = level;
  }
  double value = tree_sum_of(subtree, i, plan, levels, subtree, level).value();
  for (; level >= alone; --level) {
    if (1 <= level && level <= levels) value = bfloat16_of(value);
  }
  return value;
}

std::vector<ExchangePlan> sums_of_all(const BatchPlan& plan, const Nodes& nodes,
                                      const std::vector<Share>& bucket, Route route, int levels,
                                      Coding coding) {
  std::vector<ExchangePlan> plans;
  plans.reserve(static_cast<std::size_t>(nodes.ranks()));
  for (int rank = 0; rank < nodes.ranks(); ++rank)
    plans.push_back(plan_sums(plan, nodes, bucket, route, rank, levels, coding));
  return plans;
}

/// Fills in what every rank holds and runs the plans; checks every owner's totals.
Simulation expect_tree_sums(const BatchPlan& plan, const Nodes& nodes, const std::vector<Share>& bucket,
                            Route route, int levels = 0, Coding coding = Coding::kNone) {
  const Index size = bucket.back().range.offset + bucket.back().range.size;
  Simulation simulation(nodes);
  for (int rank = 0; rank < nodes.ranks(); ++rank) {
    int number = 0;
    for (const Interval& subtree : complete_subtrees(plan.micro_batches(), plan.owned_by(rank))) {
      const bool has_samples = plan.rows(subtree.first).first < plan.rows(subtree.last - 1).last;
      if (!has_samples) continue;
      const auto in_node = static_cast<int>(rank - nodes.ranks_of(nodes.node_of(rank)).first);
      for (Index i = 0; i < size; i += Simulation::kStride)
        simulation.at(rank, {in_node, number, i}) = held_sum(subtree, i, plan, levels);
      ++number;
    }
  }
  const std::vector<ExchangePlan> plans = sums_of_all(plan, nodes, bucket, route, levels, coding);
  simulation.run(plans);
  Index wrong = 0;
  Index found = 0;
  for (int rank = 0; rank < nodes.ranks(); ++rank) {
    auto total = plans[static_cast<std::size_t>(rank)].totals.begin();
    for (const Share& share : bucket) {
      if (share.owner != rank) continue;
      simulation.add(rank, total->last);
      for (Index i = 0; i < share.range.size; i += Simulation::kStride) {
        const double sum = simulation.at(rank, Simulation::shifted(total->place, i));
        wrong += sum == total_of(share.range.offset + i, plan, levels) ? 0 : 1;
        ++found;
      }
      ++total;
    }
  }
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(found, size / Simulation::kStride);
  return simulation;
}

std::vector<std::vector<int>> node_sizes() {
  return {{1},
          {4},
          {1, 1},
          {2, 2},
          {3, 1},
          {1, 3},
          {1, 1, 1},
          {2, 2, 2},
          {4, 1, 2},
          {1, 1, 1, 1},
          {2, 2, 2, 2},
          {1, 2, 1, 2, 1},
          {1, 1, 1, 1, 1, 1, 1},
          {1, 1, 1, 1, 1, 1, 1, 1}};
}

constexpr Route kRoutes[] = {Route::kDirect, Route::kTree};

TEST(ExchangePlan, OwnersGetTheSumsOfTheTree) {
  for (const std::vector<int>& sizes : node_sizes()) {
    const Nodes nodes(sizes);
    const Shares shares(layout_of(nodes.ranks()), Scope::kElements, nodes.ranks());
    for (const Route route : kRoutes) {
      for (const Index m : {nodes.ranks(), nodes.ranks() + 1, 2 * nodes.ranks(), 16}) {
        for (const Index batch : {Index{1}, Index{2}, m - 1, m, 3 * m + 1}) {
          if (batch == 0) continue;
          SCOPED_TRACE(fmt::format("nodes of {}, M = {}, batch {}", sizes, m, batch));
          for (const int levels : {0, 1, 2, 16}) {
            for (const Coding coding : {Coding::kNone, Coding::kValues}) {
              expect_tree_sums(BatchPlan(batch, m, nodes.ranks()), nodes, shares.of_bucket(0), route, levels,
                               coding);
            }
          }
        }
      }
    }
  }
}

// As Balance moves micro-batches: a node keeps its own, of which its last rank has all but one for each
// other.
TEST(ExchangePlan, OwnersGetTheSumsOfTheTreeWhereRanksHaveUnequalParts) {
  for (const std::vector<int>& sizes : node_sizes()) {
    const Nodes nodes(sizes);
    const Shares shares(layout_of(nodes.ranks()), Scope::kElements, nodes.ranks());
    std::vector<Interval> owned = parts_of(16, nodes.ranks());
    for (int node = 0; node < nodes.count(); ++node) {
      const Interval ranks = nodes.ranks_of(node);
      for (Index rank = ranks.first; rank + 1 < ranks.last; ++rank) {
        Interval& mine = owned[static_cast<std::size_t>(rank)];
        mine.last = owned[static_cast<std::size_t>(rank + 1)].first = mine.first + 1;
      }
    }
    for (const Route route : kRoutes) {
      for (const Index batch : {3, 16, 50})
        expect_tree_sums(BatchPlan(batch, owned), nodes, shares.of_bucket(0), route, 2);
    }
  }
}

TEST(ExchangePlan, SumsReachOneOwnerOfAllToo) {
  const Nodes nodes({2, 1, 3});
  const Shares shares(layout_of(2), Scope::kModel, nodes.ranks());
  for (const Route route : kRoutes) {
    expect_tree_sums(BatchPlan(20, 8, nodes.ranks()), nodes, shares.of_bucket(0), route);
  }
}

/// Chan et al.: a reduce-scatter over H nodes sends (H-1)/H n a node, whatever the ranks of a node.
TEST(ExchangePlan, ANodeSendsTheLeastWhereSubtreesAreWholeNodes) {
  for (const int hosts : {2, 4, 8}) {
    for (const int ranks : {1, 2, 4}) {
      const Nodes nodes(std::vector<int>(static_cast<std::size_t>(hosts), ranks));
      const Shares shares(layout_of(nodes.ranks()), Scope::kElements, nodes.ranks());
      for (const Route route : kRoutes) {
        const Simulation simulation =
            expect_tree_sums(BatchPlan(64, nodes.ranks(), nodes.ranks()), nodes, shares.of_bucket(0), route);
        for (int node = 0; node < hosts; ++node)
          EXPECT_EQ(simulation.sent_by_node(node), Index{4096} * ranks * (hosts - 1)) << hosts;
        EXPECT_EQ(simulation.sent_as_bfloat16(), 0);
        const int levels = levels_between(nodes.ranks(), nodes);
        EXPECT_EQ(1 << levels, hosts);
        EXPECT_EQ(expect_tree_sums(BatchPlan(64, nodes.ranks(), nodes.ranks()), nodes, shares.of_bucket(0),
                                   route, levels)
                      .sent_as_bfloat16(),
                  Index{4096} * ranks * (hosts - 1) * hosts)
            << "all";
        const int messages = route == Route::kTree ? static_cast<int>(std::log2(hosts)) : hosts - 1;
        for (int rank = 0; rank < nodes.ranks(); ++rank)
          EXPECT_EQ(simulation.messages_of(rank), messages) << hosts;
      }
    }
  }
}

TEST(ExchangePlan, NodesGetTheOwnersValuesOnce) {
  for (const std::vector<int>& sizes : node_sizes()) {
    const Nodes nodes(sizes);
    const Shares shares(layout_of(nodes.ranks() + 3), Scope::kElements, nodes.ranks());
    const std::vector<Share>& bucket = shares.of_bucket(0);
    for (const Route route : kRoutes) {
      SCOPED_TRACE(fmt::format("nodes of {}", sizes));
      Simulation simulation(nodes);
      std::vector<ExchangePlan> plans;
      plans.reserve(static_cast<std::size_t>(nodes.ranks()));
      for (int rank = 0; rank < nodes.ranks(); ++rank)
        plans.push_back(plan_copies(nodes, bucket, route, rank));
      for (const Share& share : bucket) {
        for (Index i = 0; i < share.range.size; i += Simulation::kStride)
          simulation.at(share.owner, {0, 0, share.range.offset + i}) =
              static_cast<double>(share.range.offset + i);
      }
      simulation.run(plans);
      for (int node = 0; node < nodes.count(); ++node) {
        const auto rank = static_cast<int>(nodes.ranks_of(node).first);
        for (Index i = 0; i < shares.parameters(); i += Simulation::kStride)
          EXPECT_EQ(simulation.at(rank, {0, 0, i}), static_cast<double>(i));
      }
      Index sent = 0;
      for (int node = 0; node < nodes.count(); ++node) sent += simulation.sent_by_node(node);
      EXPECT_EQ(sent, (nodes.count() - 1) * shares.parameters());
    }
  }
}

TEST(ExchangePlan, ChangesMakeTheOwnersValuesEverybodys) {
  for (const std::vector<int>& sizes : node_sizes()) {
    const Nodes nodes(sizes);
    for (const Scope scope : {Scope::kElements, Scope::kModel}) {
      const Shares shares(layout_of(nodes.ranks() + 3), scope, nodes.ranks());
      const std::vector<Share>& bucket = shares.of_bucket(0);
      for (const Route route : kRoutes) {
        SCOPED_TRACE(fmt::format("nodes of {}", sizes));
        Simulation simulation(nodes);
        std::vector<ExchangePlan> plans;
        plans.reserve(static_cast<std::size_t>(nodes.ranks()));
        for (int rank = 0; rank < nodes.ranks(); ++rank)
          plans.push_back(plan_copies(nodes, bucket, route, rank, {{2048, 4096}}, Coding::kChanges));
        for (const Index factor : {3, 5, 5, 2}) {
          for (const Share& share : bucket) {
            for (Index i = share.range.offset; i < share.range.offset + share.range.size;
                 i += Simulation::kStride)
              simulation.at(share.owner, {0, 0, i}) = static_cast<double>(factor * i);
          }
          simulation.run(plans);
          for (int node = 0; node < nodes.count(); ++node) {
            const auto rank = static_cast<int>(nodes.ranks_of(node).first);
            for (Index i = 0; i < shares.parameters(); i += Simulation::kStride)
              EXPECT_EQ(simulation.at(rank, {0, 0, i}), static_cast<double>(factor * i));
          }
        }
      }
    }
  }
}

TEST(ExchangePlan, CopiesOfSomeRangesTravelAsBfloat16) {
  const Nodes nodes({2, 1, 3});
  const Shares shares(layout_of(nodes.ranks() + 3), Scope::kElements, nodes.ranks());
  const std::vector<Share>& bucket = shares.of_bucket(0);
  const std::vector<ParameterRange> rounded = {{0, 2048}, {6144, 4096}, {20480, 8192}};
  const auto is_rounded = [&](Index i) {
    return std::ranges::any_of(rounded,
                               [&](ParameterRange r) { return r.offset <= i && i < r.offset + r.size; });
  };
  const auto value_of = [](Index i) { return static_cast<double>(1000003 + i); };
  for (const Route route : kRoutes) {
    Simulation simulation(nodes);
    std::vector<ExchangePlan> plans;
    plans.reserve(static_cast<std::size_t>(nodes.ranks()));
    for (int rank = 0; rank < nodes.ranks(); ++rank)
      plans.push_back(plan_copies(nodes, bucket, route, rank, rounded));
    for (const Share& share : bucket) {
      for (Index i = 0; i < share.range.size; i += Simulation::kStride)
        simulation.at(share.owner, {0, 0, share.range.offset + i}) = value_of(share.range.offset + i);
    }
    simulation.run(plans);
    for (const Share& share : bucket) {
      for (int node = 0; node < nodes.count(); ++node) {
        const auto rank = static_cast<int>(nodes.ranks_of(node).first);
        const bool is_owners = nodes.node_of(share.owner) == node;
        for (Index i = share.range.offset; i < share.range.offset + share.range.size;
             i += Simulation::kStride) {
          const double exact = value_of(i);
          EXPECT_EQ(simulation.at(rank, {0, 0, i}), is_rounded(i) && !is_owners ? bfloat16_of(exact) : exact);
        }
      }
    }
    EXPECT_EQ(simulation.sent_as_bfloat16(), (nodes.count() - 1) * (2048 + 4096 + 8192));
  }
}

/// Messages leave in their order: whenever all nodes send their first, second … message, each receiver has
/// one sender.
TEST(ExchangePlan, NoReceiverIsFlooded) {
  constexpr int kHosts = 5;
  const Nodes nodes(std::vector<int>(kHosts, 1));
  const Shares shares(layout_of(kHosts), Scope::kElements, kHosts);
  std::vector<std::vector<int>> receivers(kHosts - 1);  // of the messages of one turn
  for (int rank = 0; rank < kHosts; ++rank) {
    const ExchangePlan sums =
        plan_sums(BatchPlan(kHosts, kHosts, kHosts), nodes, shares.of_bucket(0), Route::kDirect, rank);
    const ExchangePlan copies = plan_copies(nodes, shares.of_bucket(0), Route::kDirect, rank);
    for (const ExchangePlan* plan : {&sums, &copies}) {
      std::size_t turn = 0;
      for (const ExchangeRound& round : plan->rounds) {
        for (const PlannedMessage& message : round.outgoing) receivers.at(turn++).push_back(message.peer);
      }
      EXPECT_EQ(turn, receivers.size());
    }
  }
  for (const std::vector<int>& turn : receivers)
    EXPECT_THAT(turn, testing::UnorderedElementsAre(0, 0, 1, 1, 2, 2, 3, 3, 4, 4));
}

TEST(ExchangePlan, ManyNodesOrSmallBucketsGoByTheTree) {
  EXPECT_EQ(choose_route(1000, 1), Route::kDirect);
  EXPECT_EQ(choose_route(1000, 2), Route::kDirect);
  EXPECT_EQ(choose_route(1000, 8), Route::kTree);
  EXPECT_EQ(choose_route(Index{4} << 20U, 4), Route::kTree);
  EXPECT_EQ(choose_route(Index{4} << 20U, 5), Route::kDirect);
  EXPECT_EQ(choose_route(Index{100} << 20U, 8), Route::kDirect);
  EXPECT_EQ(choose_route(Index{100} << 20U, 1024), Route::kTree);
}

TEST(Nodes, ShareTheWorkForOthers) {
  const Nodes nodes({2, 4, 1});
  EXPECT_EQ(nodes.count(), 3);
  EXPECT_EQ(nodes.ranks(), 7);
  EXPECT_EQ(nodes.ranks_of(1), (Interval{2, 6}));
  EXPECT_EQ(nodes.node_of(5), 1);
  EXPECT_EQ(nodes.handler(5, 1), 5);
  EXPECT_EQ(nodes.handler(1, 1), 4);
  EXPECT_EQ(nodes.handler(3, 0), 0);
  EXPECT_EQ(nodes.handler(4, 0), 1);
  EXPECT_EQ(nodes.handler(6, 1), 2);
}

// M = 8 splits into 4 + 4, each into 2 + 2: on three nodes of one rank, with [0,2), [2,5) and [5,8), the
// second and the third have two subtrees. M = 12 splits into 8 + 4, and 8 into 4 + 4: one each.
TEST(Nodes, SendOneSumWhereTheirMicroBatchesAreASubtree) {
  const Nodes three({1, 1, 1});
  EXPECT_EQ(sums_between(8, three), 2);
  EXPECT_EQ(sums_between(12, three), 1);
  EXPECT_EQ(nearest_with_one_sum(8, three), 6);
  EXPECT_EQ(nearest_with_one_sum(10, three), 12);
  EXPECT_EQ(sums_between(7, three), 1);  // 4 + 3, though the third node has more to do
  EXPECT_EQ(sums_between(8, Nodes({2, 2})), 1);
  EXPECT_EQ(sums_between(8, Nodes({3, 1})), 2);  // [0,6) is [0,4) and [4,6)
  EXPECT_EQ(nearest_with_one_sum(8, Nodes({3, 1})), std::nullopt);
  EXPECT_EQ(sums_between(7, Nodes({5})), 1);
}

}  // namespace
}  // namespace lockstep
