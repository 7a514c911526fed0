#include <algorithm>
#include <limits>
#include <optional>
#include <vector>

#include "lockstep/core/functions.hpp"
#include "train/evaluation/measures.hpp"
#include "train/evaluation/meter.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

namespace {

constexpr double kNotKnown = std::numeric_limits<double>::quiet_NaN();

/// What probabilities say of the samples of a chunk; NaN where outputs are not finite.
struct ProbabilitySums {
  double log_loss = 0;
  CalibrationSums calibration = {};
};

class ClassMeter final : public Meter {
 public:
  ClassMeter(const Loss& loss, const Selection& selection)
      : loss_(loss),
        selection_(selection),
        classes_(static_cast<std::size_t>(selection.data.description().classes)) {}

  void see(const Answers& answers) override {
    ProbabilitySums sums;
    for (Index row = 0; row < answers.batch.rows(); ++row) {
      const auto label = static_cast<std::size_t>(answers.batch.labels[static_cast<std::size_t>(row)]);
      const std::optional<Index> predicted = predicted_class(answers.outputs, row);
      count(label, predicted);
      if (is_binary()) {
        scores_.add(static_cast<double>(answers.outputs(row, 1)) - answers.outputs(row, 0), label == 1);
      }
      if (loss_.has_probabilities()) add_probabilities(answers, row, label, predicted, sums);
    }
    if (loss_.has_probabilities()) chunks_.push_back(sums);
  }

  void finish(Communicator& communicator, Evaluation& evaluation) override {
    add_up(communicator);
    Index correct = 0;
    for (const ClassCounts& one : classes_) correct += one.correct;
    evaluation.accuracy = static_cast<double>(correct) / static_cast<double>(selection_.count);
    evaluation.classes = scores_of(classes_);
    evaluation.measures.push_back({"balanced_accuracy", balanced_accuracy(evaluation.classes)});
    evaluation.measures.push_back({"macro_f1", macro_f1(evaluation.classes)});
    if (is_binary()) {
      evaluation.measures.push_back({"auc", area_under_curve(communicator, scores_)});
    }
    if (!loss_.has_probabilities()) return;
    ProbabilitySums all;
    for (const ProbabilitySums& chunk : gather_chunks(communicator, selection_, chunks_)) {
      all.log_loss += chunk.log_loss;
      for (std::size_t bin = 0; bin < kCalibrationBins; ++bin) all.calibration[bin] += chunk.calibration[bin];
    }
    if (!loss_.is_log_loss() || !selection_.data.sample_weights().empty()) {
      evaluation.measures.push_back({"log_loss", all.log_loss / static_cast<double>(selection_.count)});
    }
    evaluation.measures.push_back(
        {"calibration_error", calibration_error(all.calibration, selection_.count)});
  }

 private:
  bool is_binary() const { return classes_.size() == 2; }

  void count(std::size_t label, std::optional<Index> predicted) {
    ++classes_[label].samples;
    if (!predicted) return;
    const auto answer = static_cast<std::size_t>(*predicted);
    ++classes_[answer].predicted;
    if (answer == label) ++classes_[answer].correct;
  }

  void add_probabilities(const Answers& answers, Index row, std::size_t label, std::optional<Index> predicted,
                         ProbabilitySums& sums) {
    if (!predicted) {
      sums.log_loss = kNotKnown;
      sums.calibration.fill(kNotKnown);
      return;
    }
    const auto answer = static_cast<std::size_t>(*predicted);
    const std::span<const Real> outputs(answers.outputs.data() + row * answers.outputs.cols(),
                                        classes_.size());
    double probability = 0;
    if (loss_.is_log_loss()) {
      // The loss has the logarithm of the softmax's sum already, which takes longer than all else here.
      probability = portable::exp(static_cast<double>(outputs[answer]) - outputs[label] -
                                  answers.losses[static_cast<std::size_t>(row)]);
      sums.log_loss += answers.losses[static_cast<std::size_t>(row)];
    } else {
      probabilities_.resize(classes_.size());
      loss_.row_probabilities(outputs, probabilities_);
      probability = probabilities_[answer];
      sums.log_loss -= portable::log(std::max(probabilities_[label], std::numeric_limits<double>::min()));
    }
    sums.calibration[calibration_bin(probability)] += (answer == label ? 1 : 0) - probability;
  }

  /// Collective.
  void add_up(Communicator& communicator) {
    const auto all = all_gather_list<ClassCounts>(communicator, classes_);
    std::fill(classes_.begin(), classes_.end(), ClassCounts{});
    for (std::size_t i = 0; i < all.size(); ++i) {
      ClassCounts& sum = classes_[i % classes_.size()];
      sum.samples += all[i].samples;
      sum.predicted += all[i].predicted;
      sum.correct += all[i].correct;
    }
  }

  const Loss& loss_;
  const Selection& selection_;
  std::vector<ClassCounts> classes_;
  std::vector<ProbabilitySums> chunks_;
  AnswerScores scores_;  // of two classes: for the second, against the first
  std::vector<double> probabilities_;
};

}  // namespace

std::unique_ptr<Meter> make_class_meter(const Loss& loss, const Selection& selection) {
  return std::make_unique<ClassMeter>(loss, selection);
}

}  // namespace lockstep::inline LOCKSTEP_REAL
