#include "comm/host_pulses.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <ifaddrs.h>
#include <linux/errqueue.h>
#include <net/if.h>
#include <random>
#include <span>
#include <sys/socket.h>
#include <unistd.h>

namespace lockstep {

namespace {

/// Hosts that get a pulse at each beat: a few packets at a time, however many hosts there are.
constexpr std::size_t kPulsesAtOnce = 16;

constexpr double kSilent = 1;       // seconds: less is no silence but a busy machine
constexpr double kTwoPulses = 0.4;  // seconds without them are enough of a host that refuses ours

/// Where a process receives pulses; in the network's byte order.
struct PulseAddress {
  int rank;        // the first of its host
  bool is_firsts;  // and that one's own
  in_addr_t address;
  in_port_t port;
};

/// A socket on a free port of all addresses of this host that hears of refusals, or -1.
int open_socket() {
  const int descriptor = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (descriptor < 0) return -1;
  sockaddr_in any{};
  any.sin_family = AF_INET;
  const int yes = 1;
  if (setsockopt(descriptor, IPPROTO_IP, IP_RECVERR, &yes, sizeof yes) == 0 &&
      bind(descriptor, reinterpret_cast<sockaddr*>(&any), sizeof any) == 0) {
    return descriptor;
  }
  close(descriptor);
  return -1;
}

bool are_same(const sockaddr_in& a, const sockaddr_in& b) {
  return a.sin_addr.s_addr == b.sin_addr.s_addr && a.sin_port == b.sin_port;
}

/// Where others reach `descriptor`, by every address of this host but the loopback.
std::vector<PulseAddress> addresses_of(int descriptor, int rank, bool is_firsts) {
  std::vector<PulseAddress> found;
  sockaddr_in bound{};
  socklen_t size = sizeof bound;
  ifaddrs* list = nullptr;
  if (descriptor < 0 || getsockname(descriptor, reinterpret_cast<sockaddr*>(&bound), &size) != 0 ||
      getifaddrs(&list) != 0) {
    return found;
  }
  for (const ifaddrs* each = list; each != nullptr; each = each->ifa_next) {
    if (each->ifa_addr == nullptr || each->ifa_addr->sa_family != AF_INET) continue;
    if ((each->ifa_flags & IFF_UP) == 0 || (each->ifa_flags & IFF_LOOPBACK) != 0) continue;
    const auto* const address = reinterpret_cast<const sockaddr_in*>(each->ifa_addr);
    found.push_back(
        {.rank = rank, .is_firsts = is_firsts, .address = address->sin_addr.s_addr, .port = bound.sin_port});
  }
  freeifaddrs(list);
  return found;
}

}  // namespace

HostPulses::HostPulses(Communicator& world, Communicator& node) {
  if (world.name(0).host.empty()) return;  // all on one
  const int first = all_gather(node, world.rank()).front();
  const std::uint64_t mark = world.rank() == 0 ? std::random_device()() : 0;
  own_ = {.program = all_gather(world, mark).front(), .rank = first, .ends = 0};
  number_ = world.name(first).number;
  socket_ = open_socket();
  const std::vector<PulseAddress> mine = addresses_of(socket_, first, world.rank() == first);
  for (const PulseAddress& entry : all_gather_list(world, std::span<const PulseAddress>(mine))) {
    if (entry.rank == first) continue;
    if (peers_.empty() || peers_.back().rank != entry.rank) {
      const RankName name = world.name(entry.rank);
      peers_.push_back(
          {.rank = entry.rank, .number = name.number, .host = name.host, .addresses = {}, .processes = {}});
      // Not all hosts begin with the same.
      if (entry.rank < first) next_ = peers_.size();
    }
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = entry.address;
    address.sin_port = entry.port;
    peers_.back().processes.push_back(address);
    if (entry.is_firsts) peers_.back().addresses.push_back(address);
  }
  if (next_ == peers_.size()) next_ = 0;
}

HostPulses::~HostPulses() {
  if (socket_ >= 0) close(socket_);
}

void HostPulses::beat(double seconds) {
  if (socket_ < 0) return;
  const std::lock_guard lock(mutex_);
  for (Peer& peer : peers_) peer.silent += seconds;
  receive_refusals();  // first, as each is also an error of the socket
  receive();
  for (std::size_t i = 0; i < std::min(kPulsesAtOnce, peers_.size()); ++i) {
    send(peers_[next_].addresses, false);
    next_ = (next_ + 1) % peers_.size();
  }
}

void HostPulses::receive() {
  while (true) {
    Pulse pulse{};
    sockaddr_in from{};
    socklen_t length = sizeof from;
    const ssize_t size =
        recvfrom(socket_, &pulse, sizeof pulse, MSG_TRUNC, reinterpret_cast<sockaddr*>(&from), &length);
    if (size < 0) return;
    if (size != sizeof pulse || pulse.program != own_.program) continue;
    const auto peer = std::ranges::find(peers_, pulse.rank, &Peer::rank);
    if (peer == peers_.end()) continue;
    peer->was_heard = true;
    peer->silent = 0;
    peer->refused = 0;
    peer->addresses = {from};
    if (pulse.ends != 0) ends_ = peer->has_ended = true;
  }
}

void HostPulses::receive_refusals() {
  while (true) {
    sockaddr_in to{};
    alignas(cmsghdr) std::array<char, 512> control{};
    msghdr message{};
    message.msg_name = &to;
    message.msg_namelen = sizeof to;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    if (recvmsg(socket_, &message, MSG_ERRQUEUE) < 0) return;
    for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr; part = CMSG_NXTHDR(&message, part)) {
      if (part->cmsg_level != IPPROTO_IP || part->cmsg_type != IP_RECVERR) continue;
      sock_extended_err error{};
      std::memcpy(&error, CMSG_DATA(part), sizeof error);
      if (error.ee_errno != ECONNREFUSED) continue;
      for (Peer& peer : peers_) {
        if (peer.was_heard && are_same(peer.addresses.front(), to)) ++peer.refused;
      }
    }
  }
}

void HostPulses::send(const std::vector<sockaddr_in>& addresses, bool ends) const {
  Pulse pulse = own_;
  pulse.ends = ends ? 1 : 0;
  for (const sockaddr_in& address : addresses) {
    const auto* const to = reinterpret_cast<const sockaddr*>(&address);
    // An error of a pulse before is told once, in the place of sending.
    if (sendto(socket_, &pulse, sizeof pulse, 0, to, sizeof address) < 0) {
      sendto(socket_, &pulse, sizeof pulse, 0, to, sizeof address);
    }
  }
}

void HostPulses::tell_end() {
  if (socket_ < 0) return;
  const std::lock_guard lock(mutex_);
  for (const Peer& peer : peers_) send(peer.processes, true);
}

bool HostPulses::end_is_told() {
  if (socket_ < 0) return false;
  const std::lock_guard lock(mutex_);
  receive();
  return ends_;
}

bool HostPulses::is_silent(const Peer& peer, double seconds) const {
  // A round of pulses takes so many beats of a quarter of a second; some may be lost.
  const std::size_t beats = peers_.size() / kPulsesAtOnce;
  return peer.silent > seconds + static_cast<double>(beats);
}

WatchedHost HostPulses::watched(const Peer& peer) const {
  return {.name = peer.host, .rank = peer.number, .silent = is_silent(peer, kSilent) ? peer.silent : 0};
}

std::vector<WatchedHost> HostPulses::others() const {
  const std::lock_guard lock(mutex_);
  std::vector<WatchedHost> others;
  for (const Peer& peer : peers_) {
    if (peer.was_heard && !peer.has_ended) others.push_back(watched(peer));
  }
  return others;
}

std::optional<WatchedHost> HostPulses::first_death(double asked) {
  const std::lock_guard lock(mutex_);
  const auto dead = std::ranges::find_if(
      peers_, [&](const Peer& peer) { return peer.refused > 0 && is_silent(peer, asked + kTwoPulses); });
  if (ends_ || dead == peers_.end()) return std::nullopt;
  ends_ = true;  // those that die after it are ended by the launcher
  const bool another_speaks = std::ranges::any_of(peers_, [&](const Peer& peer) {
    return peer.was_heard && peer.number < number_ && peer.refused == 0 && !is_silent(peer, kSilent);
  });
  if (another_speaks) return std::nullopt;
  return watched(*dead);
}

}  // namespace lockstep
