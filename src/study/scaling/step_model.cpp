#include "study/scaling/step_model.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <limits>
#include <set>

#include <Eigen/Dense>

#include "lockstep/core/error.hpp"

namespace lockstep {

namespace {

/// The costs, bytes before messages: of choices that fit alike the first one counts.
constexpr std::array kCosts = {&StepModel::step,    &StepModel::sample,    &StepModel::byte,
                               &StepModel::message, &StepModel::link_byte, &StepModel::link_message};

/// What `shape` asks for of each cost, if `path` is the one that takes most.
std::array<double, kCosts.size()> amounts(const StepShape& shape, const NetworkPath& path) {
  const double crowd = shape.crowd;
  return {crowd * shape.steps, crowd * (shape.rows - path.rows),
          crowd * shape.bytes, crowd * shape.messages,
          path.bytes,          path.messages};
}

double seconds_of(const StepModel& model, const StepShape& shape, const NetworkPath& path) {
  return model.link_message * path.messages + model.link_byte * path.bytes -
         shape.crowd * model.sample * path.rows;
}

/// The one that takes most, or nothing on one node.
NetworkPath longest_path(const StepModel& model, const StepShape& shape) {
  if (shape.paths.empty()) return {};
  return *std::ranges::max_element(shape.paths, {},
                                   [&](const NetworkPath& path) { return seconds_of(model, shape, path); });
}

double squared_error(const StepModel& model, const std::vector<TimedStep>& steps) {
  double sum = 0;
  for (const TimedStep& step : steps) {
    const double error = model.seconds(step.shape) / step.seconds - 1;
    sum += error * error;
  }
  return sum;
}

/// The least squares |a x - b|² over the columns whose bit is set in `chosen`; a number below 0 where they
/// can't be told apart.
Eigen::VectorXd least_squares(const Eigen::MatrixXd& all, const Eigen::VectorXd& b, unsigned chosen) {
  const auto columns = static_cast<Eigen::Index>(std::popcount(chosen));
  Eigen::MatrixXd a(all.rows(), columns);
  for (Eigen::Index from = 0, to = 0; from < all.cols(); ++from) {
    if ((chosen >> from & 1U) != 0) a.col(to++) = all.col(from);
  }
  // Columns of one size: how well they can be told apart must not depend on units.
  const Eigen::RowVectorXd sizes = a.colwise().norm();
  if (sizes.minCoeff() <= 0) return Eigen::VectorXd::Constant(columns, -1);
  constexpr double kAlike = 1e-6;
  Eigen::ColPivHouseholderQR<Eigen::MatrixXd> qr(a.array().rowwise() / sizes.array());
  qr.setThreshold(kAlike);
  if (qr.rank() < columns) return Eigen::VectorXd::Constant(columns, -1);
  return qr.solve(b).cwiseQuotient(sizes.transpose());
}

/// The same over the numbers of at least 0.
Eigen::VectorXd non_negative_least_squares(const Eigen::MatrixXd& a, const Eigen::VectorXd& b) {
  // Choices that differ by rounding alone fit alike.
  constexpr double kRelative = 1e-9;
  constexpr double kAbsolute = 1e-18;
  Eigen::VectorXd best = Eigen::VectorXd::Zero(a.cols());
  double least = std::numeric_limits<double>::infinity();
  for (unsigned chosen = 1; chosen < 1U << a.cols(); ++chosen) {
    const Eigen::VectorXd found = least_squares(a, b, chosen);
    if (found.minCoeff() < 0) continue;
    Eigen::VectorXd x = Eigen::VectorXd::Zero(a.cols());
    for (Eigen::Index from = 0, to = 0; to < a.cols(); ++to) {
      if ((chosen >> to & 1U) != 0) x[to] = found[from++];
    }
    const double error = (a * x - b).squaredNorm();
    if (!(error < least * (1 - kRelative) - kAbsolute)) continue;
    best = x;
    least = error;
  }
  return best;
}

/// With paths as `so_far` has them.
StepModel fit_paths(const std::vector<TimedStep>& steps, const StepModel& so_far) {
  Eigen::MatrixXd a(static_cast<Eigen::Index>(steps.size()), static_cast<Eigen::Index>(kCosts.size()));
  Eigen::VectorXd b(a.rows());  // of what was measured, the part that the costs have to explain
  for (Eigen::Index row = 0; row < a.rows(); ++row) {
    const TimedStep& step = steps[static_cast<std::size_t>(row)];
    const auto asked = amounts(step.shape, longest_path(so_far, step.shape));
    for (std::size_t cost = 0; cost < kCosts.size(); ++cost)
      a(row, static_cast<Eigen::Index>(cost)) = asked[cost] / step.seconds;
    b[row] = 1 - so_far.work.of_others(step.shape) / step.seconds;
  }
  const Eigen::VectorXd costs = non_negative_least_squares(a, b);
  StepModel model{.work = so_far.work};
  for (std::size_t cost = 0; cost < kCosts.size(); ++cost)
    model.*kCosts[cost] = costs[static_cast<Eigen::Index>(cost)];
  return model;
}

/// Those that `is_held` picks, by a model of the others; none if there are no others.
template <typename IsHeld>
std::vector<HeldOut> predict(const std::vector<TimedStep>& steps, const NetworkWork& work,
                             const IsHeld& is_held) {
  std::vector<TimedStep> others;
  std::ranges::remove_copy_if(steps, std::back_inserter(others), is_held);
  std::vector<HeldOut> held_out;
  if (others.empty()) return held_out;
  const StepModel model = fit_step_model(others, work);
  for (const TimedStep& step : steps) {
    if (is_held(step)) held_out.push_back({step, model.seconds(step.shape)});
  }
  return held_out;
}

}  // namespace

double NetworkWork::of_others(const StepShape& shape) const {
  return (shape.crowd - 1) * (message * shape.sent_messages + byte * shape.sent_bytes);
}

double StepModel::network(const StepShape& shape) const {
  return seconds_of(*this, shape, longest_path(*this, shape));
}

double StepModel::exchange(const StepShape& shape) const {
  return shape.crowd * (message * shape.messages + byte * shape.bytes) + network(shape) +
         work.of_others(shape);
}

double StepModel::seconds(const StepShape& shape) const {
  return shape.crowd * (step * shape.steps + sample * shape.rows) + exchange(shape);
}

StepModel fit_step_model(const std::vector<TimedStep>& steps, const NetworkWork& work) {
  LOCKSTEP_CHECK(!steps.empty());
  // Were messages all that costs, the path of all of them would take most.
  StepModel model = fit_paths(steps, {.link_message = 1, .work = work});
  constexpr int kMostRounds = 20;
  for (int round = 0; round < kMostRounds; ++round) {
    const StepModel next = fit_paths(steps, model);
    if (!(squared_error(next, steps) < squared_error(model, steps))) break;
    model = next;
  }
  return model;
}

std::vector<HeldOut> leave_one_out(const std::vector<TimedStep>& steps, const NetworkWork& work) {
  std::set<Index> counts;
  for (const TimedStep& step : steps) {
    if (step.ranks > 0) counts.insert(step.ranks);
  }
  std::vector<HeldOut> held_out;
  if (counts.size() < 2) return held_out;
  for (const Index ranks : counts) {
    const std::vector<HeldOut> more =
        predict(steps, work, [&](const TimedStep& step) { return step.ranks == ranks; });
    held_out.insert(held_out.end(), more.begin(), more.end());
  }
  return held_out;
}

std::vector<HeldOut> from_two_nodes(const std::vector<TimedStep>& steps, const NetworkWork& work) {
  const bool has_two =
      std::ranges::any_of(steps, [](const TimedStep& step) { return step.ranks > 0 && step.nodes == 2; });
  if (!has_two) return {};
  return predict(steps, work, [](const TimedStep& step) { return step.nodes > 2; });
}

double largest_error(const std::vector<HeldOut>& held_out) {
  double largest = 0;
  for (const HeldOut& one : held_out) largest = std::max(largest, std::abs(one.error()));
  return largest;
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
