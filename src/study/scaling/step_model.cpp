#include "study/scaling/step_model.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <limits>
#include <set>

#include <Eigen/Dense>

#include "lockstep/core/error.hpp"
#include "lockstep/core/real.hpp"
#include "lockstep/parallel/batch_plan.hpp"

namespace lockstep {

namespace {

/// The costs, bytes before messages: of choices that fit alike the first one counts.
constexpr std::array kCosts = {&StepModel::step, &StepModel::sample, &StepModel::byte, &StepModel::message};

/// What `shape` asks for of each cost.
std::array<double, kCosts.size()> amounts(const StepShape& shape) {
  return {1, shape.rows, shape.bytes, shape.messages};
}

double squared_error(const StepModel& model, const std::vector<TimedStep>& steps) {
  double sum = 0;
  for (const TimedStep& step : steps) {
    const double error = model.seconds(step.shape) / step.seconds - 1;
    sum += error * error;
  }
  return sum;
}

/// The least squares over the costs whose bit is set in `chosen`; a cost below 0 where they can't be told
/// apart.
StepModel fit_chosen(const std::vector<TimedStep>& steps, unsigned chosen) {
  StepModel model;
  const auto columns = static_cast<Eigen::Index>(std::popcount(chosen));
  Eigen::MatrixXd a(static_cast<Eigen::Index>(steps.size()), columns);
  for (Eigen::Index row = 0; row < a.rows(); ++row) {
    const TimedStep& step = steps[static_cast<std::size_t>(row)];
    Eigen::Index column = 0;
    for (std::size_t cost = 0; cost < kCosts.size(); ++cost) {
      if ((chosen >> cost & 1U) != 0) a(row, column++) = amounts(step.shape)[cost] / step.seconds;
    }
  }
  // Columns of one size: how well they can be told apart must not depend on units.
  const Eigen::RowVectorXd sizes = a.colwise().norm();
  Eigen::VectorXd solution = Eigen::VectorXd::Constant(columns, -1);
  if (sizes.minCoeff() > 0) {
    constexpr double kAlike = 1e-6;
    Eigen::ColPivHouseholderQR<Eigen::MatrixXd> qr(a.array().rowwise() / sizes.array());
    qr.setThreshold(kAlike);
    if (qr.rank() == columns) {
      solution = qr.solve(Eigen::VectorXd::Ones(a.rows())).cwiseQuotient(sizes.transpose());
    }
  }
  Eigen::Index column = 0;
  for (std::size_t cost = 0; cost < kCosts.size(); ++cost) {
    if ((chosen >> cost & 1U) != 0) model.*kCosts[cost] = solution[column++];
  }
  return model;
}

}  // namespace

StepShape shape_of(Index batch_size, Index micro_batches, Index ranks, Index parameters) {
  const auto needed = static_cast<Index>(std::bit_ceil(static_cast<std::uint64_t>(ranks)));
  const BatchPlan plan(batch_size, micro_batches < ranks ? needed : micro_batches, ranks);
  Index most = 0;
  for (Index rank = 0; rank < ranks; ++rank) {
    const Interval owned = plan.owned_by(rank);
    most = std::max(most, plan.rows(owned.last - 1).last - plan.rows(owned.first).first);
  }
  const auto others = static_cast<double>(ranks - 1);
  const auto bytes = static_cast<double>(parameters) * sizeof(Real);
  return {.rows = static_cast<double>(most),
          .messages = 2 * others,
          .bytes = 2 * others / static_cast<double>(ranks) * bytes};
}

double StepModel::exchange(const StepShape& shape) const {
  return message * shape.messages + byte * shape.bytes;
}

double StepModel::seconds(const StepShape& shape) const {
  return step + sample * shape.rows + exchange(shape);
}

StepModel fit_step_model(const std::vector<TimedStep>& steps) {
  LOCKSTEP_CHECK(!steps.empty());
  // Choices that differ by rounding alone fit alike.
  constexpr double kRelative = 1e-9;
  constexpr double kAbsolute = 1e-18;
  StepModel best;
  double least = std::numeric_limits<double>::infinity();
  for (unsigned chosen = 1; chosen < 1U << kCosts.size(); ++chosen) {
    const StepModel model = fit_chosen(steps, chosen);
    const bool allowed =
        std::all_of(kCosts.begin(), kCosts.end(), [&](auto cost) { return model.*cost >= 0; });
    const double error = squared_error(model, steps);
    if (!allowed || !(error < least * (1 - kRelative) - kAbsolute)) continue;
    best = model;
    least = error;
  }
  return best;
}

std::vector<HeldOut> leave_one_out(const std::vector<TimedStep>& steps) {
  std::set<Index> counts;
  for (const TimedStep& step : steps) counts.insert(step.ranks);
  std::vector<HeldOut> held_out;
  if (counts.size() < 2) return held_out;
  for (const Index ranks : counts) {
    std::vector<TimedStep> others = steps;
    std::erase_if(others, [&](const TimedStep& step) { return step.ranks == ranks; });
    const StepModel model = fit_step_model(others);
    for (const TimedStep& step : steps) {
      if (step.ranks == ranks) held_out.push_back({step, model.seconds(step.shape)});
    }
  }
  return held_out;
}

double serial_share(const std::vector<Index>& ranks, const std::vector<double>& seconds) {
  LOCKSTEP_CHECK(!ranks.empty() && ranks.front() == 1 && ranks.size() == seconds.size());
  double product = 0;
  double square = 0;
  for (std::size_t i = 1; i < ranks.size(); ++i) {
    // t(P) / t(1) - 1 / P = s (1 - 1 / P)
    const double part = 1 / static_cast<double>(ranks[i]);
    product += (1 - part) * (seconds[i] / seconds[0] - part);
    square += (1 - part) * (1 - part);
  }
  return square > 0 ? std::clamp(product / square, 0.0, 1.0) : 0;
}

}  // namespace lockstep
