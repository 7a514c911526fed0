#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lockstep/core/index.hpp"

namespace lockstep {

/// What the text at the beginning of an NPY file says.
struct NpyHeader {
  std::string type = {};  ///< with the order of its bytes, such as "<f4"
  bool fortran_order = false;
  std::vector<Index> sizes = {};
};

/// Takes `text`, a dictionary as Python writes it, apart: {'descr': '<f4', 'fortran_order': False, 'shape':
/// (3, 4), }. Errors, which name `file`: anything else.
NpyHeader parse_npy_header(const std::string& file, std::string_view text);

}  // namespace lockstep
