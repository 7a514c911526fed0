#include "parallel/exchange_run.hpp"

#include <algorithm>
#include <cstring>

#include "core/multiversion.hpp"
#include "lockstep/core/threads.hpp"
#include "nn/bfloat16.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

namespace {

/// Values that are added at a time: sums of several terms stay in a near cache.
constexpr Index kGrain = 4096;

bool is_packed(const PlannedMessage& message) {
  return message.runs.size() > 1 || message.runs.front().is_bfloat16;
}

std::size_t bytes_of(const PlacedRun& run) {
  return static_cast<std::size_t>(run.size) * (run.is_bfloat16 ? sizeof(Bfloat16) : sizeof(Real));
}

std::size_t bytes_of(const PlannedMessage& message) {
  std::size_t bytes = 0;
  for (const PlacedRun& run : message.runs) bytes += bytes_of(run);
  return bytes;
}

/// Of the messages that are packed.
std::size_t packed_bytes(const std::vector<PlannedMessage>& messages) {
  std::size_t bytes = 0;
  for (const PlannedMessage& message : messages) bytes += is_packed(message) ? bytes_of(message) : 0;
  return bytes;
}

/// To and from a message, which is not aligned for Real.
void pack(const PlacedRun& run, const Real* values, std::byte* message) {
  if (run.is_bfloat16) return to_bfloat16(values, run.size, reinterpret_cast<Bfloat16*>(message));
  std::memcpy(message, values, bytes_of(run));
}

void unpack(const PlacedRun& run, const std::byte* message, Real* values) {
  if (run.is_bfloat16) return from_bfloat16(reinterpret_cast<const Bfloat16*>(message), run.size, values);
  std::memcpy(values, message, bytes_of(run));
}

LOCKSTEP_MULTIVERSION
void add_exactly(Real* sum, const Real* values, Index count) {
  for (Index i = 0; i < count; ++i) sum[i] += values[i];
}

}  // namespace

void add_to(Real* sum, const Real* values, Index count, bool is_rounded) {
  if (is_rounded) return add_rounded_to_bfloat16(sum, values, count);
  add_exactly(sum, values, count);
}

void ExchangeRun::reserve(const ExchangePlan& plan) {
  const auto grow = [](auto& values, std::size_t size) {
    if (values.size() < size) values.resize(size);
  };
  grow(received_, static_cast<std::size_t>(plan.received));
  for (const ExchangeRound& round : plan.rounds)
    grow(packed_, packed_bytes(round.outgoing) + packed_bytes(round.incoming));
}

void ExchangeRun::begin(const ExchangePlan& plan) {
  plan_ = &plan;
  round_ = 0;
  posted_ = false;
}

void ExchangeRun::move_messages() {
  if (posted_) communicator_.test_exchange(number_);
}

bool ExchangeRun::advance() {
  for (; round_ < plan_->rounds.size(); ++round_) {
    const ExchangeRound& round = plan_->rounds[round_];
    if (!posted_) {
      for (const PlacedSum& sum : round.sums) add(sum);
      post(round);
      posted_ = true;
    }
    if (!communicator_.test_exchange(number_)) return false;
    take(round);
    posted_ = false;
  }
  return true;
}

Real* ExchangeRun::at(const Place& place) {
  return (place.rank == Place::kReceived ? received_.data() : vector_(place)) + place.offset;
}

void ExchangeRun::add(const PlacedSum& sum) {
  for_each_range(sum.size, kGrain, [&](Index first, Index count) {
    for (Index begin = first; begin < first + count; begin += kGrain) {
      const Index size = std::min(kGrain, first + count - begin);
      for (const Addition& addition : sum.additions)
        add_to(at(addition.sum) + begin, at(addition.term) + begin, size, addition.is_rounded);
    }
  });
}

void ExchangeRun::post(const ExchangeRound& round) {
  outgoing_.clear();
  incoming_.clear();
  std::byte* room = packed_.data();
  /// Where the message stands: in its place, or in the next of the room.
  const auto bytes_in = [&](const PlannedMessage& message) {
    std::byte* const packed = room;
    if (is_packed(message)) room += bytes_of(message);
    return std::span(
        is_packed(message) ? packed : reinterpret_cast<std::byte*>(at(message.runs.front().place)),
        bytes_of(message));
  };
  for (const PlannedMessage& message : round.outgoing) {
    const std::span<std::byte> bytes = bytes_in(message);
    outgoing_.push_back({message.peer, bytes});
    if (!is_packed(message)) continue;
    std::byte* next = bytes.data();
    for (const PlacedRun& run : message.runs) {
      pack(run, at(run.place), next);
      next += bytes_of(run);
    }
  }
  for (const PlannedMessage& message : round.incoming) incoming_.push_back({message.peer, bytes_in(message)});
  communicator_.begin_exchange(number_, outgoing_, incoming_);
}

void ExchangeRun::take(const ExchangeRound& round) {
  const std::byte* next = packed_.data() + packed_bytes(round.outgoing);
  for (const PlannedMessage& message : round.incoming) {
    if (!is_packed(message)) continue;
    for (const PlacedRun& run : message.runs) {
      unpack(run, next, at(run.place));
      next += bytes_of(run);
    }
  }
}

}  // namespace lockstep::inline LOCKSTEP_REAL
