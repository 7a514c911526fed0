#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "lockstep/comm/communicator.hpp"
#include "lockstep/comm/node_memory.hpp"
#include "lockstep/comm/standstill.hpp"

namespace lockstep {

class Activity;
class HostPulses;

/// Seconds by which a standstill has ended the program, where nobody sets them.
inline constexpr double kDefaultTimeout = 600;

/// Seconds by which a standstill has ended the program on all hosts; 0: never. Local.
void set_watch_timeout(double seconds);

/// What the message of a watchdog that ends the program advises: how to go on. Local.
void set_watch_advice(const std::string& advice);

/// This process ends the program, and has said why: no watchdog need say that it is gone. Local.
void end_on_purpose();

/// Ends a program whose ranks would wait for ever, and says, once, for whom: a thread of each rank looks
/// after the ranks of its node, in memory that they share, and after the other hosts, which send each other
/// signs of life. It costs the ranks two counts for every wait.
///
/// A rank that dies: each rank holds a lock that the system passes on at its death, before the launcher
/// learns of that and stops to listen; the rank before it on the node waits for the lock. Where all ranks of
/// a host die, another host reports it. The launcher ends the others; if it does not,
/// they end by themselves, with exit code 1.
///
/// A standstill (see find_standstill) of half the timeout is a warning. One that lasts ends the program with
/// exit code 5, early enough that all ranks have ended by the timeout. Time in which the watchdog itself was
/// stopped does not count.
class Watchdog {
 public:
  /// Looks after the ranks of `world`, from here on. The calling thread is the rank's main thread.
  /// Collective.
  explicit Watchdog(Communicator& world);
  /// This rank leaves, in peace. On the thread that made it.
  ~Watchdog();
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

 private:
  struct Place;

  /// What became of a rank that was waited for.
  enum class Fate { kLives, kDied, kLeft };

  /// How another rank's signs of life look from here.
  struct Seen {
    std::uint64_t beats = 0;
    double silent = 0;  ///< seconds since they grew
  };

  Place& place(std::size_t index) const;
  void leave();
  std::size_t following(std::size_t index) const;
  void watch();
  Fate wait_for(std::size_t index) const;
  void look(double seconds, Activity& activity);
  void judge();
  void announce_death(std::size_t index);
  void announce_death_on(const WatchedHost& host);
  bool claim_death();
  WatchedRank watched(std::size_t index) const;
  bool others_work() const;
  bool speaks() const;
  bool somebody_left() const;
  bool claim_end(int code);

  int world_size_;
  std::size_t ranks_ = 1;  // of this node
  std::size_t me_ = 0;     // among them
  std::string host_;
  std::optional<NodeMemory> memory_;
  std::vector<Seen> seen_;
  std::unique_ptr<HostPulses> pulses_;
  double ending_ = 0;  // seconds since somebody has ended the program
  double asked_ = 0;   // seconds since this process was asked to end
  bool warned_ = false;
  std::atomic<bool> leaves_ = false;
  std::thread thread_;
};

}  // namespace lockstep
