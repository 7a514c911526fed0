#include "core/vector_unit.hpp"
#include "lockstep/core/threads.hpp"
#include "lockstep/nn/bfloat16_products.hpp"
#include "nn/bfloat16.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

bool has_fast_bfloat16() { return vector_unit() == VectorUnit::kAvx512Bf16; }

void Bfloat16Matrix::resize(Index rows, Index columns) {
  rows_ = rows;
  columns_ = columns;
  const auto size = static_cast<std::size_t>(rows * columns);
  if (pairs_.size() < size) pairs_.resize(size);
}

void Bfloat16Matrix::assign_rows(ConstMatrixView values) {
  resize(values.rows(), (values.cols() + 1) / 2);
  for_each_range(rows_, kGrain / columns_ + 1, [&](Index first, Index count) {
    for (Index row = first; row < first + count; ++row) {
      to_pairs(values.row(row).data(), values.cols(), pairs_.data() + row * columns_);
    }
  });
}

void Bfloat16Matrix::assign_columns(ConstMatrixView values) {
  resize((values.rows() + 1) / 2, values.cols());
  assign_columns(values, 0, values.rows(), 0);
}

void Bfloat16Matrix::assign_columns(ConstMatrixView values, const RowBlock& block) {
  resize(values.rows(), values.cols());
  for (const MicroBatchRows& m : block.micro_batches) assign_columns(values, m.first, m.count, m.first);
}

void Bfloat16Matrix::assign_columns(ConstMatrixView values, Index first, Index count, Index to) {
  for_each_range((count + 1) / 2, kGrain / columns_ + 1, [&](Index first_pair, Index pairs) {
    for (Index pair = first_pair; pair < first_pair + pairs; ++pair) {
      const Real* const row = values.row(first + 2 * pair).data();
      to_pairs(row, 2 * pair + 1 < count ? row + columns_ : nullptr, columns_,
               pairs_.data() + (to + pair) * columns_);
    }
  });
}

}  // namespace lockstep::inline LOCKSTEP_REAL
