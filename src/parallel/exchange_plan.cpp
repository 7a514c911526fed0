#include "parallel/exchange_plan.hpp"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <iterator>
#include <map>
#include <optional>
#include <utility>

#include "lockstep/core/error.hpp"

namespace lockstep {

namespace {

using Kind = TreeOperation::Kind;

/// A value of the reduction tree, made of the ranks' subtree sums.
struct Vertex {
  std::optional<std::size_t> left, right;  ///< of a sum
  int rank = 0;                            ///< of a subtree sum: who holds it
  int number = 0;                          ///< and as which of its vectors
  int first_node = 0;
  int last_node = 0;
  bool is_rounded = false;
};

/// The tree, children before parents.
std::vector<Vertex> tree_of(const BatchPlan& plan, const Nodes& nodes, int rounded_levels) {
  std::vector<Vertex> tree;
  std::vector<std::size_t> stack;
  int rank = 0;
  int number = 0;
  for (const TreeOperation& operation : plan.global_operations()) {
    if (operation.kind == Kind::kPush) {
      while (plan.owned_by(rank).last <= operation.node.first) {
        ++rank;
        number = 0;
      }
      const int node = nodes.node_of(rank);
      tree.push_back(
          {.left = {}, .right = {}, .rank = rank, .number = number++, .first_node = node, .last_node = node});
    } else {
      const std::size_t right = stack.back();
      stack.pop_back();
      const std::size_t left = stack.back();
      stack.pop_back();
      tree.push_back({.left = left,
                      .right = right,
                      .first_node = tree[left].first_node,
                      .last_node = tree[right].last_node});
    }
    tree.back().is_rounded = operation.is_within(rounded_levels);
    stack.push_back(tree.size() - 1);
  }
  LOCKSTEP_CHECK(stack.size() == 1);
  return tree;
}

/// Which node has each value of the tree of a share whose owner stands on node `target`. A sum is made where
/// one of its terms is, but for kDirect, which makes all sums of more than one node at the target.
std::vector<int> places_of(const std::vector<Vertex>& tree, int target, Route route) {
  std::vector<int> places;
  for (const Vertex& vertex : tree) {
    int& place = places.emplace_back(vertex.first_node);
    if (vertex.first_node == vertex.last_node) continue;
    if (route == Route::kDirect) {
      place = target;
      continue;
    }
    const Vertex& left = tree[*vertex.left];
    const Vertex& right = tree[*vertex.right];
    const auto stands_in = [&](const Vertex& v) { return v.first_node <= target && target <= v.last_node; };
    // Elsewhere than at the target the shares are spread over the nodes, by the target's low bits where the
    // tree has halves.
    const int nodes = vertex.last_node - vertex.first_node + 1;
    const int nodes_of_left = left.last_node - left.first_node + 1;
    const bool goes_left = stands_in(left) || (!stands_in(right) && target % nodes < nodes_of_left);
    place = places[goes_left ? *vertex.left : *vertex.right];
  }
  return places;
}

/// A value that leaves a node, or comes in, in a round.
struct Move {
  int node;  ///< the other one
  int slot;
  bool is_rounded;
};

/// slot `sum` += slot `term`.
struct SlotAddition {
  int sum;
  int term;
  bool is_rounded;
};

/// What happens at one node to one share: its values stand in slots, first those of the node's ranks.
struct Script {
  struct Round {
    std::vector<SlotAddition> additions;
    std::vector<Move> outgoing, incoming;
  };
  std::vector<Place> held;  ///< where the first slots are, without the offset
  std::vector<Round> rounds;
  int slots = 0;
  int total = -1;  ///< the slot, at the target

  Round& round(std::size_t number) {
    if (rounds.size() <= number) rounds.resize(number + 1);
    return rounds[number];
  }
};

Script script_of(const std::vector<Vertex>& tree, const Nodes& nodes, int target, int me, Route route) {
  Script script;
  std::vector<int> places = places_of(tree, target, route);
  std::vector<int> slots(tree.size(), -1);      // where a value is at this node
  std::vector<std::size_t> ready(tree.size());  // the round before which it is there
  for (std::size_t i = 0; i < tree.size(); ++i) {
    if (tree[i].left || places[i] != me) continue;
    slots[i] = script.slots++;
    const auto rank = static_cast<int>(tree[i].rank - nodes.ranks_of(me).first);
    script.held.push_back({.rank = rank, .vector = tree[i].number});
  }
  const auto move = [&](std::size_t value, int place, std::size_t earliest) {
    if (places[value] == place) return ready[value];
    const bool is_rounded = tree[value].is_rounded;
    if (places[value] == me) script.round(earliest).outgoing.push_back({place, slots[value], is_rounded});
    if (place == me) {
      slots[value] = script.slots++;
      script.round(earliest).incoming.push_back({places[value], slots[value], is_rounded});
    }
    return earliest + 1;
  };
  for (std::size_t i = 0; i < tree.size(); ++i) {
    if (!tree[i].left) continue;
    const std::size_t left = *tree[i].left;
    const std::size_t right = *tree[i].right;
    // What goes to the target straight needs to wait for nothing there.
    const std::size_t both = route == Route::kDirect ? 0 : std::max(ready[left], ready[right]);
    ready[i] = std::max(move(left, places[i], both), move(right, places[i], both));
    if (places[i] != me) continue;
    script.round(ready[i]).additions.push_back({slots[left], slots[right], tree[i].is_rounded});
    slots[i] = slots[left];
  }
  const std::size_t root = tree.size() - 1;
  script.round(move(root, target, ready[root]));  // there is one, though it may be empty
  if (me == target) script.total = slots[root];
  return script;
}

Place operator+(Place place, Index offset) {
  place.offset += offset;
  return place;
}

/// Runs that stand one after another become one, but not where they are compressed, as both sides have to do
/// that alike.
void append(std::vector<PlacedRun>& runs, const PlacedRun& run) {
  const bool goes_on = run.coding == Coding::kNone && !runs.empty() &&
                       runs.back().place + runs.back().size == run.place &&
                       runs.back().is_bfloat16 == run.is_bfloat16;
  if (goes_on) {
    runs.back().size += run.size;
  } else {
    runs.push_back(run);
  }
}

/// Appends the parameters of `range`, of which those in `rounded` travel as bfloat16.
void append_parameters(std::vector<PlacedRun>& runs, ParameterRange range,
                       const std::vector<ParameterRange>& rounded, Coding coding) {
  const auto append_up_to = [&](Index end, bool is_bfloat16) {
    if (end <= range.offset) return;
    const Index size = std::min(end - range.offset, range.size);
    if (size > 0) append(runs, {{.rank = 0, .vector = 0, .offset = range.offset}, size, is_bfloat16, coding});
    range = {range.offset + size, range.size - size};
  };
  for (const ParameterRange& part : rounded) {
    append_up_to(part.offset, false);
    append_up_to(part.offset + part.size, true);
  }
  append_up_to(range.offset + range.size, false);
}

/// The message with `peer`.
PlannedMessage& with(std::vector<PlannedMessage>& messages, int peer) {
  const auto found = std::ranges::find(messages, peer, &PlannedMessage::peer);
  return found == messages.end() ? messages.emplace_back(PlannedMessage{.peer = peer, .runs = {}}) : *found;
}

/// Messages leave for the next node first, for the one after it then, so that not all have the same receiver
/// first.
void order(std::vector<PlannedMessage>& outgoing, const Nodes& nodes, int me) {
  std::ranges::stable_sort(outgoing, {}, [&](const PlannedMessage& message) {
    return (nodes.node_of(message.peer) - me + nodes.count()) % nodes.count();
  });
}

/// The shares of a bucket that `rank` handles.
std::vector<Share> handled_by(const Nodes& nodes, const std::vector<Share>& bucket, int rank) {
  std::vector<Share> handled;
  std::ranges::copy_if(bucket, std::back_inserter(handled), [&](const Share& share) {
    return nodes.handler(share.owner, nodes.node_of(rank)) == rank;
  });
  return handled;
}

/// A share as this rank handles it.
struct Handled {
  Share share;
  const Script* script;
  std::vector<Place> slots;
};

void add_messages(ExchangePlan& plan, ExchangeRound& round, std::vector<Handled>& shares, std::size_t number,
                  const Nodes& nodes, Coding coding) {
  // Of each peer: what comes from it of which shares.
  std::vector<std::pair<int, std::vector<std::pair<Handled*, Move>>>> arrivals;
  for (Handled& handled : shares) {
    if (handled.script->rounds.size() <= number) continue;
    const Script::Round& moves = handled.script->rounds[number];
    for (const Move& move : moves.outgoing) {
      append(with(round.outgoing, nodes.handler(handled.share.owner, move.node)).runs,
             {handled.slots[static_cast<std::size_t>(move.slot)], handled.share.range.size, move.is_rounded,
              coding});
    }
    for (const Move& move : moves.incoming) {
      const int peer = nodes.handler(handled.share.owner, move.node);
      const auto found = std::ranges::find(arrivals, peer, [](const auto& arrival) { return arrival.first; });
      auto& moved = found == arrivals.end() ? arrivals.emplace_back(peer, 0) : *found;
      moved.second.emplace_back(&handled, move);
    }
  }
  for (const auto& [peer, moved] : arrivals) {
    PlannedMessage& message = round.incoming.emplace_back(PlannedMessage{.peer = peer, .runs = {}});
    for (const auto& [handled, move] : moved) {
      const Place place{.offset = plan.received};
      handled->slots[static_cast<std::size_t>(move.slot)] = place;
      append(message.runs, {place, handled->share.range.size, move.is_rounded, coding});
      plan.received += handled->share.range.size;
    }
  }
}

PlacedSum sum_of(const Handled& handled, std::size_t number) {
  PlacedSum sum{.size = handled.share.range.size, .additions = {}};
  if (handled.script->rounds.size() <= number) return sum;
  for (const SlotAddition& addition : handled.script->rounds[number].additions) {
    sum.additions.push_back({handled.slots[static_cast<std::size_t>(addition.sum)],
                             handled.slots[static_cast<std::size_t>(addition.term)], addition.is_rounded});
  }
  return sum;
}

}  // namespace

Route choose_route(Index bytes, int nodes) {
  // What a message costs beside its bytes, as bytes: which are copied where the tree's halves are alike, and
  // else also sent once more.
  constexpr Index kBytesAMessage = Index{256} << 10U;
  constexpr Index kBytesAMessageOfHalves = Index{8} << 20U;
  const auto count = static_cast<unsigned>(nodes);
  const int messages_of_tree = std::bit_width(count - 1);
  const Index worth = std::has_single_bit(count) ? kBytesAMessageOfHalves : kBytesAMessage;
  return bytes < (nodes - 1 - messages_of_tree) * worth ? Route::kTree : Route::kDirect;
}

ExchangePlan plan_sums(const BatchPlan& batch, const Nodes& nodes, const std::vector<Share>& bucket,
                       Route route, int rank, int rounded_levels, Coding coding) {
  LOCKSTEP_CHECK(coding != Coding::kChanges);
  const std::vector<Vertex> tree = tree_of(batch, nodes, rounded_levels);
  const int me = nodes.node_of(rank);
  std::map<int, Script> scripts;  // of each target
  std::vector<Handled> shares;
  std::size_t rounds = 0;
  for (const Share& share : handled_by(nodes, bucket, rank)) {
    const int target = nodes.node_of(share.owner);
    if (!scripts.contains(target)) scripts.emplace(target, script_of(tree, nodes, target, me, route));
    const Script& script = scripts.at(target);
    Handled& handled = shares.emplace_back(Handled{share, &script, {}});
    for (const Place& held : script.held) handled.slots.push_back(held + share.range.offset);
    handled.slots.resize(static_cast<std::size_t>(script.slots));
    rounds = std::max(rounds, script.rounds.size());
  }

  ExchangePlan plan;
  for (std::size_t number = 0; number < rounds; ++number) {
    ExchangeRound& round = plan.rounds.emplace_back();
    for (const Handled& handled : shares) {
      PlacedSum sum = sum_of(handled, number);
      // An owner's last additions are left to whoever goes over the total anyway.
      const bool is_last = handled.script->total >= 0 && number + 1 == handled.script->rounds.size();
      if (is_last) {
        const Place& total = handled.slots[static_cast<std::size_t>(handled.script->total)];
        LOCKSTEP_CHECK(sum.additions.empty() || sum.additions.back().sum == total);
        plan.totals.push_back({total, std::move(sum)});
      } else if (!sum.additions.empty()) {
        round.sums.push_back(std::move(sum));
      }
    }
    add_messages(plan, round, shares, number, nodes, coding);
    order(round.outgoing, nodes, me);
  }
  while (!plan.rounds.empty() && plan.rounds.back().sums.empty() && plan.rounds.back().outgoing.empty() &&
         plan.rounds.back().incoming.empty()) {
    plan.rounds.pop_back();
  }
  return plan;
}

ExchangePlan plan_copies(const Nodes& nodes, const std::vector<Share>& bucket, Route route, int rank,
                         const std::vector<ParameterRange>& rounded, Coding coding) {
  // Copies go the ways of sums over one value of each node, backwards.
  const Nodes single(std::vector<int>(static_cast<std::size_t>(nodes.count()), 1));
  const BatchPlan one_each(nodes.count(), nodes.count(), nodes.count());
  const std::vector<Vertex> tree = tree_of(one_each, single, 0);
  const int me = nodes.node_of(rank);
  const std::vector<Share> shares = handled_by(nodes, bucket, rank);
  std::vector<Script> scripts;
  std::size_t rounds = 0;
  for (const Share& share : shares) {
    scripts.push_back(script_of(tree, single, nodes.node_of(share.owner), me, route));
    rounds = std::max(rounds, scripts.back().rounds.size());
  }
  ExchangePlan plan;
  for (std::size_t number = rounds; number-- > 0;) {
    ExchangeRound& round = plan.rounds.emplace_back();
    for (std::size_t i = 0; i < shares.size(); ++i) {
      if (scripts[i].rounds.size() <= number) continue;
      const auto add_to = [&](std::vector<PlannedMessage>& messages, const Move& move) {
        append_parameters(with(messages, nodes.handler(shares[i].owner, move.node)).runs, shares[i].range,
                          rounded, coding);
      };
      for (const Move& move : scripts[i].rounds[number].incoming) add_to(round.outgoing, move);
      for (const Move& move : scripts[i].rounds[number].outgoing) add_to(round.incoming, move);
    }
    order(round.outgoing, nodes, me);
  }
  if (coding != Coding::kChanges) return plan;
  for (std::size_t i = 0; i < shares.size(); ++i) {
    const auto sends = [](const Script::Round& round) { return !round.incoming.empty(); };
    if (std::ranges::any_of(scripts[i].rounds, sends)) plan.sent.push_back(shares[i].range);
  }
  return plan;
}

}  // namespace lockstep
