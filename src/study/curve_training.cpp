#include "study/curve_training.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "core/named.hpp"
#include "lockstep/core/error.hpp"
#include "lockstep/nn/weights.hpp"
#include "lockstep/parallel/agreement.hpp"
#include "study/numbers.hpp"

namespace lockstep {

namespace {

double weight_norm(const Network& model) {
  double sum = 0;
  for (const ParameterTensor& tensor : model.layout().tensors()) {
    if (tensor.role != TensorRole::kWeight) continue;
    for (Index i = tensor.range.offset; i < tensor.range.offset + tensor.range.size; ++i) {
      const double w = model.parameters()[static_cast<std::size_t>(i)];
      sum += w * w;
    }
  }
  return std::sqrt(sum);
}

double loss_of(const Evaluation& evaluation) {
  return std::isfinite(evaluation.loss) ? evaluation.loss : kInfinity;
}

/// By name, see measured_parts: training, then what is held out; or only the part to choose by, see
/// choice_part.
std::vector<std::pair<std::string, Selection>> parts_of(const Problem& problem, bool all) {
  const auto held_out = held_out_parts(problem);
  if (!all && problem.split.validation_size() > 0) return {held_out.front()};
  std::vector<std::pair<std::string, Selection>> parts = {{"training", training_part(problem)}};
  if (!all) return parts;
  for (const auto& part : held_out) parts.push_back(part);
  return parts;
}

/// The samples of `steps` steps.
double samples_of(const TrainingPlan& plan, Index training_samples, std::uint64_t steps) {
  const auto of_epoch = static_cast<std::uint64_t>(plan.steps_per_epoch);
  const std::uint64_t epochs = steps / of_epoch;
  const std::uint64_t rest = steps % of_epoch;
  return static_cast<double>(epochs) * static_cast<double>(training_samples) +
         static_cast<double>(rest) * static_cast<double>(plan.batch_size);
}

}  // namespace

CurveTraining::CurveTraining(const Config& config, Problem problem, Communicator& communicator,
                             Index evaluations, AfterStep after_step)
    : communicator_(communicator),
      problem_(std::move(problem)),
      trainer_(communicator, make_model(config, problem_), problem_, config.training),
      evaluations_(std::min(static_cast<std::uint64_t>(evaluations), plan().total_steps)),
      after_step_(std::move(after_step)),
      stopping_(config.stopping) {
  curve_.seed = config.training.seed;
  curve_.whole_samples = samples_of(plan(), problem_.split.training_size(), plan().total_steps);
}

void CurveTraining::begin(bool all_parts) {
  try {
    measure(all_parts);
  } catch (const Diverged&) {
    curve_.diverged = true;
  }
}

void CurveTraining::begin(const Curve& curve, const Checkpoint& state) {
  trainer_.restore(state.state);
  Standing standing = state.standing;
  communicator_.broadcast(std::as_writable_bytes(std::span(&standing, 1)), 0);
  stopping_.restore(standing);
  curve_.points = curve.points;
  curve_.note = curve.note;
  samples_ = curve.points.back().samples;
}

void CurveTraining::run(std::uint64_t last) {
  const Hooks hooks{.after_step = [this](const StepReport& report) {
    samples_ += static_cast<double>(report.samples);
    after_step_(report, plan());
    if (stopping_.is_on() && report.step == plan().next_epoch_end(report.step - 1)) {
      stopping_.add(report.step, report.epoch, trainer_.evaluate(held_out_parts(problem_).front().second));
    }
  }};
  try {
    while (trainer_.steps_done() < last && !curve_.diverged && !stopping_.has_to_stop()) {
      const std::uint64_t evaluation = next_evaluation();
      const std::uint64_t end = std::min(last, evaluation);
      while (trainer_.steps_done() < end && !stopping_.has_to_stop()) {
        trainer_.run(std::min(end, plan().next_epoch_end(trainer_.steps_done())), hooks);
      }
      measure(trainer_.steps_done() == evaluation || stopping_.has_to_stop());
    }
  } catch (const Diverged&) {
    curve_.diverged = true;
  }
}

Curve CurveTraining::curve() {
  curve_.samples = samples_;
  curve_.weights_digest = weights_digest(trainer_.whole_network());
  return curve_;
}

void CurveTraining::save(const std::filesystem::path& file) {
  Checkpoint checkpoint;
  checkpoint.state = trainer_.state();
  checkpoint.standing = stopping_.standing();
  together(communicator_, [&] {
    if (communicator_.rank() != 0) return;
    write_checkpoint(file, checkpoint, trainer_.network().layout(),
                     weights_metadata(trainer_.network(), problem_));
  });
}

/// The first step after those done at which all parts are measured.
std::uint64_t CurveTraining::next_evaluation() const {
  std::uint64_t i = 1;
  while (plan().total_steps * i / evaluations_ <= trainer_.steps_done()) ++i;
  return plan().total_steps * i / evaluations_;
}

void CurveTraining::measure(bool all_parts) {
  Measurement m{.step = trainer_.steps_done(),
                .epoch = samples_ / static_cast<double>(problem_.split.training_size()),
                .samples = samples_,
                .weight_norm = weight_norm(trainer_.whole_network())};
  curve_.held_out.clear();
  for (const auto& [name, selection] : parts_of(problem_, all_parts)) {
    const MeasuredPart& part = *find_named(measured_parts(), name);
    const Evaluation evaluation = trainer_.evaluate(selection);
    m.*part.loss = loss_of(evaluation);
    m.*part.accuracy = evaluation.accuracy.value_or(kNothing);
    if (name == "training") continue;
    m.gap = m.*part.loss - m.training_loss;
    curve_.held_out.emplace_back(name, evaluation);
    const std::string reason = nonfinite_text(evaluation);
    if (curve_.note.empty() && !reason.empty()) curve_.note = fmt::format("{} part: {}", name, reason);
  }
  const bool is_first = m.step == 0;
  if (std::isinf(m.training_loss) && !is_first) throw Diverged("the training loss is no longer finite");
  curve_.points.push_back(m);
}

Curve train_curve(const Config& config, Communicator& communicator, Index evaluations,
                  const AfterStep& after_step) {
  CurveTraining training(config, make_problem(config, communicator), communicator, evaluations, after_step);
  training.begin(true);
  training.run(training.plan().total_steps);
  return training.curve();
}

}  // namespace lockstep
