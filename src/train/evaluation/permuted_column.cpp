#include "train/evaluation/permuted_column.hpp"

#include <algorithm>
#include <memory>

#include <fmt/format.h>

#include "lockstep/core/error.hpp"
#include "lockstep/data/batch.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

namespace {

std::string name_or_place(const std::string& name, Index first, Index count) {
  if (!name.empty()) return name;
  if (count == 1) return fmt::format("feature {}", first);
  return fmt::format("features {} to {}", first, first + count - 1);
}

}  // namespace

std::vector<ColumnFeatures> columns_with_features(const DatasetDescription& data) {
  if (data.feature_shape.size() > 1) {
    fail_input("{}: its samples are pictures, which have no columns to permute; expected a table", data.name);
  }
  std::vector<ColumnFeatures> columns;
  Index first = 0;
  for (const TableColumn& column : data.table_columns()) {
    const Index count = column.features();
    if (count > 0) columns.push_back({name_or_place(column.name, first, count), first, count});
    first += count;
  }
  return columns;
}

Selection with_permuted_column(const Selection& selection, const SampleNormalization& normalization,
                               const ColumnFeatures& column, const Permutation& order) {
  LOCKSTEP_CHECK(order.size() == selection.count);
  Selection permuted = selection;
  const auto others = std::make_shared<Batch>();
  permuted.change = [&, others](Index first, Batch& batch) {
    others->samples.resize(batch.samples.size());
    order.map(first, others->samples);
    for (Index& sample : others->samples) sample = selection.sample(sample);
    gather(selection.data, normalization, *others);
    const Index features = selection.data.description().features();
    for (Index row = 0; row < batch.rows(); ++row) {
      const Index at = row * features + column.first;
      std::copy_n(others->features.begin() + at, column.count, batch.features.begin() + at);
    }
  };
  return permuted;
}

}  // namespace lockstep::inline LOCKSTEP_REAL
