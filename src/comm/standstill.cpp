#include "lockstep/comm/standstill.hpp"

#include <algorithm>

#include <fmt/ranges.h>

namespace lockstep {

namespace {

/// Watchdogs of other nodes that see the cause are to speak first.
constexpr double kAnotherNodesTurn = 5;

/// What `rank` has not done.
std::string missing(const WatchedRank& rank) {
  if (!rank.in_step) {
    return rank.steps == 0 ? "stands still" : fmt::format("stands still after step {}", rank.steps);
  }
  return fmt::format("has not finished the exchange of step {}", rank.steps + 1);
}

Standstill of_still_ranks(const std::vector<WatchedRank>& ranks, double longest, const std::string& host) {
  // Those that stopped about as long ago stopped together.
  constexpr double kTogether = 0.5;
  std::string text;
  for (const WatchedRank& rank : ranks) {
    if (rank.still < kTogether * longest) continue;
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", name_of(rank, host), missing(rank));
  }
  return {longest,
          fmt::format("{}: nothing done for {:.3g} s; stopped, or waiting for a disk?", text, longest)};
}

Standstill of_waiting_ranks(const std::vector<WatchedRank>& ranks, const WatchedRank& longest, int world_size,
                            const std::string& host) {
  std::vector<std::string> busy;
  for (const WatchedRank& rank : ranks) {
    if (!rank.waits) busy.push_back(name_of(rank, host));
  }
  std::string cause = "all ranks wait for each other";
  if (!busy.empty()) {
    cause = fmt::format("{} still computes", fmt::join(busy, ", "));
  } else if (static_cast<int>(ranks.size()) < world_size) {
    cause = "a rank of another node has not reached it";
  }
  return {longest.waited - kAnotherNodesTurn,
          fmt::format("{} waits for {:.3g} s in the exchange of step {}: {}", name_of(longest, host),
                      longest.waited, longest.steps + 1, cause)};
}

}  // namespace

std::optional<Standstill> find_standstill(const std::vector<WatchedRank>& ranks, int world_size,
                                          const std::string& host) {
  if (ranks.empty()) return std::nullopt;
  const auto stillest = std::max_element(ranks.begin(), ranks.end(),
                                         [](const auto& a, const auto& b) { return a.still < b.still; });
  const auto longest = std::max_element(ranks.begin(), ranks.end(),
                                        [](const auto& a, const auto& b) { return a.waited < b.waited; });
  const bool others_work =
      std::any_of(ranks.begin(), ranks.end(), [](const auto& r) { return r.works_outside_step(); });
  const double waited = others_work ? 0 : longest->waited - kAnotherNodesTurn;
  if (stillest->still <= 0 && waited <= 0) return std::nullopt;
  if (stillest->still >= waited) return of_still_ranks(ranks, stillest->still, host);
  return of_waiting_ranks(ranks, *longest, world_size, host);
}

std::string name_of(const WatchedRank& rank, const std::string& host) {
  return fmt::format("rank {} (process {} on {})", rank.rank, rank.process, host);
}

}  // namespace lockstep
