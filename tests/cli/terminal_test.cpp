// What a person sees who looks at a terminal, and what comes of Ctrl-C there.

#include <array>
#include <cstdlib>
#include <poll.h>
#include <pty.h>
#include <regex>
#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "long_run.hpp"

namespace lockstep::test {
namespace {

namespace fs = std::filesystem;

constexpr const char* kClearLine = "\r\x1b[K";
constexpr unsigned short kColumns = 60;

/// A program at a terminal of kColumns columns. The destructor kills what is left.
class Session {
 public:
  Session(Words words, const fs::path& folder,
          const std::vector<std::pair<std::string, std::string>>& variables) {
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    winsize size{.ws_row = 24, .ws_col = kColumns, .ws_xpixel = 0, .ws_ypixel = 0};
    id_ = forkpty(&terminal_, nullptr, nullptr, &size);
    if (id_ != 0) return;
    unsetenv("NO_COLOR");
    for (const auto& [name, value] : variables) setenv(name.c_str(), value.c_str(), 1);
    if (chdir(folder.c_str()) == 0) execvp(arguments[0], arguments.data());
    std::_Exit(127);
  }
  ~Session() {
    if (id_ > 0) kill(id_, SIGKILL);
    if (id_ > 0) waitpid(id_, nullptr, 0);
    close(terminal_);
  }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  void type(char key) const { EXPECT_EQ(write(terminal_, &key, 1), 1); }

  /// Waits until `text` has been shown, or the end.
  bool shows(const std::string& text) {
    return wait_until(30, [&] { return !read_more() || shown_.find(text) != std::string::npos; }) &&
           shown_.find(text) != std::string::npos;
  }

  /// Waits for the end; the exit code.
  int wait() {
    EXPECT_TRUE(wait_until(30, [&] { return !read_more(); }));
    int status = 0;
    waitpid(std::exchange(id_, -1), &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

  const std::string& shown() const { return shown_; }

 private:
  bool read_more() {
    std::array<char, 4096> buffer{};
    pollfd polled{terminal_, POLLIN, 0};
    if (poll(&polled, 1, 0) == 0) return true;
    const ssize_t count = read(terminal_, buffer.data(), buffer.size());
    if (count > 0) shown_.append(buffer.data(), static_cast<std::size_t>(count));
    return count > 0;
  }

  pid_t id_ = -1;
  int terminal_ = -1;
  std::string shown_;
};

class TerminalTest : public testing::Test {
 protected:
  /// Of epochs of 3e11 operations, so that the line renews itself within one, and that goes on until somebody
  /// ends it.
  static Words training() {
    return {"train",
            "--run.dir",
            "run",
            "--data.source",
            "blobs",
            "--data.samples",
            "200000",
            "--data.test-samples",
            "100",
            "--data.validation",
            "0.01",
            "--model.layers",
            "linear 512, relu, linear 512, relu, linear 4",
            "--train.epochs",
            "1000000"};
  }

  TemporaryFolder folder_;
};

TEST_F(TerminalTest, ALineRenewsItselfAndFits) {
  for (const int ranks : {0, 2}) {
    Session session(command_line(ranks, training()), folder_.path(), {{"TERM", "xterm"}});
    const std::string begin = std::string(kClearLine) + "epoch ";
    EXPECT_TRUE(session.shows(begin));
    EXPECT_TRUE(session.shows("best so far\r\n"));
    session.type('\x03');
    session.wait();
    const std::size_t at = session.shown().find(begin) + std::string(kClearLine).size();
    const std::string line = session.shown().substr(at, session.shown().find_first_of("\r^", at) - at);
    EXPECT_NE(line.find("  loss "), std::string::npos) << line;
    EXPECT_LT(line.size(), kColumns) << line;
    EXPECT_NE(session.shown().find("\x1b[1mdata\x1b[0m     blobs"), std::string::npos) << session.shown();
    fs::remove_all(folder_.path() / "run");
  }
}

TEST_F(TerminalTest, CtrlCTellsTheWholeCommandThatGoesOnAndLeavesAPage) {
  Session session(command_line(0, training()), folder_.path(), {{"TERM", "xterm"}});
  EXPECT_TRUE(session.shows("best so far"));
  session.type('\x03');
  EXPECT_EQ(session.wait(), 4) << session.shown();
  const std::string command = one_line(command_line(0, {"train", "--resume", "run"}));
  EXPECT_NE(session.shown().find("Ctrl-C (SIGINT): stopped after step "), std::string::npos)
      << session.shown();
  EXPECT_NE(session.shown().find("; go on with: " + command + "\r\n"), std::string::npos) << session.shown();
  EXPECT_TRUE(fs::exists(folder_.path() / "run/report.html"));
}

TEST_F(TerminalTest, WithoutColoursNothingIsColoured) {
  Session session(command_line(0, training()), folder_.path(), {{"TERM", "xterm"}, {"NO_COLOR", "1"}});
  EXPECT_TRUE(session.shows(kClearLine));
  session.type('\x03');
  session.wait();
  EXPECT_FALSE(std::regex_search(session.shown(), std::regex("\x1b\\[[0-9;]*m"))) << session.shown();
}

TEST_F(TerminalTest, ADumbTerminalGetsPlainLines) {
  Session session(command_line(0, training()), folder_.path(), {{"TERM", "dumb"}});
  EXPECT_TRUE(session.shows("best so far"));
  session.type('\x03');
  session.wait();
  EXPECT_EQ(session.shown().find('\x1b'), std::string::npos) << session.shown();
  for (std::size_t at = 0; (at = session.shown().find('\r', at)) != std::string::npos; ++at) {
    EXPECT_EQ(session.shown().substr(at, 2), "\r\n");
  }
}

// mpirun gives what it starts a pseudo-terminal, and the shell inherits it.
TEST_F(TerminalTest, AShellUnderMpirunIsNoTerminal) {
  const Words shell = {LOCKSTEP_MPIEXEC, "-x", "TERM=xterm", LOCKSTEP_MPIEXEC_NUMPROC_FLAG, "2", "sh", "-c",
                       "\"$@\"; true",   "sh"};
  Process process(shell + command_line(0, small_training("run")), folder_.path());
  const Outcome outcome = process.wait(30);
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_NE(outcome.out.find("epoch 2"), std::string::npos) << outcome.out;
  EXPECT_EQ(outcome.out.find('\x1b'), std::string::npos) << outcome.out;
}

}  // namespace
}  // namespace lockstep::test
