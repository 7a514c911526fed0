#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "train/evaluation/measures.hpp"
#include "train/evaluation/meter.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

namespace {

/// Of labels of 0 and 1, each a question of its own.
class LabelMeter final : public Meter {
 public:
  explicit LabelMeter(const Selection& selection) : selection_(selection) {
    const auto labels = static_cast<std::size_t>(selection.data.description().targets);
    if (labels <= kMostRankedLabels) scores_.resize(labels);
  }

  void see(const Answers& answers) override {
    correct_ += count_correct(answers.outputs, answers.batch.targets);
    for (std::size_t k = 0; k < scores_.size(); ++k) {
      for (Index row = 0; row < answers.batch.rows(); ++row) {
        const std::size_t at = static_cast<std::size_t>(row) * scores_.size() + k;
        scores_[k].add(answers.outputs(row, static_cast<Index>(k)), answers.batch.targets[at] > 0);
      }
    }
  }

  void finish(Communicator& communicator, Evaluation& evaluation) override {
    const std::vector<Index> correct = all_gather(communicator, correct_);
    const double answers =
        static_cast<double>(selection_.count) * static_cast<double>(selection_.data.description().targets);
    evaluation.accuracy = std::accumulate(correct.begin(), correct.end(), 0.0) / answers;
    if (scores_.empty()) return;
    double sum = 0;
    double count = 0;
    for (const AnswerScores& label : scores_) {
      const double area = area_under_curve(communicator, label);
      if (std::isnan(area)) continue;
      sum += area;
      ++count;
    }
    const bool is_known = count > 0 && evaluation.nonfinite.count == 0;
    evaluation.measures.push_back({"auc", is_known ? sum / count : std::numeric_limits<double>::quiet_NaN()});
  }

 private:
  const Selection& selection_;
  Index correct_ = 0;
  std::vector<AnswerScores> scores_;  // of each label
};

class TargetMeter final : public Meter {
 public:
  TargetMeter(const Normalization& targets, const Selection& selection)
      : normalization_(targets), selection_(selection), targets_(selection.data.description().targets) {}

  void see(const Answers& answers) override {
    for (Index k = 0; k < targets_; ++k) chunks_.push_back(sums_of(answers, k));
  }

  void finish(Communicator& communicator, Evaluation& evaluation) override {
    std::vector<TargetSums> targets(static_cast<std::size_t>(targets_));
    const auto all = gather_chunks(communicator, selection_, chunks_, targets_);
    for (std::size_t i = 0; i < all.size(); ++i) add(targets[i % targets.size()], all[i]);
    TargetScores mean;
    for (const TargetSums& target : targets) {
      const TargetScores scores = scores_of(target);
      evaluation.targets.push_back(scores);
      mean.rmse += scores.rmse / static_cast<double>(targets_);
      mean.mae += scores.mae / static_cast<double>(targets_);
      mean.r2 += scores.r2 / static_cast<double>(targets_);
    }
    evaluation.measures = {{"rmse", mean.rmse}, {"mae", mean.mae}, {"r2", mean.r2}};
  }

 private:
  TargetSums sums_of(const Answers& answers, Index k) const {
    const auto target = [&](Index row) {
      const Index sample = answers.batch.samples[static_cast<std::size_t>(row)];
      return static_cast<double>(selection_.data.targets()[static_cast<std::size_t>(sample * targets_ + k)]);
    };
    TargetSums sums{.samples = answers.batch.rows()};
    for (Index row = 0; row < sums.samples; ++row) sums.mean += target(row);
    sums.mean /= static_cast<double>(sums.samples);
    for (Index row = 0; row < sums.samples; ++row) {
      const double deviation = target(row) - sums.mean;
      const double error =
          denormalized(normalization_, static_cast<std::size_t>(k), answers.outputs(row, k)) - target(row);
      sums.deviations += deviation * deviation;
      sums.squares += error * error;
      sums.amounts += std::abs(error);
    }
    return sums;
  }

  const Normalization& normalization_;
  const Selection& selection_;
  Index targets_;
  std::vector<TargetSums> chunks_;  // [chunks x targets]
};

}  // namespace

double area_under_curve(Communicator& communicator, const AnswerScores& scores) {
  return area_under_curve(all_gather_list<double>(communicator, scores.yes),
                          all_gather_list<double>(communicator, scores.no));
}

std::unique_ptr<Meter> make_label_meter(const Selection& selection) {
  return std::make_unique<LabelMeter>(selection);
}

std::unique_ptr<Meter> make_target_meter(const Normalization& targets, const Selection& selection) {
  return std::make_unique<TargetMeter>(targets, selection);
}

}  // namespace lockstep::inline LOCKSTEP_REAL
