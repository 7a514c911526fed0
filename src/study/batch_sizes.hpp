#pragma once

#include <string>
#include <vector>

#include "lockstep/core/real.hpp"

namespace lockstep {

/// Batch sizes in rising order, each once, from a list ("16, 64, 200"), a range by a factor ("16:16384:x4":
/// 16, 64, … as far as 16384), or a list of both. Errors: another form, no size at all, one below 1, a range
/// that ends before it begins, a factor below 2.
std::vector<Index> parse_batch_sizes(const std::string& text);

}  // namespace lockstep
