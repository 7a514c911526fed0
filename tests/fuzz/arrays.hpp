#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include "data/array_sizes.hpp"
#include "data/stored_array.hpp"
#include "fuzz.hpp"

namespace lockstep::fuzz {

/// Reads all values of `array`, as its type says.
inline void read_all(StoredArray& array) {
  if (array.type() == "u1") {
    expect(array.bytes().size() == product(array.sizes()), "sizes that disagree");
    return;
  }
  const std::vector<float> values = array.floats();
  expect(values.size() == product(array.sizes()), "sizes that disagree");
  expect(std::all_of(values.begin(), values.end(), [](float value) { return std::isfinite(value); }),
         "a value that is not finite");
}

}  // namespace lockstep::fuzz
