#include "lockstep/comm/standstill.hpp"

#include <algorithm>
#include <iterator>

#include <fmt/ranges.h>

namespace lockstep {

namespace {

/// Those that stopped about as long ago, by this share of the longest time, stopped together.
constexpr double kTogether = 0.5;

double waited_in_step(const WatchedRank& rank) { return rank.in_step ? rank.waited : 0; }

/// What `rank` has not done.
std::string missing(const WatchedRank& rank) {
  if (!rank.in_step) {
    return rank.steps == 0 ? "stands still" : fmt::format("stands still after step {}", rank.steps);
  }
  return fmt::format("has not finished the exchange of step {}", rank.steps + 1);
}

std::string of_still_ranks(const std::vector<WatchedRank>& ranks, double longest, const std::string& host) {
  std::string text;
  for (const WatchedRank& rank : ranks) {
    if (rank.still < kTogether * longest) continue;
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", name_of(rank, host), missing(rank));
  }
  return fmt::format("{}: nothing done for {:.3g} s; stopped, or waiting for a disk?", text, longest);
}

/// Where a rank waits, for the end of sentences.
std::string where(const WatchedRank& rank) {
  return rank.in_step ? fmt::format(" in the exchange of step {}", rank.steps + 1) : "";
}

/// Those of `hosts` that went silent with the first of them.
std::vector<WatchedHost> lost_hosts(const std::vector<WatchedHost>& hosts) {
  std::vector<WatchedHost> lost;
  if (hosts.empty()) return lost;
  const double longest = std::ranges::max(hosts, {}, &WatchedHost::silent).silent;
  std::ranges::copy_if(hosts, std::back_inserter(lost), [&](const WatchedHost& host) {
    return host.silent > 0 && host.silent >= kTogether * longest;
  });
  return lost;
}

/// Whether a host that is not lost is nearer to rank 0 than that of `ranks`.
bool another_speaks(const std::vector<WatchedHost>& lost, const std::vector<WatchedHost>& others,
                    const std::vector<WatchedRank>& ranks) {
  const int rank = std::ranges::min(ranks, {}, &WatchedRank::rank).rank;
  return std::ranges::any_of(others, [&](const WatchedHost& host) {
    return host.rank < rank && std::ranges::find(lost, host.rank, &WatchedHost::rank) == lost.end();
  });
}

std::string of_lost_hosts(const std::vector<WatchedHost>& lost, std::size_t others,
                          const WatchedRank& longest, const std::string& host) {
  std::string which = fmt::format("any other host (is the network of {} down?)", host);
  if (lost.size() == 1 || lost.size() < others) {
    which = lost.front().name;
    for (std::size_t i = 1; i < lost.size(); ++i) which += ", " + lost[i].name;
  }
  return fmt::format("no sign of life from {} for {:.3g} s; {} waits{}", which,
                     std::ranges::max(lost, {}, &WatchedHost::silent).silent, name_of(longest, host),
                     where(longest));
}

std::string of_waiting_ranks(const std::vector<WatchedRank>& ranks, const WatchedRank& longest,
                             int world_size, const std::string& host) {
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
  return fmt::format("{} waits for {:.3g} s{}: {}", name_of(longest, host), longest.waited, where(longest),
                     cause);
}

}  // namespace

std::optional<Standstill> find_standstill(const std::vector<WatchedRank>& ranks, int world_size,
                                          const std::string& host, const std::vector<WatchedHost>& others) {
  if (ranks.empty()) return std::nullopt;
  const double still = std::ranges::max_element(ranks, {}, &WatchedRank::still)->still;

  const WatchedRank& longest = *std::ranges::max_element(ranks, {}, &WatchedRank::waited);
  const std::vector<WatchedHost> lost = lost_hosts(others);
  const double waited_for_lost =
      lost.empty() ? 0 : std::min(longest.waited, std::ranges::max(lost, {}, &WatchedHost::silent).silent);

  const bool others_work = std::ranges::any_of(ranks, &WatchedRank::works_outside_step);
  const WatchedRank& in_step = *std::ranges::max_element(ranks, {}, waited_in_step);
  const double waited = others_work ? 0 : waited_in_step(in_step);

  if (std::max({still, waited_for_lost, waited}) <= 0) return std::nullopt;
  if (waited_for_lost > still && waited_for_lost >= kTogether * waited) {
    return Standstill{waited_for_lost, of_lost_hosts(lost, others.size(), longest, host),
                      another_speaks(lost, others, ranks) ? SpeakingTurn::kSecond : SpeakingTurn::kFirst};
  }
  if (still >= kTogether * waited) return Standstill{still, of_still_ranks(ranks, still, host)};
  const bool all_wait = std::ranges::all_of(ranks, &WatchedRank::waits);
  return Standstill{waited, of_waiting_ranks(ranks, in_step, world_size, host),
                    all_wait && !others.empty() ? SpeakingTurn::kLast : SpeakingTurn::kFirst};
}

std::string name_of(const WatchedRank& rank, const std::string& host) {
  return fmt::format("rank {} (process {} on {})", rank.rank, rank.process, host);
}

}  // namespace lockstep
