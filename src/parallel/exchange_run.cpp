#include "parallel/exchange_run.hpp"

#include <algorithm>
#include <cstring>
#include <type_traits>

#include "core/multiversion.hpp"
#include "lockstep/core/error.hpp"
#include "lockstep/core/threads.hpp"
#include "nn/bfloat16.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

namespace {

/// Values that are added at a time: sums of several terms stay in a near cache.
constexpr Index kGrain = 4096;

bool is_packed(const PlannedMessage& message) {
  const PlacedRun& first = message.runs.front();
  return message.runs.size() > 1 || first.is_bfloat16 || first.coding != Coding::kNone;
}

CodedRun coded(const PlacedRun& run) {
  return {.count = run.size, .is_bfloat16 = run.is_bfloat16, .coding = run.coding};
}

std::size_t uncompressed_bytes(const PlacedRun& run) {
  return static_cast<std::size_t>(run.size) * (run.is_bfloat16 ? sizeof(Bfloat16) : sizeof(Real));
}

/// At most.
std::size_t bytes_of(const PlacedRun& run) {
  return run.coding == Coding::kNone ? uncompressed_bytes(run) : most_compressed_bytes(coded(run));
}

/// At most.
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

LOCKSTEP_MULTIVERSION
void add_exactly(Real* sum, const Real* values, Index count) {
  for (Index i = 0; i < count; ++i) sum[i] += values[i];
}

}  // namespace

void add_to(Real* sum, const Real* values, Index count, bool is_rounded) {
  if (is_rounded) return add_rounded_to_bfloat16(sum, values, count);
  add_exactly(sum, values, count);
}

Coding coding_between(const Topology& topology, Coding coding) {
  return topology.compresses() && std::is_same_v<Real, float> ? coding : Coding::kNone;
}

void ExchangeRun::reserve(const ExchangePlan& plan) {
  const auto grow = [](auto& values, std::size_t size) {
    if (values.size() < size) values.resize(size);
  };
  grow(received_, static_cast<std::size_t>(plan.received));
  for (const ExchangeRound& round : plan.rounds)
    grow(packed_, packed_bytes(round.outgoing) + packed_bytes(round.incoming));
  Index sent = 0;
  for (const ParameterRange& range : plan.sent) sent += range.size;
  grow(last_sent_, static_cast<std::size_t>(sent));
}

void ExchangeRun::begin(const ExchangePlan& plan) {
  plan_ = &plan;
  round_ = 0;
  posted_ = false;
}

void ExchangeRun::move_messages() {
  if (posted_) topology_.all().test_exchange(number_);
}

bool ExchangeRun::advance() {
  for (; round_ < plan_->rounds.size(); ++round_) {
    const ExchangeRound& round = plan_->rounds[round_];
    if (!posted_) {
      for (const PlacedSum& sum : round.sums) add(sum);
      post(round);
      posted_ = true;
    }
    if (!topology_.all().test_exchange(number_)) return false;
    take(round);
    posted_ = false;
    if (&round == &plan_->rounds.back()) keep_sent();
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
  const PlannedMessage* before = nullptr;
  for (const PlannedMessage& message : round.outgoing) {
    const std::span<std::byte> place = bytes_in(message);
    std::span<const std::byte> bytes = place;
    if (is_packed(message)) {
      // Owners send the same to many.
      const bool is_same = before != nullptr && before->runs == message.runs;
      bytes = is_same ? outgoing_.back().bytes : pack(message, place.data());
    }
    before = &message;
    outgoing_.push_back({message.peer, bytes, place.size()});
    topology_.sent().sent += bytes.size();
    for (const PlacedRun& run : message.runs) topology_.sent().uncompressed += uncompressed_bytes(run);
  }
  for (const PlannedMessage& message : round.incoming) incoming_.push_back({message.peer, bytes_in(message)});
  topology_.all().begin_exchange(number_, outgoing_, incoming_);
}

void ExchangeRun::take(const ExchangeRound& round) {
  const std::byte* next = packed_.data() + packed_bytes(round.outgoing);
  for (const PlannedMessage& message : round.incoming) {
    if (!is_packed(message)) continue;
    const std::byte* run_begin = next;
    for (const PlacedRun& run : message.runs) run_begin = unpack(run, run_begin);
    next += bytes_of(message);
  }
}

std::span<const std::byte> ExchangeRun::pack(const PlannedMessage& message, std::byte* place) {
  std::byte* end = place;
  for (const PlacedRun& run : message.runs) end = pack(run, end);
  return {place, end};
}

/// Into a message, which is not aligned for Real; returns where it ends.
std::byte* ExchangeRun::pack(const PlacedRun& run, std::byte* message) {
  const Real* const values = at(run.place);
  if (run.coding != Coding::kNone) {
    return compress(coded(run), reinterpret_cast<const float*>(values),
                    reinterpret_cast<const float*>(last_sent(run)), message);
  }
  if (run.is_bfloat16) {
    to_bfloat16(values, run.size, reinterpret_cast<Bfloat16*>(message));
  } else {
    std::memcpy(message, values, bytes_of(run));
  }
  return message + bytes_of(run);
}

/// From a message, which is not aligned for Real; returns where it ends.
const std::byte* ExchangeRun::unpack(const PlacedRun& run, const std::byte* message) {
  Real* const values = at(run.place);
  if (run.coding != Coding::kNone) {
    return decompress(coded(run), message, reinterpret_cast<float*>(values));
  }
  if (run.is_bfloat16) {
    from_bfloat16(reinterpret_cast<const Bfloat16*>(message), run.size, values);
  } else {
    std::memcpy(values, message, bytes_of(run));
  }
  return message + bytes_of(run);
}

void ExchangeRun::keep_sent() {
  Real* next = last_sent_.data();
  for (const ParameterRange& range : plan_->sent)
    next = std::copy_n(at({.rank = 0, .vector = 0, .offset = range.offset}), range.size, next);
}

/// The values of `run` as the last exchange has sent them; null unless it is kChanges.
const Real* ExchangeRun::last_sent(const PlacedRun& run) const {
  if (run.coding != Coding::kChanges) return nullptr;
  const auto has_run = [&](const ParameterRange& range) {
    return range.offset <= run.place.offset && run.place.offset < range.offset + range.size;
  };
  const Real* next = last_sent_.data();
  auto range = plan_->sent.begin();
  for (; range != plan_->sent.end() && !has_run(*range); ++range) next += range->size;
  LOCKSTEP_CHECK(range != plan_->sent.end());
  return next + (run.place.offset - range->offset);
}

}  // namespace lockstep::inline LOCKSTEP_REAL
