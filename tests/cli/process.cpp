#include "process.hpp"

#include <array>
#include <cctype>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <fstream>
#include <iterator>
#include <poll.h>
#include <sstream>
#include <stdexcept>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <utility>

namespace lockstep::test {

namespace {

constexpr int kPause = 5;  // milliseconds

/// As CMake sets it for the tests that it starts under mpirun.
void set_environment() {
  std::istringstream settings(LOCKSTEP_MPI_ENVIRONMENT);
  for (std::string setting; settings >> setting;) {
    const std::size_t equals = setting.find('=');
    setenv(setting.substr(0, equals).c_str(), setting.substr(equals + 1).c_str(), 1);
  }
}

/// `text` without what mpirun 5 adds of its own, which nothing switches off: the blocks between two rules in
/// which it tells how a rank ended or that it has no memory to share, the NUL that it writes after some of
/// them, and the line that libevent writes where a rank ends while something is being sent to it.
std::string without_banners(std::string text) {
  const std::string rule = std::string(74, '-') + "\n";
  for (const char* const words :
       {"MPI_ABORT was invoked on ", "prterun detected that ", "prterun has exited due to ",
        "prterun noticed that ", "A system call failed during shared memory initialization "}) {
    for (std::size_t begin = 0; (begin = text.find(rule + words)) != std::string::npos;) {
      const std::size_t end = text.find(rule, begin + rule.size());
      if (end == std::string::npos) return text;
      text.erase(begin, end + rule.size() - begin);
      if (begin < text.size() && text[begin] == '\0') text.erase(begin, 1);
    }
  }
  for (std::size_t begin = 0; (begin = text.find("[warn] Epoll MOD(")) != std::string::npos;) {
    const std::size_t end = text.find('\n', begin);
    text.erase(begin, end == std::string::npos ? end : end + 1 - begin);
  }
  return text;
}

[[noreturn]] void become(std::vector<char*>& words, const std::filesystem::path& folder, int out, int err) {
  setpgid(0, 0);
  const int nothing = open("/dev/null", O_RDONLY);
  const bool ready = nothing >= 0 && dup2(nothing, STDIN_FILENO) >= 0 && dup2(out, STDOUT_FILENO) >= 0 &&
                     dup2(err, STDERR_FILENO) >= 0 && chdir(folder.c_str()) == 0;
  if (ready) execvp(words[0], words.data());
  std::_Exit(127);
}

/// Appends what `descriptor` has; false at its end.
bool read_some(int descriptor, std::string& text) {
  std::array<char, 4096> buffer{};
  const ssize_t count = read(descriptor, buffer.data(), buffer.size());
  if (count > 0) text.append(buffer.data(), static_cast<std::size_t>(count));
  return count > 0;
}

}  // namespace

Process::Process(const std::vector<std::string>& words, const std::filesystem::path& folder) {
  std::array<int, 2> out{};
  std::array<int, 2> err{};
  if (pipe2(out.data(), O_CLOEXEC) != 0 || pipe2(err.data(), O_CLOEXEC) != 0) {
    throw std::runtime_error("no pipe could be made");
  }
  std::vector<std::string> copies = words;
  std::vector<char*> arguments;
  arguments.reserve(copies.size() + 1);
  for (std::string& word : copies) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  set_environment();
  id_ = fork();
  if (id_ < 0) throw std::runtime_error("no process could be made");
  if (id_ == 0) become(arguments, folder, out[1], err[1]);
  close(out[1]);
  close(err[1]);
  out_ = out[0];
  err_ = err[0];
}

Process::~Process() {
  if (id_ > 0) {
    kill(-id_, SIGKILL);
    kill(id_, SIGKILL);
    waitpid(id_, nullptr, 0);
  }
  for (const int descriptor : {out_, err_}) {
    if (descriptor >= 0) close(descriptor);
  }
}

void Process::send(int signal) const { kill(id_, signal); }

/// Waits a little for output; false when both ends are closed.
bool Process::read_pipes(int milliseconds) {
  std::array<pollfd, 2> polled = {pollfd{out_, POLLIN, 0}, pollfd{err_, POLLIN, 0}};
  poll(polled.data(), polled.size(), milliseconds);
  const auto take = [](const pollfd& polled_one, int& descriptor, std::string& text) {
    if (descriptor < 0 || polled_one.revents == 0 || read_some(descriptor, text)) return;
    close(descriptor);
    descriptor = -1;
  };
  take(polled[0], out_, out_text_);
  take(polled[1], err_, err_text_);
  return out_ >= 0 || err_ >= 0;
}

const std::string& Process::err() {
  read_pipes(0);
  return err_text_;
}

void Process::reap(Outcome& outcome, Clock::time_point deadline) {
  int status = 0;
  while (waitpid(id_, &status, WNOHANG) == 0) {
    if (Clock::now() > deadline && !outcome.timed_out) {
      outcome.timed_out = true;
      kill(-id_, SIGKILL);
      kill(id_, SIGKILL);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(kPause));
  }
  id_ = -1;
  outcome.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

Outcome Process::wait(double seconds) {
  const auto deadline =
      Clock::now() + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
  constexpr int kMostPause = 50;
  while (read_pipes(kMostPause) && Clock::now() < deadline) {
  }
  Outcome outcome;
  reap(outcome, deadline);
  outcome.out = std::move(out_text_);
  outcome.err = without_banners(std::move(err_text_));
  outcome.seconds = std::chrono::duration<double>(Clock::now() - begin_).count();
  return outcome;
}

std::vector<pid_t> processes_with(const std::string& text) {
  std::vector<pid_t> found;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const std::string name = entry.path().filename().string();
    if (std::isdigit(static_cast<unsigned char>(name[0])) == 0) continue;
    std::ifstream file(entry.path() / "cmdline");
    const std::string words(std::istreambuf_iterator<char>(file), {});
    if (words.find(text) != std::string::npos) found.push_back(static_cast<pid_t>(std::stol(name)));
  }
  return found;
}

bool wait_until(double seconds, const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return true;
}

}  // namespace lockstep::test
