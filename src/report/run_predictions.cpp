#include <algorithm>
#include <cmath>
#include <cstdint>
#include <exception>
#include <limits>
#include <numeric>
#include <span>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/text.hpp"
#include "lockstep/core/error.hpp"
#include "report/run_sections.hpp"

namespace lockstep {

namespace {

using Json = nlohmann::ordered_json;

/// Throws what the caller turns into the error for a damaged file.
void expect(bool holds, const char* what) {
  if (!holds) throw std::invalid_argument(what);
}

/// "100 test samples. Outputs or loss of 1 of them are not finite (sample 7)."
std::string sentence(const Json& predictions) {
  const std::string samples = count_of(predictions.at("samples").get<std::int64_t>(),
                                       predictions.at("part").get<std::string>() + " sample");
  if (!predictions.contains("nonfinite")) return samples + ".";
  const auto count = predictions.at("nonfinite").get<std::size_t>();
  const auto first = predictions.at("nonfinite_samples").get<std::vector<std::uint64_t>>();
  return fmt::format("{}. Outputs or loss of {} of them are not finite (sample{} {}{}).", samples, count,
                     count == 1 ? "" : "s", fmt::join(first, ", "), first.size() < count ? ", …" : "");
}

/// A number as text, or that it is none.
std::string shown(double value, const char* digits) {
  return std::isfinite(value) ? fmt::format(fmt::runtime(digits), value) : "not finite";
}

/// Of what may be null: a sample whose outputs are not finite is taken for no class.
std::string class_or_none(const Json& sample) {
  const Json& predicted = sample.at("predicted");
  return predicted.is_null() ? "no class" : predicted.get<std::string>();
}

/// Numbers, NaN for null.
std::vector<double> numbers(const Json& list) {
  std::vector<double> values;
  values.reserve(list.size());
  for (const Json& value : list) {
    values.push_back(value.is_null() ? std::numeric_limits<double>::quiet_NaN() : value.get<double>());
  }
  return values;
}

Json confusion_matrix(const Json& predictions, const std::string& run) {
  const auto classes = predictions.at("classes").get<std::vector<std::string>>();
  const auto counts = predictions.at("confusion").get<std::vector<std::vector<std::uint64_t>>>();
  expect(counts.size() == classes.size(), "confusion needs a row a class");
  for (const auto& row : counts) expect(row.size() == classes.size(), "confusion needs a column a class");
  return {{"type", "matrix"},     {"title", "Confusion matrix" + run}, {"description", sentence(predictions)},
          {"rows", "true class"}, {"columns", "predicted class"},      {"labels", classes},
          {"values", counts}};
}

/// Of each class: accuracy is the part of its samples that are taken for it (recall), precision the part of
/// what is taken for it that is it, F1 their harmonic mean.
Json by_class(const Json& predictions, const std::string& run) {
  const auto classes = predictions.at("classes").get<std::vector<std::string>>();
  const auto counts = predictions.at("confusion").get<std::vector<std::vector<std::uint64_t>>>();
  const auto part = [](std::uint64_t of, std::uint64_t all) {
    return all == 0 ? Json() : Json(static_cast<double>(of) / static_cast<double>(all));
  };
  Json rows = Json::array();
  for (std::size_t i = 0; i < classes.size(); ++i) {
    std::uint64_t taken = 0;
    for (const auto& row : counts) taken += row[i];
    const std::uint64_t samples = std::accumulate(counts[i].begin(), counts[i].end(), std::uint64_t{0});
    const std::uint64_t right = counts[i][i];
    rows.push_back(
        {classes[i], samples, part(right, samples), part(right, taken), part(2 * right, samples + taken)});
  }
  return {{"type", "table"},
          {"title", "Each class" + run},
          {"folded", true},
          {"description", "Of the " + sentence(predictions)},
          {"columns",
           {{{"name", "class"}, {"number", false}},
            {{"name", "samples"}, {"number", true}},
            {{"name", "accuracy"}, {"number", true}},
            {{"name", "precision"}, {"number", true}},
            {{"name", "F1"}, {"number", true}}}},
          {"rows", rows}};
}

Json image(const Json& sample, const std::string& caption) {
  const auto width = sample.at("width").get<std::size_t>();
  const auto height = sample.at("height").get<std::size_t>();
  const auto channels = sample.value("channels", std::size_t{1});
  const auto pixels = sample.at("pixels").get<std::string>();
  expect(channels == 1 || channels == 3, "pixels need 1 or 3 channels");
  expect(pixels.size() == (width * height * channels + 2) / 3 * 4,
         "pixels need width x height x channels bytes in base64");
  return {
      {"width", width}, {"height", height}, {"channels", channels}, {"pixels", pixels}, {"caption", caption}};
}

std::string caption_of_worst(const Json& sample) {
  return fmt::format("{}, taken for {}: p = {}, loss {}, sample {}", sample.at("label").get<std::string>(),
                     class_or_none(sample), shown(number(sample, "probability"), "{:.2g}"),
                     shown(number(sample, "loss"), "{:.3g}"), sample.at("sample").get<std::uint64_t>());
}

/// Images where the samples are some, else a table.
Json worst_samples(const Json& predictions, const std::string& run) {
  const Json& worst = predictions.at("worst");
  const std::string description = "The largest losses of the " + sentence(predictions);
  const std::string title = "Worst-classified samples" + run;
  if (worst.at(0).contains("pixels")) {
    Json items = Json::array();
    for (const Json& sample : worst) items.push_back(image(sample, caption_of_worst(sample)));
    return {{"type", "images"}, {"title", title}, {"description", description}, {"items", items}};
  }
  Json rows = Json::array();
  for (const Json& sample : worst) {
    rows.push_back({sample.at("sample"), sample.at("label"), class_or_none(sample), sample.at("probability"),
                    sample.at("loss")});
  }
  return {{"type", "table"},
          {"title", title},
          {"description", description},
          {"columns",
           {{{"name", "sample"}, {"number", true}},
            {{"name", "true class"}, {"number", false}},
            {{"name", "predicted class"}, {"number", false}},
            {{"name", "probability of the true class"}, {"number", true}},
            {{"name", "loss"}, {"number", true}}}},
          {"rows", rows}};
}

Json points_chart(const std::string& id, const std::string& title, const std::string& description,
                  const std::string& x, const std::string& y, Json series) {
  return {{"type", "chart"},
          {"id", id},
          {"title", title},
          {"description", description},
          {"kind", "points"},
          {"x", {{"title", x}, {"log", false}}},
          {"y", {{"title", y}, {"log", false}}},
          {"series", std::move(series)}};
}

/// The least and the largest finite value, where there are any.
std::vector<double> ends_of(std::vector<double> values) {
  std::erase_if(values, [](double value) { return !std::isfinite(value); });
  if (values.empty()) return {};
  const auto [least, most] = std::minmax_element(values.begin(), values.end());
  return {*least, *most};
}

void add_regression(Json& sections, const Json& predictions, const std::string& run) {
  const std::vector<double> targets = numbers(predictions.at("targets"));
  const std::vector<double> predicted = numbers(predictions.at("predictions"));
  expect(!targets.empty() && targets.size() == predicted.size(),
         "targets and predictions need the same number");
  const std::string of_what = fmt::format("{} of the {}", targets.size(), sentence(predictions));
  const std::vector<double> ends = ends_of(targets);
  sections.push_back(points_chart("predictions" + run, "Predicted against target" + run, of_what, "target",
                                  "predicted",
                                  {{{"name", "samples"}, {"x", targets}, {"y", predicted}},
                                   {{"name", "exact"}, {"style", "dashed"}, {"x", ends}, {"y", ends}}}));
  std::vector<double> residuals(targets.size());
  for (std::size_t i = 0; i < targets.size(); ++i) residuals[i] = predicted[i] - targets[i];
  const std::vector<double> width = ends_of(predicted);
  sections.push_back(points_chart(
      "residuals" + run, "Residuals" + run,
      of_what + " Predicted less target: without a pattern where the network has learned all that there is.",
      "predicted", "residual",
      {{{"name", "samples"}, {"x", predicted}, {"y", residuals}},
       {{"name", "exact"}, {"style", "dashed"}, {"x", width}, {"y", std::vector<double>(width.size())}}}));
}

void add_augmented(Json& sections, const Json& augmented, const std::string& run) {
  Json items = Json::array();
  for (const Json& picture : augmented.at("pictures")) {
    const std::string label = picture.value("label", std::string());
    items.push_back(image(picture, fmt::format("{}sample {}, epoch {}", label.empty() ? "" : label + ", ",
                                               picture.at("sample").get<std::uint64_t>(),
                                               picture.at("epoch").get<std::uint64_t>())));
  }
  sections.push_back(
      {{"type", "images"},
       {"title", "Augmented training samples" + run},
       {"description", fmt::format("What the first epochs make of some training samples by {}.",
                                   augmented.at("augment").get<std::string>())},
       {"items", items}});
}

void add_filters(Json& sections, const Json& filters, const std::string& run) {
  Json items = Json::array();
  for (const Json& picture : filters.at("pictures")) {
    items.push_back(image(picture, fmt::format("filter {}", picture.at("filter").get<std::uint64_t>())));
  }
  sections.push_back(
      {{"type", "images"},
       {"title", "First filters" + run},
       {"description",
        fmt::format("{} of the {} windows of {}. Middle grey is 0, each window's largest weight "
                    "black or white.",
                    items.size(), filters.at("filters").get<std::uint64_t>(),
                    filters.at("tensor").get<std::string>())},
       {"items", items}});
}

void add_predictions(Json& sections, const Json& predictions, const std::string& run) {
  const auto task = predictions.at("task").get<std::string>();
  expect(task == "classification" || task == "regression", "task must be classification or regression");
  if (task == "regression") {
    add_regression(sections, predictions, run);
    return;
  }
  // Too many classes have none.
  if (predictions.contains("confusion")) {
    sections.push_back(confusion_matrix(predictions, run));
    sections.push_back(by_class(predictions, run));
  }
  if (predictions.contains("worst") && !predictions["worst"].empty()) {
    sections.push_back(worst_samples(predictions, run));
  }
}

}  // namespace

Json prediction_sections(const std::vector<RunRecord>& runs) {
  Json sections = Json::array();
  const auto add = [&](const RunRecord& run, const Json& content, const char* file, const auto& add_content) {
    if (content.is_null()) return;
    try {
      add_content(sections, content, runs.size() == 1 ? "" : ": " + run.name);
    } catch (const std::exception& error) {
      fail_input("{}: damaged ({}); restore or remove it", (run.folder / file).string(), error.what());
    }
  };
  for (const RunRecord& run : std::span(runs).first(std::min(runs.size(), kMostWithPredictions))) {
    add(run, run.predictions, "predictions.json", add_predictions);
    add(run, run.augmented, "augmented.json", add_augmented);
    add(run, run.filters, "filters.json", add_filters);
  }
  return sections;
}

}  // namespace lockstep
