#pragma once

#include <cstddef>
#include <cstdint>
#include <netinet/in.h>
#include <optional>
#include <string>
#include <vector>

#include "lockstep/comm/communicator.hpp"
#include "lockstep/comm/standstill.hpp"

namespace lockstep {

/// Tells a host that is lost from one that is busy: a process of each host, its sender, sends the others a
/// sign of life now and then, a datagram of 16 bytes over UDP and IPv4. Where such datagrams do not pass, no
/// host is ever taken for silent.
class HostPulses {
 public:
  /// Between the hosts of `world`; `is_sender` is one process of each. Collective.
  HostPulses(Communicator& world, bool is_sender);
  ~HostPulses();
  HostPulses(const HostPulses&) = delete;
  HostPulses& operator=(const HostPulses&) = delete;

  /// Sends and receives, `seconds` after the last time, on a sender. Local; never waits.
  void beat(double seconds);

  /// Those of the other hosts that a sender has ever heard. Local.
  std::vector<WatchedHost> others() const;

  /// The first host whose sender has died, once, if it is for this process to say so: a sender that is nearer
  /// to rank 0 than all others which live, and that nobody has told of the program's end. Local.
  std::optional<WatchedHost> first_death();

  /// Tells all senders that the program ends, and that whoever ends it says why. Local; never waits.
  void tell_end();
  /// The same of a sender that ends together with all others.
  void leave() {
    if (is_sender_) tell_end();
  }

 private:
  struct Peer {
    int rank;    // of the sender
    int number;  // that the launcher gave it
    std::string host;
    std::vector<sockaddr_in> addresses;  // of which one is left when it is heard
    bool was_heard = false;
    double silent = 0;  // seconds
    int refused = 0;    // pulses in a row: nobody receives them there
  };
  struct Pulse {
    std::uint64_t program;
    std::int32_t rank;
    std::int32_t ends;  // 1: the program
  };

  WatchedHost watched(const Peer& peer) const;
  void receive();
  void receive_refusals();
  void send(const Peer& peer, bool ends) const;

  bool is_sender_;
  int socket_ = -1;
  int number_ = 0;
  Pulse own_{};
  std::vector<Peer> peers_;
  std::size_t next_ = 0;  // peer to send to
  bool ends_ = false;     // the program, as somebody has told, or as a death has shown
};

}  // namespace lockstep
