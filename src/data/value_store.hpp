#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <tuple>
#include <utility>
#include <vector>

#include "data/file_mapping.hpp"
#include "data/scratch_file.hpp"
#include "lockstep/data/dataset.hpp"
#include "lockstep/data/scratch.hpp"

namespace lockstep {

/// The numbers that a reader makes, one after another: in memory while they are few, and in a file of the
/// scratch folder from then on.
template <typename Value>
class ValueStore {
 public:
  /// Where `expected` values are known to come, they go where they will stand.
  explicit ValueStore(const Scratch& scratch, std::uint64_t expected = 0)
      : scratch_(scratch), most_(bytes_in_memory(scratch) / sizeof(Value)) {
    if (expected > most_) {
      most_ = 0;
    } else {
      memory_.reserve(static_cast<std::size_t>(expected));
    }
  }

  /// Errors: those of ScratchFile.
  void append(std::span<const Value> values) {
    memory_.insert(memory_.end(), values.begin(), values.end());
    count_ += values.size();
    if (memory_.size() > most_) write_out();
  }

  std::uint64_t size() const { return count_; }

  /// The end of appending: all values, in memory or else in a file.
  std::pair<std::vector<Value>, std::optional<FilePlace>> finish() && {
    if (!file_) return {std::move(memory_), std::nullopt};
    write_out();
    return {std::vector<Value>(), file_->place()};
  }

 private:
  static constexpr std::size_t kWrittenTogether = (std::size_t{1} << 20U) / sizeof(Value);

  void write_out() {
    if (!file_) {
      file_.emplace(scratch_);
      most_ = kWrittenTogether;
    }
    file_->append(std::as_bytes(std::span(memory_)));
    std::vector<Value>().swap(memory_);
    memory_.reserve(kWrittenTogether);
  }

  Scratch scratch_;
  std::uint64_t most_;  // that stand in memory_
  std::uint64_t count_ = 0;
  std::vector<Value> memory_;  // all, or those that the file does not have yet
  std::optional<ScratchFile> file_;
};

/// What a ValueStore held, to be read anywhere.
template <typename Value>
class StoredValues {
 public:
  StoredValues() = default;
  /// Errors: those of FileMapping.
  explicit StoredValues(ValueStore<Value>&& store) {
    const auto count = static_cast<std::size_t>(store.size());
    std::optional<FilePlace> place;
    std::tie(memory_, place) = std::move(store).finish();
    values_ = memory_;
    if (!place) return;
    mapping_.emplace(*place, count * sizeof(Value));
    values_ = {reinterpret_cast<const Value*>(mapping_->bytes().data()), count};
  }
  StoredValues(const StoredValues&) = delete;
  StoredValues& operator=(const StoredValues&) = delete;

  std::span<const Value> values() const { return values_; }

 private:
  std::vector<Value> memory_;
  std::optional<FileMapping> mapping_;
  std::span<const Value> values_;
};

}  // namespace lockstep
