#include <gtest/gtest.h>

#include "study/scaling/cluster.hpp"
#include "study/scaling/hosts.hpp"

namespace lockstep {
namespace {

TEST(Hosts, GiveTheirRanksInOrder) {
  const Hosts hosts{.sizes = {3, 1, 4}, .machines = {0, 1, 2}, .cores = 4};
  EXPECT_EQ(hosts.ranks(), 8);
  EXPECT_EQ(hosts.largest(), 4);
  EXPECT_EQ(hosts.first(2).count(), 1);
  EXPECT_EQ(hosts.first(3).count(), 1);
  EXPECT_EQ(hosts.first(4).count(), 2);
  const Nodes some = hosts.first(6);
  ASSERT_EQ(some.count(), 3);
  EXPECT_EQ(some.ranks_of(2), (Interval{4, 6}));
}

TEST(Hosts, ShareTheCoresOfTheirMachine) {
  const Hosts apart{.sizes = {2, 2, 2}, .machines = {0, 1, 2}, .cores = 2};
  EXPECT_EQ(apart.crowd(6, 1), 1);
  EXPECT_EQ(apart.crowd(6, 2), 2) << "two ranks of two threads on two cores";
  const Hosts together{.sizes = {2, 2, 2}, .machines = {0, 0, 1}, .cores = 2};
  EXPECT_EQ(together.crowd(1, 1), 1) << "a core that is free speeds nothing up";
  EXPECT_EQ(together.crowd(2, 1), 1);
  EXPECT_EQ(together.crowd(3, 1), 1.5);
  EXPECT_EQ(together.crowd(6, 1), 2) << "four of the ranks are on one machine";
}

TEST(Cluster, FillsNodeAfterNode) {
  Cluster cluster{.model = {}, .node_ranks = 64, .link = {}};
  EXPECT_EQ(cluster.nodes(65'536).count(), 1024);
  EXPECT_EQ(cluster.nodes(16).count(), 1);
  ASSERT_EQ(cluster.nodes(96).count(), 2);
  EXPECT_EQ(cluster.nodes(96).ranks_of(1).size(), 32);
  cluster.node_ranks = 0;
  EXPECT_EQ(cluster.nodes(128).count(), 1);
}

TEST(Clusters, HaveTheGivenLinksAndLatency) {
  const StepModel measured = {.step = 1, .link_message = 2, .link_byte = 3};
  const std::vector<Cluster> as_measured =
      clusters_of({.node_ranks = 8, .links = {}, .latency = {}}, measured);
  ASSERT_EQ(as_measured.size(), 1U);
  EXPECT_EQ(as_measured[0].model.link_message, 2);
  EXPECT_EQ(as_measured[0].model.link_byte, 3);
  EXPECT_EQ(as_measured[0].link, std::nullopt);
  const std::vector<Cluster> two =
      clusters_of({.node_ranks = 64, .links = {25, 200}, .latency = 1e-5}, measured);
  ASSERT_EQ(two.size(), 2U);
  EXPECT_DOUBLE_EQ(two[0].model.link_byte, 1 / 3.125e9) << "25 Gbit/s are 3.125 GB/s";
  EXPECT_DOUBLE_EQ(two[1].model.link_byte, 1 / 25e9);
  for (const Cluster& cluster : two) {
    EXPECT_EQ(cluster.node_ranks, 64);
    EXPECT_EQ(cluster.model.link_message, 1e-5);
    EXPECT_EQ(cluster.model.step, 1);
  }
}

}  // namespace
}  // namespace lockstep
