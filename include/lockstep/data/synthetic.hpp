#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lockstep/data/dataset.hpp"
#include "lockstep/data/idx.hpp"

namespace lockstep {

struct SyntheticOptions {
  Index samples = 1000;  ///< of the training part; the test part has as many
  Index features = 20;
  Index classes = 4;  ///< of a classification set
  std::uint64_t seed = 1;
};

/// The names `make_synthetic` knows.
const std::vector<std::string>& synthetic_names();

/// A data set drawn from a distribution, a pure function of (name, part, options):
/// - "blobs": classification; class centres from N(0, 1), samples around them from N(0, 1).
/// - "linear": regression; y = 0.05 + Σ 0.01 x_i + ε with x_i from N(0, 1) and ε from N(0, 0.01²), as in the
///   weight-decay example of Zhang et al.: Dive into Deep Learning, section 3.7.
DatasetContent make_synthetic(const std::string& name, Part part, const SyntheticOptions& options);

}  // namespace lockstep
