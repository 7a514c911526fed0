#pragma once

#include <algorithm>
#include <functional>
#include <vector>

#include "lockstep/core/threads.hpp"
#include "lockstep/nn/unit.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

/// Which rows of a table the rows of a block look up, for the table's gradient, which is sparse: a
/// micro-batch leaves most of the table at zero.
class TableLookups {
 public:
  /// Takes in those of `block`: list(row, add) calls add(entry, position) for each of a row of the block,
  /// where `position` says what looks the entry up, and rises from one to the next.
  template <typename List>
  void collect(const RowBlock& block, const List& list) {
    all_.clear();
    ends_.clear();
    for (Index row = 0; row < block.rows(); ++row) {
      list(row, [&](Index entry, Index position) { all_.push_back({entry, position}); });
      ends_.push_back(std::ssize(all_));
    }
    for_each_part(std::ssize(block.micro_batches), [&](Index i) {
      const MicroBatchRows& m = block.micro_batches[static_cast<std::size_t>(i)];
      std::sort(all_.begin() + begin_of(m), all_.begin() + end_of(m));
    });
  }

  /// Hands in the gradient of the table [entries x width] that stands at `table`: of each micro-batch, the
  /// sums to which add(entry, position, sum) adds, in rising position.
  template <typename Add>
  void hand_in(const RowBlock& block, ParameterRange table, Index width, GradientSink& sink,
               const Add& add) const {
    const Index entries = table.size / width;
    const Index most = std::max<Index>(kPieceSize / width, 1);
    for_each_part((entries + most - 1) / most, [&](Index piece) {
      const Index first = piece * most;
      const Index count = std::min(most, entries - first);
      const auto write = [&](const MicroBatchRows& m, Real* gradient) {
        const auto end = all_.begin() + end_of(m);
        auto next = std::lower_bound(all_.begin() + begin_of(m), end, Lookup{first, 0});
        if (next == end || next->entry >= first + count) return false;
        std::fill_n(gradient, count * width, Real(0));
        for (; next != end && next->entry < first + count; ++next) {
          add(next->entry, next->position, gradient + (next->entry - first) * width);
        }
        return true;
      };
      sink.add_sparse(block, {table.offset + first * width, count * width}, std::ref(write));
    });
  }

 private:
  struct Lookup {
    Index entry;
    Index position;
    auto operator<=>(const Lookup&) const = default;
  };

  /// How many lookups the first `rows` rows of the block have.
  Index of_rows(Index rows) const { return rows == 0 ? 0 : ends_[static_cast<std::size_t>(rows - 1)]; }
  Index begin_of(const MicroBatchRows& m) const { return of_rows(m.first); }
  Index end_of(const MicroBatchRows& m) const { return of_rows(m.first + m.count); }

  static constexpr Index kPieceSize =
      4096;  // values: small enough for a near cache, and to be left out often

  std::vector<Lookup> all_;  // row by row; those of a micro-batch in the order of their entries
  std::vector<Index> ends_;  // of each row's
};

}  // namespace lockstep::inline LOCKSTEP_REAL
