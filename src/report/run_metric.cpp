#include "report/run_metric.hpp"

#include <algorithm>
#include <cctype>
#include <map>

namespace lockstep {

MetricText metric_text(const std::string& name) {
  static const std::map<std::string, MetricText> known = {
      {"loss",
       {"loss", "Loss",
        "In training over each step's global batch; held-out samples are evaluated as a whole.", true}},
      {"accuracy",
       {"accuracy", "Accuracy", "The share of samples, or of their labels, that are predicted right."}},
      {"balanced_accuracy",
       {"balanced accuracy", "Balanced accuracy",
        "The mean over the classes of the share of their samples "
        "that are classified correctly."}},
      {"macro_f1",
       {"macro F1", "Macro F1", "The mean over the classes of the harmonic mean of precision and recall."}},
      {"auc",
       {"AUC", "AUC", "The area under the receiver operating characteristic; of several labels their mean."}},
      {"log_loss",
       {"log loss", "Log loss", "The mean cross-entropy, without what the loss adds to it.", true}},
      {"calibration_error",
       {"calibration error", "Calibration error",
        "How far the probability of the predicted class is from how often it is right, in the mean over 15 "
        "bins.",
        true}},
      {"rmse", {"RMSE", "RMSE", "The root of the mean squared error, in the targets' unit.", true}},
      {"mae", {"MAE", "MAE", "The mean absolute error, in the targets' unit.", true}},
      {"r2", {"R²", "R²", "The share of the targets' variance that is explained."}}};
  const auto found = known.find(name);
  if (found != known.end()) return found->second;
  MetricText text{.name = name, .title = {}, .description = {}};
  std::replace(text.name.begin(), text.name.end(), '_', ' ');
  text.title = text.name;
  if (!text.title.empty()) {
    text.title.front() = static_cast<char>(std::toupper(static_cast<unsigned char>(text.title.front())));
  }
  return text;
}

}  // namespace lockstep
