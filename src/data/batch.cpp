#include "lockstep/data/batch.hpp"

#include <algorithm>

#include "core/multiversion.hpp"
#include "data/mixup.hpp"
#include "data/picture_changes.hpp"
#include "lockstep/core/error.hpp"
#include "lockstep/core/threads.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

namespace {

// Bytes are exact in Real, which converts twice as many at a time as double.
LOCKSTEP_MULTIVERSION
void normalize_row(const std::uint8_t* row, Index features, double shift, double scale, Real* result) {
  const Real real_shift = static_cast<Real>(shift);
  const Real real_scale = static_cast<Real>(scale);
  for (Index i = 0; i < features; ++i) result[i] = (static_cast<Real>(row[i]) - real_shift) * real_scale;
}

// Columns of a table may lie far from 0: the difference is taken in double.
LOCKSTEP_MULTIVERSION
void normalize_row(const float* row, Index features, double shift, double scale, Real* result) {
  for (Index i = 0; i < features; ++i) result[i] = static_cast<Real>((row[i] - shift) * scale);
}

LOCKSTEP_MULTIVERSION
void normalize_row(const std::uint8_t* row, Index features, const double* shift, const double* scale,
                   Real* result) {
  for (Index i = 0; i < features; ++i) result[i] = static_cast<Real>((row[i] - shift[i]) * scale[i]);
}

LOCKSTEP_MULTIVERSION
void normalize_row(const float* row, Index features, const double* shift, const double* scale, Real* result) {
  for (Index i = 0; i < features; ++i) result[i] = static_cast<Real>((row[i] - shift[i]) * scale[i]);
}

LOCKSTEP_MULTIVERSION
void fill_gaps(const double* missing, Index features, Real* result) {
  for (Index i = 0; i < features; ++i) {
    result[i] = result[i] == result[i] ? result[i] : static_cast<Real>(missing[i]);
  }
}

LOCKSTEP_MULTIVERSION
void mix(const Real* other, Index features, Real share, Real* result) {
  for (Index i = 0; i < features; ++i) result[i] = share * result[i] + (1 - share) * other[i];
}

void check_normalization(const Dataset& data, const SampleNormalization& normalization) {
  const auto& [features, targets] = normalization;
  LOCKSTEP_CHECK(features.scale.size() == features.shift.size());
  LOCKSTEP_CHECK(targets.scale.size() == targets.shift.size());
  const DatasetDescription& description = data.description();
  if (!fits(features, description)) {
    fail_input(
        "{}: samples of {} features, but the normalisation was computed for {}; give data of the same kind",
        description.name, description.features(), features.shift.size());
  }
  const bool has_targets = description.task != Task::kClassification && description.targets > 0;
  if (has_targets && !targets.shift.empty() && std::ssize(targets.shift) != description.targets) {
    fail_input(
        "{}: samples of {} targets, but their normalisation was computed for {}; give data of the same kind",
        description.name, description.targets, targets.shift.size());
  }
}

/// The pairs of channels, repeated for a run of whole pixels that is long enough for vectors; those of
/// features as they are. Valid until the thread's next call.
const Normalization& pairs_of_a_run(const Normalization& normalization, Index features) {
  constexpr Index kLongEnough = 256;
  const Index channels = std::ssize(normalization.shift);
  if (channels == features) return normalization;
  thread_local Normalization run;
  run.shift.clear();
  run.scale.clear();
  do {
    run.shift.insert(run.shift.end(), normalization.shift.begin(), normalization.shift.end());
    run.scale.insert(run.scale.end(), normalization.scale.begin(), normalization.scale.end());
  } while (std::ssize(run.shift) < kLongEnough);
  return run;
}

/// Samples stand anywhere in memory: asks for one some rows before it is needed.
template <typename Value>
void fetch(const Value* row, Index features) {
  constexpr Index kLine = 64 / sizeof(Value);
  for (Index i = 0; i < features; i += kLine) __builtin_prefetch(row + i);
}

constexpr Index kRowsAhead = 4;
constexpr Index kRowsTogether = 64;  // of one thread at a time

template <typename Value>
void gather_features(std::span<const Value> values, const DatasetDescription& description,
                     const Normalization& normalization, const AugmentedPass& pass, Batch& batch) {
  const Index features = description.features();
  const bool changes = !pass.changes.empty();
  const PictureSize size = changes ? picture_size(description) : PictureSize{};
  batch.features.resize(static_cast<std::size_t>(batch.rows() * features));
  const bool one_for_all = normalization.shift.size() <= 1;
  const Normalization& pairs = one_for_all ? normalization : pairs_of_a_run(normalization, features);
  const Index run = std::ssize(pairs.shift);
  const double shift = normalization.shift.empty() ? 0.0 : normalization.shift.front();
  const double scale = normalization.scale.empty() ? 1.0 : normalization.scale.front();
  const auto row_of = [&](Index sample) { return values.data() + sample * features; };
  const auto write = [&](Index sample, Real* result) {
    const Value* const row = changes ? changed_picture(row_of(sample), size, pass, sample) : row_of(sample);
    if (one_for_all) {
      normalize_row(row, features, shift, scale, result);
    } else {
      for (Index at = 0; at < features; at += run) {
        normalize_row(row + at, std::min(run, features - at), pairs.shift.data(), pairs.scale.data(),
                      result + at);
      }
    }
    if (!normalization.missing.empty()) fill_gaps(normalization.missing.data(), features, result);
    if (changes) cut_out(result, size, pass, sample);
  };
  for_each_range(batch.rows(), kRowsTogether, [&](Index first, Index count) {
    for (Index row = first; row < first + count; ++row) {
      if (row + kRowsAhead < first + count) {
        fetch(row_of(batch.samples[static_cast<std::size_t>(row + kRowsAhead)]), features);
      }
      const auto i = static_cast<std::size_t>(row);
      Real* const result = batch.features.data() + row * features;
      write(batch.samples[i], result);
      if (batch.shares.empty()) continue;
      thread_local std::vector<Real> other;
      other.resize(static_cast<std::size_t>(features));
      write(batch.partners[i], other.data());
      mix(other.data(), features, batch.shares[i], result);
    }
  });
}

void gather_labels(std::span<const std::int32_t> labels, std::span<const Index> samples,
                   std::vector<std::int32_t>& result) {
  result.clear();
  for (const Index sample : samples) result.push_back(labels[static_cast<std::size_t>(sample)]);
}

void gather_targets(std::span<const float> values, std::span<const Index> samples, Index width,
                    const Normalization& normalization, std::vector<Real>& result) {
  result.resize(samples.size() * static_cast<std::size_t>(width));
  Real* next = result.data();
  for (const Index sample : samples) {
    const float* const row = values.data() + sample * width;
    if (normalization.shift.empty()) {
      std::copy_n(row, width, next);
    } else {
      normalize_row(row, width, normalization.shift.data(), normalization.scale.data(), next);
    }
    next += width;
  }
}

}  // namespace

void gather(const Dataset& data, const SampleNormalization& normalization, Batch& batch,
            const AugmentedPass& pass) {
  check_normalization(data, normalization);
  for (const Index sample : batch.samples) LOCKSTEP_CHECK(0 <= sample && sample < data.size());

  const DatasetDescription& description = data.description();
  batch.partner_labels.clear();
  batch.shares.clear();
  if (mixes(pass.changes)) {
    LOCKSTEP_CHECK(batch.partners.size() == batch.samples.size());
    for (const Index partner : batch.partners) LOCKSTEP_CHECK(0 <= partner && partner < data.size());
    gather_labels(data.labels(), batch.partners, batch.partner_labels);
    for (const Index sample : batch.samples) {
      batch.shares.push_back(static_cast<Real>(own_share(pass, sample)));
    }
  }
  if (description.storage == Storage::kBytes) {
    gather_features(data.bytes(), description, normalization.features, pass, batch);
  } else {
    gather_features(data.values(), description, normalization.features, pass, batch);
  }

  batch.weights.clear();
  if (description.has_sample_weights) {
    for (const Index sample : batch.samples) {
      batch.weights.push_back(static_cast<Real>(data.sample_weights()[static_cast<std::size_t>(sample)]));
    }
  }
  batch.labels.clear();
  batch.targets.clear();
  if (description.targets == 0) return;
  if (description.task == Task::kClassification) {
    gather_labels(data.labels(), batch.samples, batch.labels);
  } else {
    gather_targets(data.targets(), batch.samples, description.targets, normalization.targets, batch.targets);
  }
}

}  // namespace lockstep::inline LOCKSTEP_REAL
