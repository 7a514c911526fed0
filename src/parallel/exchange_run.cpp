#include "parallel/exchange_run.hpp"

#include <algorithm>

#include "core/multiversion.hpp"
#include "lockstep/core/threads.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

namespace {

/// Values that are added at a time: sums of several terms stay in a near cache.
constexpr Index kGrain = 4096;

bool is_packed(const PlannedMessage& message) { return message.runs.size() > 1; }

Index size_of(const PlannedMessage& message) {
  Index size = 0;
  for (const PlacedRun& run : message.runs) size += run.size;
  return size;
}

/// Of all packed messages of the round.
Index packed_size(const ExchangeRound& round) {
  Index size = 0;
  for (const auto* messages : {&round.outgoing, &round.incoming}) {
    for (const PlannedMessage& message : *messages) size += is_packed(message) ? size_of(message) : 0;
  }
  return size;
}

}  // namespace

LOCKSTEP_MULTIVERSION
void add_to(Real* sum, const Real* values, Index count) {
  for (Index i = 0; i < count; ++i) sum[i] += values[i];
}

void ExchangeRun::reserve(const ExchangePlan& plan) {
  const auto grow = [](std::vector<Real>& values, Index size) {
    if (std::ssize(values) < size) values.resize(static_cast<std::size_t>(size));
  };
  grow(received_, plan.received);
  for (const ExchangeRound& round : plan.rounds) grow(packed_, packed_size(round));
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
    unpack(round);
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
        add_to(at(addition.sum) + begin, at(addition.term) + begin, size);
    }
  });
}

void ExchangeRun::post(const ExchangeRound& round) {
  outgoing_.clear();
  incoming_.clear();
  Real* room = packed_.data();
  for (const PlannedMessage& message : round.outgoing) {
    const Real* values = at(message.runs.front().place);
    if (is_packed(message)) {
      values = room;
      for (const PlacedRun& run : message.runs) room = std::copy_n(at(run.place), run.size, room);
    }
    outgoing_.push_back(
        {message.peer, std::as_bytes(std::span(values, static_cast<std::size_t>(size_of(message))))});
  }
  for (const PlannedMessage& message : round.incoming) {
    Real* values = at(message.runs.front().place);
    if (is_packed(message)) {
      values = room;
      room += size_of(message);
    }
    incoming_.push_back({message.peer, std::as_writable_bytes(
                                           std::span(values, static_cast<std::size_t>(size_of(message))))});
  }
  communicator_.begin_exchange(number_, outgoing_, incoming_);
}

void ExchangeRun::unpack(const ExchangeRound& round) {
  const Real* room = packed_.data();
  for (const PlannedMessage& message : round.outgoing) room += is_packed(message) ? size_of(message) : 0;
  for (const PlannedMessage& message : round.incoming) {
    if (!is_packed(message)) continue;
    for (const PlacedRun& run : message.runs) {
      std::copy_n(room, run.size, at(run.place));
      room += run.size;
    }
  }
}

}  // namespace lockstep::inline LOCKSTEP_REAL
