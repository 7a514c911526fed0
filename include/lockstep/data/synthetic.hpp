#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lockstep/data/dataset.hpp"

namespace lockstep {

/// How large a synthetic set is, and what it is drawn from.
struct SyntheticOptions {
  Index samples = 1000;  ///< of the training part
  Index features = 20;
  Index classes = 4;  ///< of a classification set; labels of a multi-label set
  std::uint64_t seed = 1;
  Index test_samples = 0;  ///< of the test part; 0: as many as of the training part
};

/// The names `make_synthetic` knows.
const std::vector<std::string>& synthetic_names();

/// The task of the set of that name. Errors: there is none.
Task synthetic_task(const std::string& name);

/// A data set drawn from a distribution, a pure function of (name, part, options):
/// - "blobs": classification; class centres from N(0, 1), samples around them from N(0, 1).
/// - "linear": regression; y = 0.05 + Σ 0.01 x_i + ε with x_i from N(0, 1) and ε from N(0, 0.01²), as in the
///   weight-decay example of Zhang et al.: Dive into Deep Learning, section 3.7.
/// - "tags": multi-label; label k is 1 where w_k·x + ε > 0, with x, w_k and ε from N(0, 1); both parts have
///   the same w.
DatasetContent make_synthetic(const std::string& name, Part part, const SyntheticOptions& requested);

}  // namespace lockstep
