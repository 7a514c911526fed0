#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <netinet/in.h>
#include <optional>
#include <string>
#include <vector>

#include "lockstep/comm/communicator.hpp"
#include "lockstep/comm/standstill.hpp"

namespace lockstep {

/// Tells a host that is lost from one that is busy: one process of each host sends the others a sign of life
/// now and then, a datagram of 16 bytes over UDP and IPv4. Where such datagrams do not pass, no host is ever
/// taken for silent. All processes of a host speak in the name of its first, so that any of them can be the
/// one that sends. Calls may come from several threads.
class HostPulses {
 public:
  /// Between the hosts of `world`, of which `node` is this one. Collective over `world`.
  HostPulses(Communicator& world, Communicator& node);
  ~HostPulses();
  HostPulses(const HostPulses&) = delete;
  HostPulses& operator=(const HostPulses&) = delete;

  /// Receives and sends, `seconds` after the last time, on the process that sends for its host. Local; never
  /// waits.
  void beat(double seconds);

  /// Those of the other hosts that this process has heard, and that have not told of their end. Local.
  std::vector<WatchedHost> others() const;

  /// The first host whose sending process has died, once, if it is for this host to say so: the nearest to
  /// rank 0 of all that are heard, where nobody has told of the program's end. One that was heard until this
  /// process was asked to end, `asked` seconds ago (0: it was not), has been ended likewise. Local.
  std::optional<WatchedHost> first_death(double asked);

  /// Tells all processes of the other hosts that the program ends, and that it is known why. Local; never
  /// waits.
  void tell_end();
  /// Whether another host has told that, or a death has shown it. Receives first. Local; never waits.
  bool end_is_told();

  /// Whether there are other hosts to hear from. Local.
  bool has_others() const { return !peers_.empty(); }

 private:
  struct Peer {
    int rank;    // its first in the program
    int number;  // that the launcher gave it
    std::string host;
    std::vector<sockaddr_in> addresses;  // when it is heard, the one that it was heard from
    std::vector<sockaddr_in> processes;  // of all its processes
    bool was_heard = false;
    bool has_ended = false;
    double silent = 0;  // seconds
    int refused = 0;    // pulses in a row: nobody receives them there
  };
  struct Pulse {
    std::uint64_t program;
    std::int32_t rank;
    std::int32_t ends;  // 1: the program
  };

  bool is_silent(const Peer& peer, double seconds) const;
  WatchedHost watched(const Peer& peer) const;
  void receive();
  void receive_refusals();
  void send(const std::vector<sockaddr_in>& addresses, bool ends) const;

  int socket_ = -1;
  int number_ = 0;  // of this host's first rank
  Pulse own_{};
  mutable std::mutex mutex_;  // for all that follows
  std::vector<Peer> peers_;
  std::size_t next_ = 0;  // peer to send to
  bool ends_ = false;     // the program, as another host has told, or a death has shown
};

}  // namespace lockstep
