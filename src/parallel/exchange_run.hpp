#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <utility>
#include <vector>

#include "lockstep/comm/communicator.hpp"
#include "lockstep/core/real.hpp"
#include "lockstep/parallel/topology.hpp"
#include "parallel/exchange_plan.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

/// sum[i] += values[i], rounded to bfloat16 if that is asked for.
void add_to(Real* sum, const Real* values, Index count, bool is_rounded = false);

/// That of messages between the nodes: `coding` where they are compressed, which those of double are not.
Coding coding_between(const Topology& topology, Coding coding);

/// Does what a plan says, step by step, between other work of its rank.
class ExchangeRun {
 public:
  /// Where the vector of a place begins that is not received.
  using Vector = std::function<Real*(const Place& place)>;

  /// `number` tells its messages from those of other runs that are under way. `topology` outlives the run.
  /// Local.
  ExchangeRun(const Topology& topology, std::size_t number, Vector vector)
      : topology_(topology), number_(number), vector_(std::move(vector)) {}

  /// Takes the memory that `plan` needs, so that `begin` takes none. Local. Errors: not enough memory.
  void reserve(const ExchangePlan& plan);

  /// From here on `plan`, which has been reserved for and outlives the run. Of the plans of a run, one at
  /// most has kChanges. Local.
  void begin(const ExchangePlan& plan);

  /// Goes as far as it can without waiting; whether all is done.
  bool advance();

  /// Only has the messages under way move on.
  void move_messages();

  /// Where a value is.
  Real* at(const Place& place);

 private:
  void add(const PlacedSum& sum);
  void post(const ExchangeRound& round);
  void take(const ExchangeRound& round);
  std::span<const std::byte> pack(const PlannedMessage& message, std::byte* place);
  std::byte* pack(const PlacedRun& run, std::byte* message);
  const std::byte* unpack(const PlacedRun& run, const std::byte* message);
  void keep_sent();
  const Real* last_sent(const PlacedRun& run) const;

  const Topology& topology_;
  std::size_t number_;
  Vector vector_;
  const ExchangePlan* plan_ = nullptr;
  std::size_t round_ = 0;
  bool posted_ = false;  // the messages of the round
  std::vector<Real> received_;
  std::vector<std::byte> packed_;  // the messages of a round that do not stand in memory as they travel
  std::vector<Real> last_sent_;    // as ExchangePlan::sent has it
  std::vector<OutgoingMessage> outgoing_;
  std::vector<IncomingMessage> incoming_;
};

}  // namespace lockstep::inline LOCKSTEP_REAL
