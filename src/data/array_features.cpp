#include "data/array_features.hpp"

#include <algorithm>
#include <tuple>
#include <utility>
#include <vector>

#include "data/value_store.hpp"

namespace lockstep {

namespace {

/// From here on, what need not be read is mapped: the system keeps of it in memory what fits.
constexpr std::size_t kMappedBytes = std::size_t{1} << 28U;

constexpr Index kReadTogether = Index{1} << 20U;

template <typename Value>
void read_features(StoredArray& array, const std::optional<PictureLayout>& layout, const Scratch& scratch,
                   DatasetContent& content, std::vector<Value>& memory) {
  const Index samples = content.description.samples;
  const Index width = content.description.features();
  const Index together = std::max<Index>(1, kReadTogether / width);
  ValueStore<Value> store(scratch, static_cast<std::uint64_t>(samples) * static_cast<std::uint64_t>(width));
  std::vector<Value> rows;
  for (Index first = 0; first < samples; first += together) {
    rows.clear();
    array.take_next(static_cast<std::size_t>(std::min(together, samples - first) * width), rows);
    if (layout) put_in_order(*layout, rows);
    store.append(rows);
  }
  std::tie(memory, content.feature_file) = std::move(store).finish();
}

}  // namespace

void take_array_features(StoredArray& array, const std::optional<PictureLayout>& layout,
                         const Scratch& scratch, DatasetContent& content) {
  const auto place = array.place();
  const bool is_in_order = !layout || layout->is_in_order();
  if (place && is_in_order && content.description.feature_bytes() >= kMappedBytes) {
    if (array.is_real()) array.check_floats();
    content.feature_file = place;
  } else if (array.is_real()) {
    read_features(array, layout, scratch, content, content.values);
  } else {
    read_features(array, layout, scratch, content, content.bytes);
  }
}

}  // namespace lockstep
