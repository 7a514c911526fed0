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
      {"accuracy", {"accuracy", "Accuracy", "The share of samples that are classified correctly."}},
      {"balanced_accuracy",
       {"balanced accuracy", "Balanced accuracy",
        "The mean over the classes of the share of their samples "
        "that are classified correctly."}},
      {"f1", {"F1", "F1", "The harmonic mean of precision and recall."}},
      {"auc", {"AUC", "AUC", "The area under the receiver operating characteristic."}},
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
