#include "study/scaling/hosts.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <ctime>
#include <fstream>
#include <map>
#include <numeric>
#include <string>
#include <thread>

#include <fmt/format.h>

#include "core/statistics.hpp"
#include "lockstep/core/error.hpp"
#include "lockstep/core/stopwatch.hpp"
#include "lockstep/parallel/agreement.hpp"

namespace lockstep {

namespace {

/// The same in all namespaces of a system, and nowhere else; empty where it can't be read.
std::string id_of_system() {
  std::ifstream file("/proc/sys/kernel/random/boot_id");
  std::string id;
  std::getline(file, id);
  return id;
}

}  // namespace

Index Hosts::ranks() const { return std::accumulate(sizes.begin(), sizes.end(), Index{0}); }

Index Hosts::largest() const { return *std::ranges::max_element(sizes); }

Nodes Hosts::first(Index ranks) const {
  std::vector<int> used;
  for (auto left = static_cast<int>(ranks); left > 0; left -= used.back())
    used.push_back(std::min(left, sizes.at(used.size())));
  return Nodes(used);
}

double Hosts::crowd(Index ranks, Index threads) const {
  const Nodes nodes = first(ranks);
  std::map<int, Index> on_machine;
  Index most = 0;
  for (int node = 0; node < nodes.count(); ++node) {
    Index& here = on_machine[machines[static_cast<std::size_t>(node)]];
    here += nodes.ranks_of(node).size();
    most = std::max(most, here);
  }
  return std::max(1.0, static_cast<double>(most * threads) / cores);
}

Hosts find_hosts(Communicator& world) {
  const int first = all_gather(*world.split_by_node(), world.rank()).front();
  const std::vector<int> firsts = all_gather(world, first);
  const std::string id = id_of_system();
  const std::vector<std::string> systems = all_gather_text(world, id.empty() ? fmt::format("{}", first) : id);
  const auto cores = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  const std::vector<int> all_cores = all_gather(world, cores);

  Hosts hosts{.sizes = {}, .machines = {}, .cores = *std::ranges::min_element(all_cores)};
  std::map<std::string, int> numbers;
  for (std::size_t rank = 0; rank < firsts.size(); ++rank) {
    if (rank == 0 || firsts[rank] != firsts[rank - 1]) {
      hosts.sizes.push_back(0);
      hosts.machines.push_back(
          numbers.try_emplace(systems[rank], static_cast<int>(numbers.size())).first->second);
    }
    ++hosts.sizes.back();
  }
  return hosts;
}

MessageTime time_message(Communicator& world, const Hosts& hosts, std::size_t bytes) {
  LOCKSTEP_CHECK(hosts.count() > 1);
  const bool takes_part = world.rank() == 0 || world.rank() == hosts.sizes.front();
  const std::unique_ptr<Communicator> group = world.split(takes_part ? 0 : 1);
  std::vector<double> seconds;
  std::vector<double> work;
  in_groups(world, *group, [&] {
    if (!takes_part) return;
    const std::vector<std::byte> sent(bytes);
    std::vector<std::byte> received(bytes);
    const int other = 1 - group->rank();
    const std::array outgoing{OutgoingMessage{other, sent}};
    const std::array incoming{IncomingMessage{other, received}};
    constexpr int kTimes = 5;
    group->exchange(outgoing, incoming);  // the first one also connects
    for (int i = 0; i < kTimes; ++i) {
      Stopwatch watch;
      group->exchange(outgoing, incoming);
      seconds.push_back(watch.lap());
    }
    for (int i = 0; i < kTimes; ++i) {
      const std::clock_t before = std::clock();
      group->begin_exchange(0, outgoing, incoming);
      while (!group->test_exchange(0)) std::this_thread::sleep_for(std::chrono::milliseconds(1));
      work.push_back(static_cast<double>(std::clock() - before) / CLOCKS_PER_SEC);
    }
  });
  if (world.rank() != 0) return {};
  return {.seconds = median(seconds), .work = median(work)};
}

}  // namespace lockstep
