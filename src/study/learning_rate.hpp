#pragma once

#include <cstddef>
#include <vector>

namespace lockstep {

/// What a training whose learning rate rises from step to step says of rates.
struct RangeTest {
  std::vector<double> smoothed;  ///< for each step the median of the losses about it
  std::size_t end = 0;       ///< how many steps count: the loss stays within kTooLarge of its fall until then
  std::size_t steepest = 0;  ///< the step at which the smoothed loss falls fastest by the rate's logarithm
  std::size_t smallest = 0;  ///< the step of the smallest smoothed loss
  bool has_fallen = false;   ///< below where it was at first
};

/// `losses`, at least three, are those of steps whose rate is multiplied by the same factor each time; one
/// that is not finite ends them. The median is over a twentieth of the steps on either side, and fewer at the
/// ends; of losses that fall or rise steadily it is the loss itself, and neither the noise of batches nor a
/// divergence moves it much. Pure.
RangeTest examine_range(const std::vector<double>& losses);

}  // namespace lockstep
