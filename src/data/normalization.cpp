#include "lockstep/data/normalization.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>
#include <utility>

#include <nlohmann/json.hpp>

#include "core/json.hpp"
#include "core/multiversion.hpp"
#include "data/column_units.hpp"
#include "lockstep/core/error.hpp"

namespace lockstep {

namespace {

using SampleOf = std::function<Index(Index)>;

// 65536 squares of bytes still fit into 32 bits, which vectorise twice as wide as 64.
constexpr Index kBlock = 65536;

struct ByteSums {
  std::uint32_t sum = 0;
  std::uint32_t squares = 0;
};

LOCKSTEP_MULTIVERSION
ByteSums sum_block(const std::uint8_t* bytes, Index count, Index stride) {
  ByteSums sums;
  for (Index i = 0; i < count; ++i) {
    const std::uint32_t value = bytes[i * stride];
    sums.sum += value;
    sums.squares += value * value;
  }
  return sums;
}

// What is missing, NaN, adds nothing.
LOCKSTEP_MULTIVERSION
void add_row(const float* row, Index features, double* sum, double* count) {
  for (Index i = 0; i < features; ++i) {
    const bool is_there = row[i] == row[i];
    sum[i] += is_there ? static_cast<double>(row[i]) : 0.0;
    count[i] += is_there ? 1.0 : 0.0;
  }
}

LOCKSTEP_MULTIVERSION
void add_squares(const float* row, Index features, const double* mean, double* sum) {
  for (Index i = 0; i < features; ++i) {
    const bool is_there = row[i] == row[i];
    sum[i] += is_there ? (row[i] - mean[i]) * (row[i] - mean[i]) : 0.0;
  }
}

LOCKSTEP_MULTIVERSION
void widen_range(const float* row, Index features, float* smallest, float* largest) {
  for (Index i = 0; i < features; ++i) {
    smallest[i] = row[i] < smallest[i] ? row[i] : smallest[i];
    largest[i] = row[i] > largest[i] ? row[i] : largest[i];
  }
}

Normalization standard_of_bytes(const Dataset& data, Index count, const SampleOf& sample) {
  const Index features = data.description().features();
  const Index channels = data.description().channels();
  const Index pixels = features / channels;
  Normalization result;
  for (Index channel = 0; channel < channels; ++channel) {
    std::uint64_t sum = 0;
    std::uint64_t squares = 0;
    for (Index i = 0; i < count; ++i) {
      const std::uint8_t* row = data.bytes().data() + sample(i) * features + channel;
      for (Index first = 0; first < pixels; first += kBlock) {
        const ByteSums block = sum_block(row + first * channels, std::min(kBlock, pixels - first), channels);
        sum += block.sum;
        squares += block.squares;
      }
    }
    const auto values = static_cast<double>(count * pixels);
    const double mean = static_cast<double>(sum) / values;
    const double variance = static_cast<double>(squares) / values - mean * mean;
    result.shift.push_back(mean);
    result.scale.push_back(variance > 0.0 ? 1.0 / std::sqrt(variance) : 0.0);
  }
  return result;
}

/// The rows of a table in the order given, and what is known of its columns.
class Columns {
 public:
  /// `values`: [rows x width]; no `units`: all are {0, 1}.
  Columns(std::span<const float> values, Index width, const std::vector<ColumnUnit>& units, Index count,
          const SampleOf& sample)
      : values_(values), width_(width), units_(units), count_(count), sample_(sample) {
    const auto columns = static_cast<std::size_t>(width_);
    smallest_.assign(columns, std::numeric_limits<float>::infinity());
    largest_.assign(columns, -std::numeric_limits<float>::infinity());
    for (Index i = 0; i < count_; ++i) widen_range(row(i), width_, smallest_.data(), largest_.data());
    for (std::size_t i = 0; i < columns; ++i) {
      if (smallest_[i] > largest_[i]) smallest_[i] = largest_[i] = 0;  // all of it is missing
    }
  }

  Normalization of_kind(NormalizationKind kind) const {
    if (kind == NormalizationKind::kNone) {
      return of_stored_values(
          Normalization{std::vector(smallest_.size(), 0.0), std::vector(smallest_.size(), 1.0)}, units_);
    }
    return kind == NormalizationKind::kStandard ? standard() : unit();
  }

  std::vector<double> means() const { return means_and_counts().first; }

 private:
  Normalization unit() const {
    Normalization result;
    for (std::size_t i = 0; i < smallest_.size(); ++i) {
      const double range = static_cast<double>(largest_[i]) - smallest_[i];
      result.shift.push_back(smallest_[i]);
      result.scale.push_back(is_constant(i) ? 0.0 : 1.0 / range);
    }
    return result;
  }

  Normalization standard() const {
    auto [mean, count] = means_and_counts();
    std::vector<double> scale(smallest_.size(), 0.0);
    for (Index i = 0; i < count_; ++i) add_squares(row(i), width_, mean.data(), scale.data());
    for (std::size_t i = 0; i < scale.size(); ++i) {
      // The mean of equal numbers may be rounded, and would leave a deviation of nothing but that.
      const bool constant = is_constant(i);
      if (constant) mean[i] = smallest_[i];
      scale[i] = constant ? 0.0 : 1.0 / std::sqrt(scale[i] / count[i]);
    }
    return {std::move(mean), std::move(scale)};
  }

  /// Of each column; the mean of no values is 0.
  std::pair<std::vector<double>, std::vector<double>> means_and_counts() const {
    std::vector<double> mean(smallest_.size(), 0.0);
    std::vector<double> count(smallest_.size(), 0.0);
    for (Index i = 0; i < count_; ++i) add_row(row(i), width_, mean.data(), count.data());
    for (std::size_t i = 0; i < mean.size(); ++i) mean[i] /= std::max(count[i], 1.0);
    return {std::move(mean), std::move(count)};
  }

  bool is_constant(std::size_t column) const {
    const ColumnUnit unit = units_.empty() ? ColumnUnit() : units_[column];
    const double smallest = unit.origin + unit.unit * smallest_[column];
    const double largest = unit.origin + unit.unit * largest_[column];
    return largest - smallest <= kRoundingOfSums * std::max(std::abs(smallest), std::abs(largest));
  }

  const float* row(Index i) const { return values_.data() + sample_(i) * width_; }

  std::span<const float> values_;
  Index width_;
  const std::vector<ColumnUnit>& units_;
  Index count_;
  const SampleOf& sample_;
  std::vector<float> smallest_;
  std::vector<float> largest_;
};

/// That of a table whose columns are described: indicators stay as they are, and gaps have their value.
Normalization of_described_table(NormalizationKind kind, const Columns& columns,
                                 const std::vector<bool>& are_indicators) {
  const std::vector<double> means = columns.means();
  Normalization result = columns.of_kind(kind);
  for (std::size_t i = 0; i < means.size(); ++i) {
    if (are_indicators[i]) {
      result.shift[i] = 0;
      result.scale[i] = 1;
    }
    result.missing.push_back((means[i] - result.shift[i]) * result.scale[i]);
  }
  return result;
}

bool all_finite(const std::vector<double>& values) {
  return std::all_of(values.begin(), values.end(), [](double value) { return std::isfinite(value); });
}

}  // namespace

bool fits(const Normalization& normalization, const DatasetDescription& data) {
  const Index pairs = std::ssize(normalization.shift);
  const Index fills = std::ssize(normalization.missing);
  if (fills > 0 && (fills != pairs || pairs != data.features())) return false;
  return pairs <= 1 || pairs == data.channels() || pairs == data.features();
}

Normalization compute_normalization(NormalizationKind kind, const Dataset& data, Index count,
                                    const SampleOf& sample) {
  LOCKSTEP_CHECK(count > 0);
  const DatasetDescription& description = data.description();
  if (!description.columns.empty()) {
    const Columns columns(data.values(), description.features(), description.units, count, sample);
    return of_described_table(kind, columns, are_indicators(description.columns));
  }
  if (kind == NormalizationKind::kNone) return {};
  if (description.storage == Storage::kBytes) {
    return kind == NormalizationKind::kStandard ? standard_of_bytes(data, count, sample)
                                                : Normalization{{0.0}, {1.0 / 255.0}};
  }
  return Columns(data.values(), description.features(), description.units, count, sample).of_kind(kind);
}

Normalization compute_target_normalization(NormalizationKind kind, const Dataset& data, Index count,
                                           const SampleOf& sample) {
  LOCKSTEP_CHECK(count > 0);
  const DatasetDescription& description = data.description();
  if (kind == NormalizationKind::kNone || description.task != Task::kRegression) return {};
  Normalization result = Columns(data.targets(), description.targets, {}, count, sample).of_kind(kind);
  std::replace(result.scale.begin(), result.scale.end(), 0.0, 1.0);
  return result;
}

double denormalized(const Normalization& normalization, std::size_t i, double normalized) {
  const std::size_t pairs = normalization.shift.size();
  if (pairs == 0) return normalized;
  const double scale = normalization.scale[i % pairs];
  return normalization.shift[i % pairs] + (scale == 0 ? 0 : normalized / scale);
}

Normalization of_stored_values(Normalization of_file, const std::vector<ColumnUnit>& units) {
  if (units.empty()) return of_file;
  if (of_file.shift.size() <= 1) {  // one for all
    const double shift = of_file.shift.empty() ? 0.0 : of_file.shift.front();
    const double scale = of_file.scale.empty() ? 1.0 : of_file.scale.front();
    of_file.shift.assign(units.size(), shift);
    of_file.scale.assign(units.size(), scale);
  }
  LOCKSTEP_CHECK(of_file.shift.size() == units.size());
  for (std::size_t i = 0; i < units.size(); ++i) {
    of_file.shift[i] = (of_file.shift[i] - units[i].origin) / units[i].unit;
    of_file.scale[i] *= units[i].unit;
  }
  return of_file;
}

Normalization of_file_values(Normalization of_stored, const std::vector<ColumnUnit>& units) {
  for (std::size_t i = 0; i < units.size() && !of_stored.shift.empty(); ++i) {
    of_stored.shift[i] = units[i].origin + units[i].unit * of_stored.shift[i];
    of_stored.scale[i] /= units[i].unit;
  }
  return of_stored;
}

SampleNormalization of_stored_values(SampleNormalization of_file, const std::vector<ColumnUnit>& units) {
  return {of_stored_values(std::move(of_file.features), units), std::move(of_file.targets)};
}

std::string to_text(const Normalization& normalization) {
  nlohmann::json json = {{"shift", normalization.shift}, {"scale", normalization.scale}};
  if (!normalization.missing.empty()) json["missing"] = normalization.missing;
  return json_text(json);
}

Normalization normalization_from_text(const std::string& text) {
  Normalization result;
  try {
    const nlohmann::json json = parse_json<nlohmann::json>(text);
    json.at("shift").get_to(result.shift);
    json.at("scale").get_to(result.scale);
    if (json.contains("missing")) json.at("missing").get_to(result.missing);
  } catch (const nlohmann::json::exception&) {
    fail_input(
        "normalisation: expected JSON with the lists 'shift' and 'scale', found something else; "
        "is the weights file damaged?");
  }
  if (result.shift.size() != result.scale.size() || !all_finite(result.shift) || !all_finite(result.scale) ||
      !all_finite(result.missing)) {
    fail_input(
        "normalisation: expected as many finite numbers in 'shift' ({}) as in 'scale' ({}); "
        "is the weights file damaged?",
        result.shift.size(), result.scale.size());
  }
  return result;
}

}  // namespace lockstep
