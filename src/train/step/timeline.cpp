#include "lockstep/train/timeline.hpp"

#include <iterator>

#include <fmt/format.h>

namespace lockstep {

namespace {

/// About as many as a step records; more only costs an allocation.
constexpr std::size_t kSpansOfAStep = 24;

}  // namespace

Timeline::Timeline(Communicator& communicator) {
  spans_.reserve(kMostSteps * kSpansOfAStep);
  communicator.barrier();
  start_ = std::chrono::steady_clock::now();
}

void Timeline::add(const char* name, std::chrono::steady_clock::time_point begin,
                   std::chrono::steady_clock::time_point end, std::uint64_t step) {
  if (step >= kMostSteps) return;
  using Microseconds = std::chrono::duration<double, std::micro>;
  spans_.push_back({name, Microseconds(begin - start_).count(), Microseconds(end - start_).count(), step});
}

std::string Timeline::to_json(Communicator& communicator) const {
  const int rank = communicator.rank();
  std::string mine = fmt::format(
      R"({{"name":"process_name","ph":"M","pid":{0},"tid":0,"args":{{"name":"rank {0}"}}}})", rank);
  for (const Span& span : spans_) {
    fmt::format_to(
        std::back_inserter(mine),
        ",\n"
        R"({{"name":"{}","ph":"X","ts":{:.3f},"dur":{:.3f},"pid":{},"tid":0,"args":{{"step":{}}}}})",
        span.name, span.begin, span.end - span.begin, rank, span.step + 1);
  }
  return fmt::format("{{\"displayTimeUnit\":\"ms\",\"traceEvents\":[\n{}\n]}}\n",
                     fmt::join(all_gather_text(communicator, mine), ",\n"));
}

}  // namespace lockstep
