#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <vector>

#include "lockstep/comm/communicator.hpp"
#include "lockstep/core/real.hpp"
#include "parallel/schedule.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

/// sum[i] += values[i].
void add_to(Real* sum, const Real* values, Index count);

/// Does what a schedule says, bit by bit, between other work of its rank.
class ScheduleRun {
 public:
  /// Where the vector of a place begins that is not received.
  using Vector = std::function<Real*(const Place& place)>;

  /// `number` tells its messages from those of other runs that are under way. Local.
  ScheduleRun(Communicator& communicator, std::size_t number, Vector vector)
      : communicator_(communicator), number_(number), vector_(std::move(vector)) {}

  /// From here on `schedule`, which outlives the run. Local.
  void begin(const Schedule& schedule);

  /// Goes as far as it can without waiting; whether all is done.
  bool advance();

  /// Where a value is.
  Real* at(const Place& place);

 private:
  void add(const Sum& sum);
  void post(const Round& round);
  void unpack(const Round& round);

  Communicator& communicator_;
  std::size_t number_;
  Vector vector_;
  const Schedule* schedule_ = nullptr;
  std::size_t round_ = 0;
  bool posted_ = false;
  std::vector<Real> received_;
  std::vector<Real> packed_;  // the messages of a round that are of several runs
  std::vector<OutgoingMessage> outgoing_;
  std::vector<IncomingMessage> incoming_;
};

}  // namespace lockstep::inline LOCKSTEP_REAL
