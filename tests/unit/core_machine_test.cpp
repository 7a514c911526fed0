#include <csignal>
#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "core/machine.hpp"

namespace lockstep {
namespace {

/// A child that is dead, and that nobody has waited for.
pid_t dead_child(void (*end)()) {
  const pid_t child = fork();
  if (child == 0) {
    end();
    _exit(1);
  }
  siginfo_t information{};
  EXPECT_EQ(waitid(P_PID, static_cast<id_t>(child), &information, WEXITED | WNOWAIT), 0);
  return child;
}

TEST(EndsByItself, TellsExitsFromSignals) {
  const pid_t leaves = dead_child([] { _exit(3); });
  EXPECT_TRUE(ends_by_itself(leaves));
  const pid_t killed = dead_child([] { raise(SIGKILL); });
  EXPECT_FALSE(ends_by_itself(killed));
  for (const pid_t child : {leaves, killed}) {
    EXPECT_EQ(waitpid(child, nullptr, 0), child);
    EXPECT_FALSE(ends_by_itself(child)) << "nobody knows any more";
  }
}

}  // namespace
}  // namespace lockstep
