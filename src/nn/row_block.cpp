#include "lockstep/nn/row_block.hpp"

#include <algorithm>
#include <vector>

namespace lockstep {

void add_up(const RowBlock& block, const WriteSums& write, std::span<double> totals) {
  if (block.batch != nullptr) return block.batch->add_up(write, totals);
  std::vector<double> sums(totals.size());
  std::ranges::fill(totals, 0.0);
  for (std::size_t i = 0; i < block.micro_batches.size(); ++i) {
    write(i, sums);
    for (std::size_t k = 0; k < sums.size(); ++k) totals[k] += sums[k];
  }
}

}  // namespace lockstep
