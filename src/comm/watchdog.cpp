#include "lockstep/comm/watchdog.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <ctime>
#include <mutex>
#include <new>
#include <poll.h>
#include <pthread.h>
#include <system_error>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>

#include "comm/activity.hpp"
#include "comm/host_pulses.hpp"
#include "core/machine.hpp"
#include "core/rank_status.hpp"
#include "core/signals.hpp"
#include "lockstep/core/error.hpp"

namespace lockstep {

namespace {

using Clock = std::chrono::steady_clock;

constexpr double kInterval = 0.25;    // seconds between looks
constexpr double kMostBetween = 0.5;  // of them that count: a watchdog that takes longer was stopped too
constexpr double kUnheard = 1;        // seconds: less is no silence but a busy machine
constexpr double kLaunchersTurn = 5;  // seconds that the launcher has to end all ranks
constexpr double kLaunchersTurnInVain = 0.25;  // where it may be what is lost
// By the timeout all ranks of all hosts have ended, for which they need some time.
constexpr double kTimeToEnd = 1.5;
constexpr double kOtherHostsTurns = 5;
constexpr double kShareOfShort = 1.0 / 8;  // which both have of a short timeout
constexpr auto kTimeToRead = std::chrono::milliseconds(200);
constexpr auto kTimeToHear = std::chrono::milliseconds(100);

std::atomic<double> timeout = kDefaultTimeout;
std::mutex advice_mutex;
std::string advice = "start the command again";

std::string current_advice() {
  const std::lock_guard lock(advice_mutex);
  return advice;
}

/// Past all buffers and their locks, which a thread that stands still may hold.
void say(const std::string& line) {
  constexpr int kPatience = 1000;  // milliseconds
  pollfd polled{STDERR_FILENO, POLLOUT, 0};
  if (poll(&polled, 1, kPatience) != 1) return;
  const std::string text = "lockstep: " + line + "\n";
  [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, text.data(), text.size());
}

std::atomic<HostPulses*> own_pulses = nullptr;

/// Whether the launcher, or whoever sent it, ends this process.
bool is_asked_to_end() {
  const int asked = requested_stop();
  return asked == SIGTERM || asked == SIGINT;
}

[[noreturn]] void end_process(int code) {
  end_on_purpose();
  std::_Exit(code);
}

}  // namespace

void set_watch_timeout(double seconds) { timeout = seconds; }

void set_watch_advice(const std::string& text) {
  const std::lock_guard lock(advice_mutex);
  advice = text;
}

void end_on_purpose() {
  own_status().leaves = true;
  if (HostPulses* const pulses = own_pulses) pulses->tell_end();
}

/// What one rank shows to the others of its node.
struct alignas(64) Watchdog::Place {
  RankStatus status;
  pthread_mutex_t life;              // held by the main thread while the rank lives
  std::atomic<std::uint64_t> beats;  // of the rank's watchdog, which writes the next two as well
  std::atomic<float> still;
  std::atomic<float> waited;
  int rank;
  pid_t process;
  std::atomic<int> end;  // the exit code with which somebody has ended the program, or 0; in the first alone
};

Watchdog::Watchdog(Communicator& world) : world_size_(world.size()), host_(host_name()) {
  if (world_size_ == 1) return;
  const std::unique_ptr<Communicator> node = world.split_by_node();
  pulses_ = std::make_unique<HostPulses>(world, *node);
  memory_.emplace(*node, static_cast<std::size_t>(node->size()) * sizeof(Place));
  if (memory_->is_shared()) {
    ranks_ = static_cast<std::size_t>(node->size());
    me_ = static_cast<std::size_t>(node->rank());
  }
  seen_.resize(ranks_);
  Place& mine = place(me_);
  mine.rank = world.name(world.rank()).number;
  mine.process = getpid();
  pthread_mutexattr_t attributes;
  pthread_mutexattr_init(&attributes);
  pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
  pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
  pthread_mutex_init(&mine.life, &attributes);
  pthread_mutexattr_destroy(&attributes);
  pthread_mutex_lock(&mine.life);
  move_own_status(&mine.status);
  own_pulses = pulses_.get();
  node->barrier();
  try {
    thread_ = std::thread([this] { watch(); });
  } catch (const std::system_error&) {
    leave();  // a run is worth more than its watchdog
  }
}

Watchdog::~Watchdog() {
  if (thread_.joinable()) leave();
  own_pulses = nullptr;
}

void Watchdog::leave() {
  leaves_ = true;
  own_status().leaves = true;
  if (me_ == 0) pulses_->tell_end();
  pthread_mutex_unlock(&place(me_).life);
  if (thread_.joinable()) thread_.join();
  move_own_status(nullptr);
}

Watchdog::Place& Watchdog::place(std::size_t index) const {
  return reinterpret_cast<Place*>(memory_->bytes().data())[index];
}

/// The next rank that has not left, at last this one.
std::size_t Watchdog::following(std::size_t index) const {
  do {
    index = (index + 1) % ranks_;
  } while (index != me_ && place(index).status.leaves);
  return index;
}

void Watchdog::watch() {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);
  Activity activity;
  if (me_ == 0) pulses_->beat(0);
  std::size_t next = following(me_);
  auto last = Clock::now();
  while (!leaves_) {
    const Fate fate = wait_for(next);
    if (leaves_) return;
    if (fate == Fate::kDied) announce_death(next);
    if (fate != Fate::kLives) next = following(next);
    const auto now = Clock::now();
    try {
      look(std::min(std::chrono::duration<double>(now - last).count(), kMostBetween), activity);
    } catch (const std::bad_alloc&) {
      // The run knows how to go on without memory; the next look may do.
    }
    last = now;
  }
}

/// Returns when the rank's life ends, or after a while.
Watchdog::Fate Watchdog::wait_for(std::size_t index) const {
  timespec until{};
  clock_gettime(CLOCK_MONOTONIC, &until);
  constexpr long kSecond = 1'000'000'000;
  until.tv_nsec += static_cast<long>(kInterval * kSecond);
  until.tv_sec += until.tv_nsec / kSecond;
  until.tv_nsec %= kSecond;
  pthread_mutex_t& life = place(index).life;
  const int result = pthread_mutex_clocklock(&life, CLOCK_MONOTONIC, &until);
  if (result == ETIMEDOUT) return Fate::kLives;
  if (result == 0) pthread_mutex_unlock(&life);
  return result == EOWNERDEAD && !place(index).status.leaves ? Fate::kDied : Fate::kLeft;
}

/// One look at all ranks, `seconds` after the one before.
void Watchdog::look(double seconds, Activity& activity) {
  activity.look(seconds, others_work());
  Place& mine = place(me_);
  mine.still = static_cast<float>(activity.still());
  mine.waited = static_cast<float>(activity.waited());
  ++mine.beats;
  for (std::size_t index = 0; index < ranks_; ++index) {
    const std::uint64_t beats = place(index).beats;
    Seen& seen = seen_[index];
    seen.silent = std::exchange(seen.beats, beats) == beats ? seen.silent + seconds : 0;
  }
  asked_ = is_asked_to_end() ? asked_ + seconds : 0;
  if (speaks()) {
    pulses_->beat(seconds);
    if (const auto host = pulses_->first_death(asked_)) announce_death_on(*host);
  }
  const int end = place(0).end;
  if (end == 0) return judge();
  ending_ += seconds;
  const bool is_standstill = end == static_cast<int>(ExitCode::kStandstill);
  if (ending_ > (is_standstill ? kLaunchersTurnInVain : kLaunchersTurn)) end_process(end);
}

WatchedRank Watchdog::watched(std::size_t index) const {
  const Place& p = place(index);
  const double silent = seen_[index].silent;
  return {.rank = p.rank,
          .process = p.process,
          .still = std::max<double>(p.still, silent > kUnheard ? silent : 0),
          .waited = p.waited,
          .waits = p.status.waits % 2 == 1,
          .in_step = p.status.in_step,
          .steps = p.status.steps};
}

/// Whether a rank of this node works outside of a training step.
bool Watchdog::others_work() const {
  for (std::size_t index = 0; index < ranks_; ++index) {
    if (!place(index).status.leaves && watched(index).works_outside_step()) return true;
  }
  return false;
}

/// Warns of a standstill, or ends it, if it is for this rank to say.
void Watchdog::judge() {
  const double limit = timeout;
  if (limit == 0) return;
  const double last_end = limit - std::min(kTimeToEnd, kShareOfShort * limit);
  std::vector<WatchedRank> ranks;
  ranks.reserve(ranks_);
  for (std::size_t index = 0; index < ranks_; ++index) {
    if (!place(index).status.leaves) ranks.push_back(watched(index));
  }
  const std::optional<Standstill> standstill = find_standstill(ranks, world_size_, host_, pulses_->others());
  const bool is_told = pulses_->end_is_told();
  const SpeakingTurn turn = standstill && !is_told ? standstill->turn : SpeakingTurn::kFirst;
  // If the hosts whose turn it is say nothing, they may not see the same.
  const double others_turns = pulses_->has_others() ? std::min(kOtherHostsTurns, kShareOfShort * limit) : 0;
  const double end = last_end - others_turns + others_turns / 2 * static_cast<double>(turn);
  const double seconds = standstill ? standstill->seconds : 0;
  if (seconds >= end && speaks() && claim_end(static_cast<int>(ExitCode::kStandstill))) {
    pulses_->tell_end();
    if (!is_told) {
      say(fmt::format("{}; the timeout of {:g} s ends the run; {}", standstill->text, limit,
                      current_advice()));
    }
    std::this_thread::sleep_for(kTimeToRead);
    end_process(static_cast<int>(ExitCode::kStandstill));
  }
  if (seconds < limit / 2) {
    warned_ = false;
  } else if (speaks() && turn == SpeakingTurn::kFirst && !is_told && !std::exchange(warned_, true)) {
    say(fmt::format("{}; the run ends at the timeout of {:g} s", standstill->text, limit));
  }
}

/// Whether this rank is the one of its node that speaks: the first that is heard.
bool Watchdog::speaks() const {
  for (std::size_t index = 0; index < me_; ++index) {
    if (!place(index).status.leaves && seen_[index].silent <= kUnheard) return false;
  }
  return true;
}

bool Watchdog::somebody_left() const {
  for (std::size_t other = 0; other < ranks_; ++other) {
    if (place(other).status.leaves) return true;
  }
  return false;
}

void Watchdog::announce_death(std::size_t index) {
  // A launcher that ends all its ranks does so in some order.
  if (is_asked_to_end()) return;
  const bool may_follow_another = pulses_->has_others() && ends_by_itself(place(index).process);
  if (!claim_death()) return;
  if (may_follow_another) {
    // The message library ends ranks because of a death on another host, where that is told.
    std::this_thread::sleep_for(kTimeToHear);
    if (pulses_->end_is_told()) return;
  }
  pulses_->tell_end();
  const WatchedRank rank = watched(index);
  std::string line = name_of(rank, host_) + " is gone";
  if (rank.steps > 0) line += fmt::format("; it had finished step {}", rank.steps);
  say(fmt::format("{}; {}", line, current_advice()));
}

void Watchdog::announce_death_on(const WatchedHost& host) {
  if (!claim_death()) return;
  pulses_->tell_end();
  say(fmt::format("rank {} on {} is gone; {}", host.rank, host.name, current_advice()));
}

/// Whether a death is for this rank to announce.
bool Watchdog::claim_death() {
  if (!claim_end(static_cast<int>(ExitCode::kInternal))) return false;
  return !somebody_left();  // with an error of its own, which it has reported, or all do
}

/// Whether this rank is the one that ends the program.
bool Watchdog::claim_end(int code) {
  int none = 0;
  return place(0).end.compare_exchange_strong(none, code);
}

}  // namespace lockstep
