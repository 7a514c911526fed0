#pragma once

#include <cstddef>
#include <functional>
#include <span>

#include "lockstep/core/index.hpp"

namespace lockstep {

/// Writes the sums over the samples of the caller's micro-batch number `i`, counted among those with samples.
using WriteSums = std::function<void(std::size_t i, std::span<double> sums)>;

/// Adds up, while a global batch passes through the network, what its units need to know of all of its
/// samples, as batch normalisation does.
class BatchSums {
 public:
  virtual ~BatchSums() = default;

  /// Samples of the global batch.
  virtual Index samples() const = 0;

  /// Sets `totals` to the sums over all micro-batches, by the tree by which gradients are added: the same
  /// bits on every rank, at every rank count. `write` is called for each of the caller's micro-batches with
  /// samples, in their order. Collective: the ranks of a training call it as often, with totals of one size.
  virtual void add_up(const WriteSums& write, std::span<double> totals) = 0;
};

}  // namespace lockstep
