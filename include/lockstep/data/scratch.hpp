#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace lockstep {

/// Where readers put the numbers that they make when memory is short of them: a file on a disk, without a
/// name, which is gone with its last user, however that ends. The system keeps of it in memory what fits.
/// What is read, and so every result, is the same.
struct Scratch {
  std::string folder = {};  ///< empty: $TMPDIR, or /var/tmp where that is not set
  /// So many bytes of a data set's part stay in memory; none: a third of what is available.
  std::optional<std::uint64_t> limit = {};
};

}  // namespace lockstep
