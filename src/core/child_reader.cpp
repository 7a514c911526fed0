#include "core/child_reader.hpp"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <csignal>
#include <cstdlib>
#include <exception>
#include <fcntl.h>
#include <string>
#include <string_view>
#include <sys/prctl.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>

#include "core/file.hpp"
#include "core/refusal.hpp"
#include "core/signals.hpp"
#include "lockstep/core/error.hpp"

namespace lockstep {

namespace {

constexpr int kChildsDescriptor = STDERR_FILENO + 1;

/// All but `descriptor`, which becomes kChildsDescriptor, and nothing in the place of the standard ones:
/// locks, connections and the ends of pipes are this process' own, and what a library prints is for nobody.
void leave_files(int descriptor) {
  const int kept = fcntl(descriptor, F_DUPFD, kChildsDescriptor + 1);  // not what is about to be replaced
  const int nothing = open("/dev/null", O_RDWR);
  for (const int standard : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) dup2(nothing, standard);
  if (dup2(kept, kChildsDescriptor) != kChildsDescriptor) _exit(EXIT_FAILURE);
  closefrom(kChildsDescriptor + 1);
}

/// So that the system, short of memory, ends the child and not the program.
void offer_itself() {
  const int score = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  if (score < 0) return;
  constexpr std::string_view kFirst = "1000";
  write_all(score, std::as_bytes(std::span(kFirst)));
  close(score);
}

void become_child(int descriptor, pid_t parent) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(EXIT_FAILURE);  // it has ended before
  leave_signals_to_parent();
  leave_files(descriptor);
  offer_itself();
  prctl(PR_SET_DUMPABLE, 0);  // a limit of core files says nothing to a program that takes them
}

std::string how_it_ended(int status, double seconds) {
  if (WIFSIGNALED(status)) {
    const int signal = WTERMSIG(status);
    if (signal == SIGPROF) return fmt::format("it took {:.3g} s and came to no end", seconds);
    const char* const reason = signal == SIGKILL ? ", as where memory runs out" : "";
    return fmt::format("it ended by {}{}", signal_name(signal), reason);
  }
  return WEXITSTATUS(status) == 0 ? "it gave less than it should"
                                  : fmt::format("it ended with exit code {}", WEXITSTATUS(status));
}

}  // namespace

void ChildOutput::write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const std::size_t size = std::min<std::size_t>(bytes.size(), kLargestPiece);
    put(Kind::kBytes, 0, bytes.first(size));
    bytes = bytes.subspan(size);
  }
  renew_limit();
}

void ChildOutput::put(Kind kind, int code, std::span<const std::byte> bytes) const {
  const Header header{kind, code, bytes.size()};
  const bool is_read =
      write_all(descriptor_, std::as_bytes(std::span(&header, 1))) && write_all(descriptor_, bytes);
  if (!is_read) _exit(EXIT_FAILURE);
}

/// By a clock that counts processor time alone, whose signal ends the process.
void ChildOutput::renew_limit() const {
  const double whole = std::floor(seconds_);
  itimerval limit{};
  limit.it_value.tv_sec = static_cast<time_t>(whole);
  limit.it_value.tv_usec = static_cast<suseconds_t>((seconds_ - whole) * 1e6);
  setitimer(ITIMER_PROF, &limit, nullptr);
}

/// Nothing may leave it: what is above it on the stack is the parent's.
void ChildReader::serve(const Work& work, ChildOutput output) noexcept {
  output.renew_limit();
  try {
    work(output);
    output.put(ChildOutput::Kind::kEnd, 0, {});
  } catch (const std::exception& exception) {
    const Error error = as_error(exception);
    const std::string words = std::string(error.what()).substr(0, ChildOutput::kLargestPiece);
    output.put(ChildOutput::Kind::kError, static_cast<int>(error.code()), std::as_bytes(std::span(words)));
  }
  _exit(EXIT_SUCCESS);
}

ChildReader::ChildReader(const Work& work, double seconds) : seconds_(seconds) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0)
    fail_input("a pipe: refused by the system {}", because(errno, "try again"));
  // No handler of this process may run in the child.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  const pid_t parent = getpid();
  child_ = fork();
  if (child_ == 0) {
    become_child(ends[1], parent);
    serve(work, ChildOutput(kChildsDescriptor, seconds));
  }
  const int reason = errno;
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  close(ends[1]);
  descriptor_ = ends[0];
  if (child_ > 0) return;
  close(descriptor_);
  fail_input("a process: refused by the system {}", because(reason, "try again"));
}

ChildReader::~ChildReader() {
  end();
  close(descriptor_);
}

/// How the child has ended, as wait(2) has it. One that lives is ended; so is one that ends, which changes
/// nothing for it.
int ChildReader::end() {
  const pid_t child = std::exchange(child_, -1);
  int status = 0;
  if (child < 0) return status;
  kill(child, SIGKILL);
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

void ChildReader::read(std::span<std::byte> target) {
  while (!target.empty()) {
    if (rest_ == 0) begin_piece();
    const std::size_t size = std::min<std::size_t>(target.size(), rest_);
    receive(target.first(size));
    rest_ -= size;
    target = target.subspan(size);
  }
}

void ChildReader::receive(std::span<std::byte> target) {
  while (!target.empty()) {
    const ssize_t count = ::read(descriptor_, target.data(), target.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) throw LostChild(how_it_ended(end(), seconds_));
    target = target.subspan(static_cast<std::size_t>(count));
  }
}

void ChildReader::begin_piece() {
  ChildOutput::Header header{};
  receive(std::as_writable_bytes(std::span(&header, 1)));
  const bool is_bounded = header.size <= ChildOutput::kLargestPiece;
  if (header.kind == ChildOutput::Kind::kBytes && header.size > 0 && is_bounded) {
    rest_ = header.size;
    return;
  }
  if (header.kind == ChildOutput::Kind::kEnd) throw LostChild(how_it_ended(EXIT_SUCCESS, seconds_));
  const auto code = static_cast<ExitCode>(header.code);
  const bool is_code = code >= ExitCode::kInternal && code <= ExitCode::kStandstill;
  if (header.kind != ChildOutput::Kind::kError || !is_bounded || !is_code)
    throw LostChild("it gave nonsense");
  std::string words(header.size, '\0');
  receive(std::as_writable_bytes(std::span(words)));
  throw Error(code, words);
}

}  // namespace lockstep
