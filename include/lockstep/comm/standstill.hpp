#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace lockstep {

/// A rank as the watchdogs of its node see it.
struct WatchedRank {
  int rank = 0;
  int process = 0;
  double still = 0;      ///< seconds in which it did nothing, though no other rank kept it waiting
  double waited = 0;     ///< seconds of one wait for other ranks
  bool waits = false;    ///< for other ranks
  bool in_step = false;  ///< the one after
  std::uint64_t steps = 0;

  /// Reads data, evaluates, writes: what the others may have to wait for.
  bool works_outside_step() const { return !waits && !in_step; }
};

/// Another host of the program.
struct WatchedHost {
  std::string name;
  int rank = 0;       ///< its first
  double silent = 0;  ///< seconds in which it gave no sign of life; 0: as long as is usual
};

/// Which of the hosts that see a standstill are to say so first.
enum class SpeakingTurn {
  kFirst,   ///< the one nearest to rank 0 that knows the cause
  kSecond,  ///< others that know it
  kLast,    ///< those that only wait
};

/// Ranks that the others wait for in vain.
struct Standstill {
  double seconds = 0;
  std::string text;  ///< who, where, for how long
  SpeakingTurn turn = SpeakingTurn::kFirst;
};

/// The longest standstill among `ranks`, which are all of node `host` that have not ended, of `world_size`
/// ranks. Ranks that do nothing are named wherever they are in the program, and so are those of the `others`
/// that have gone silent while a rank waits, which is for the host nearest to rank 0 to say; ranks that
/// compute, or that are on hosts which still give signs of life, only where a training step waits for them,
/// and after what else has lasted half as long.
/// Nothing where all is well. A pure function.
std::optional<Standstill> find_standstill(const std::vector<WatchedRank>& ranks, int world_size,
                                          const std::string& host,
                                          const std::vector<WatchedHost>& others = {});

/// "rank 2 (process 4711 on HOST)".
std::string name_of(const WatchedRank& rank, const std::string& host);

}  // namespace lockstep
