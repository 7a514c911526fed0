// What a function in a child process gives arrives, whatever becomes of the child.

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fcntl.h>
#include <fstream>
#include <numeric>
#include <stdexcept>
#include <string>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include <gtest/gtest.h>

#include "core/child_reader.hpp"
#include "lockstep/core/error.hpp"
#include "temporary_folder.hpp"

namespace lockstep {
namespace {

constexpr double kNoLimit = 1e6;

[[noreturn]] void loop() {
  for (volatile int i = 0;;) i = i + 1;
}

[[noreturn]] void wait_for_ever() {
  while (true) pause();
}

/// What becomes of reading one number from a child that runs `work`: an error's words, or the number.
std::string outcome(const ChildReader::Work& work, double seconds = kNoLimit) {
  ChildReader child(work, seconds);
  try {
    return std::to_string(child.read_value<int>());
  } catch (const LostChild& lost) {
    return std::string("lost: ") + lost.what();
  } catch (const Error& error) {
    return std::to_string(static_cast<int>(error.code())) + ": " + error.what();
  }
}

/// Whether this process has no child, not even one that has ended.
bool has_no_child() { return waitpid(-1, nullptr, WNOHANG) < 0 && errno == ECHILD; }

TEST(ChildReader, GivesWhatTheFunctionGives) {
  EXPECT_EQ(outcome([](ChildOutput& output) { output.write_value(7); }), "7");
  EXPECT_TRUE(has_no_child());
}

// Far more than a pipe holds, in other pieces than they are read in.
TEST(ChildReader, GivesMuch) {
  constexpr std::size_t kCount = 3'000'001;
  ChildReader child(
      [](ChildOutput& output) {
        std::vector<int> numbers(kCount);
        std::iota(numbers.begin(), numbers.end(), 0);
        output.write_value(numbers[0]);
        output.write(std::as_bytes(std::span(numbers).subspan(1)));
      },
      kNoLimit);
  std::vector<int> expected(1000);
  std::iota(expected.begin(), expected.end(), 0);
  for (std::size_t begin = 0; begin + 1 < kCount; begin += expected.size()) {
    std::vector<int> part(expected.size());
    child.read(std::as_writable_bytes(std::span(part)));
    ASSERT_EQ(part, expected);
    for (int& number : expected) number += static_cast<int>(expected.size());
  }
  EXPECT_EQ(child.read_value<int>(), static_cast<int>(kCount) - 1);
  EXPECT_THROW(child.read_value<char>(), LostChild);
}

TEST(ChildReader, PassesErrorsOn) {
  EXPECT_EQ(outcome([](ChildOutput&) { fail_input("a file: bad"); }), "2: a file: bad");
  EXPECT_EQ(outcome([](ChildOutput&) { fail_guard("not finite"); }), "3: not finite");
  EXPECT_EQ(outcome([](ChildOutput&) { throw std::runtime_error("odd"); }),
            "1: internal error: odd; please report it");
}

TEST(ChildReader, WhatCameBeforeAnErrorIsGiven) {
  ChildReader child(
      [](ChildOutput& output) {
        output.write_value(5);
        fail_input("later");
      },
      kNoLimit);
  EXPECT_EQ(child.read_value<int>(), 5);
  EXPECT_THROW(child.read_value<int>(), Error);
}

TEST(ChildReader, SaysHowItsChildWasLost) {
  EXPECT_EQ(outcome([](ChildOutput&) { raise(SIGSEGV); }), "lost: it ended by SIGSEGV");
  EXPECT_EQ(outcome([](ChildOutput&) { std::abort(); }), "lost: it ended by SIGABRT");
  EXPECT_EQ(outcome([](ChildOutput&) { std::_Exit(3); }), "lost: it ended with exit code 3");
  EXPECT_EQ(outcome([](ChildOutput&) { raise(SIGKILL); }),
            "lost: it ended by SIGKILL, as where memory runs out");
  EXPECT_EQ(outcome([](ChildOutput&) {}), "lost: it gave less than it should");
  EXPECT_EQ(outcome([](ChildOutput& output) { output.write_value('x'); }),
            "lost: it gave less than it should");
  EXPECT_EQ(outcome([](ChildOutput&) { std::_Exit(0); }), "lost: it gave less than it should");
  EXPECT_EQ(outcome([](ChildOutput& output) {
              output.write_value('x');
              raise(SIGBUS);
            }),
            "lost: it ended by SIGBUS");
  EXPECT_TRUE(has_no_child());
}

// The descriptor is the only one that a child has besides the standard ones.
TEST(ChildReader, BelievesNoNonsense) {
  const auto write_raw = [](const std::vector<std::uint64_t>& words) {
    if (write(STDERR_FILENO + 1, words.data(), words.size() * sizeof(std::uint64_t)) < 0) std::abort();
    std::_Exit(0);
  };
  constexpr std::uint64_t kHuge = ~std::uint64_t{0};
  EXPECT_EQ(outcome([&](ChildOutput&) { write_raw({0, kHuge, 0}); }), "lost: it gave nonsense");
  EXPECT_EQ(outcome([&](ChildOutput&) { write_raw({0, 0}); }), "lost: it gave nonsense");
  EXPECT_EQ(outcome([&](ChildOutput&) { write_raw({77, 1}); }), "lost: it gave nonsense");
  EXPECT_EQ(outcome([&](ChildOutput&) {
              write_raw({std::uint64_t{2} << 32U | 1U, kHuge});
            }),
            "lost: it gave nonsense");
}

TEST(ChildReader, EndsAChildThatComesToNoEnd) {
  EXPECT_EQ(outcome([](ChildOutput&) { loop(); }, 0.05), "lost: it took 0.05 s and came to no end");
  EXPECT_TRUE(has_no_child());
}

TEST(ChildReader, EachPieceHasItsOwnTime) {
  constexpr int kPieces = 4;
  ChildReader child(
      [](ChildOutput& output) {
        for (int piece = 0; piece < kPieces; ++piece) {
          const std::clock_t begin = std::clock();
          while (std::clock() - begin < CLOCKS_PER_SEC / 20) {
          }
          output.write_value(piece);
        }
      },
      0.15);
  for (int piece = 0; piece < kPieces; ++piece) EXPECT_EQ(child.read_value<int>(), piece);
}

TEST(ChildReader, EndsItsChildWithItself) {
  {
    const ChildReader child([](ChildOutput&) { loop(); }, kNoLimit);
  }
  {
    const ChildReader child([](ChildOutput&) { wait_for_ever(); }, kNoLimit);
  }
  {
    const ChildReader child([](ChildOutput& output) { output.write(std::vector<std::byte>(10'000'000)); },
                            kNoLimit);
  }
  EXPECT_TRUE(has_no_child());
}

TEST(ChildReader, SignalsToTheTerminalAreForTheParent) {
  ChildReader child(
      [](ChildOutput& output) {
        output.write_value(getpid());
        for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGUSR1}) raise(signal);
        output.write_value(1);
      },
      kNoLimit);
  const auto id = child.read_value<pid_t>();
  EXPECT_NE(id, getpid());
  EXPECT_EQ(child.read_value<int>(), 1);
}

TEST(ChildReader, HandlersAreTheParents) {
  const auto before = std::signal(SIGSEGV, [](int) { std::_Exit(77); });
  EXPECT_EQ(outcome([](ChildOutput&) { raise(SIGSEGV); }), "lost: it ended by SIGSEGV");
  std::signal(SIGSEGV, before);
}

TEST(ChildReader, TheParentsFilesAreNotTheChilds) {
  constexpr int kNotTheOneThatAChildKeeps = 10;
  const int own = fcntl(STDIN_FILENO, F_DUPFD, kNotTheOneThatAChildKeeps);
  EXPECT_EQ(outcome([own](ChildOutput& output) { output.write_value(fcntl(own, F_GETFD)); }), "-1");
  EXPECT_EQ(fcntl(own, F_GETFD), 0);
  close(own);
}

TEST(ChildReader, WhatStreamsHoldBackIsWrittenOnce) {
  const test::TemporaryFolder folder;
  const std::string path = (folder.path() / "text").string();
  std::FILE* const stream = std::fopen(path.c_str(), "w");
  std::fputs("once", stream);
  EXPECT_EQ(outcome([](ChildOutput& output) { output.write_value(1); }), "1");
  EXPECT_EQ(outcome([](ChildOutput&) { fail_input("bad"); }), "2: bad");
  std::fclose(stream);
  EXPECT_EQ(std::filesystem::file_size(path), 4);
}

// This process inherits the orphan, and so learns how that ends.
/// Or only waits for whoever has become its parent.
bool is_dead(pid_t process) {
  std::ifstream file("/proc/" + std::to_string(process) + "/stat");
  std::string text;
  return !std::getline(file, text) || text.at(text.rfind(')') + 2) == 'Z';
}

TEST(ChildReader, ADeadParentTakesItsChildWithIt) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const pid_t parent = fork();
  if (parent == 0) {
    ChildReader child(
        [](ChildOutput& output) {
          output.write_value(getpid());
          loop();
        },
        kNoLimit);
    const auto id = child.read_value<pid_t>();
    if (write(ends[1], &id, sizeof id) != sizeof id) std::_Exit(1);
    raise(SIGKILL);
  }
  pid_t orphan = -1;
  ASSERT_EQ(read(ends[0], &orphan, sizeof orphan), static_cast<ssize_t>(sizeof orphan));
  int status = 0;
  ASSERT_EQ(waitpid(parent, &status, 0), parent);
  for (int i = 0; i < 1000 && !is_dead(orphan); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_TRUE(is_dead(orphan));
  close(ends[0]);
  close(ends[1]);
}

}  // namespace
}  // namespace lockstep
