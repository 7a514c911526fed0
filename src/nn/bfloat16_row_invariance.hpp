#pragma once

#include <map>
#include <random>
#include <vector>

#include "lockstep/nn/unit.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

/// Whether one product of bfloat16 over all rows of a block, by all threads, gives every micro-batch the bits
/// of a product of its own by one thread. One product is faster, as the weights are brought into the kernel's
/// order once; but a library's kernel may sum a row's terms in another order when it sees more rows or more
/// threads.
///
/// Found by trying: both ways on pseudo-random numbers of the shapes at hand. The answer is kept for the
/// block's cut into micro-batches. Local; ranks may differ in it without differing in their bits.
class Bfloat16RowInvariance {
 public:
  /// Of a linear unit with these features in and out.
  Bfloat16RowInvariance(Index inputs, Index outputs) : inputs_(inputs), outputs_(outputs) {}

  /// For each of a linear layer's two products over rows.
  struct Answer {
    bool forward = false;         ///< y = x wᵀ + bias
    bool input_gradient = false;  ///< dx = dy w
  };
  const Answer& of(const RowBlock& block);

 private:
  Answer probe(const RowBlock& block) const;
  Answer compare_once(const RowBlock& block, std::minstd_rand& generator) const;

  Index inputs_;
  Index outputs_;
  std::map<std::vector<Index>, Answer> answers_;  // by the rows of the micro-batches
  std::vector<Index> cut_;
};

}  // namespace lockstep::inline LOCKSTEP_REAL
