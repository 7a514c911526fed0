// Arrays of NPY files.

#include <algorithm>
#include <cmath>

#include "data/array_sizes.hpp"
#include "data/npy_file.hpp"
#include "fuzz.hpp"

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace lockstep;
  fuzz::expect_value_or_error([&] {
    NpyFile file(fuzz::file_of(std::as_bytes(std::span(data, size))));
    if (file.type() == "u1") {
      fuzz::expect(file.bytes().size() == product(file.sizes()), "sizes that disagree");
      return;
    }
    const std::vector<float> values = file.floats();
    fuzz::expect(values.size() == product(file.sizes()), "sizes that disagree");
    fuzz::expect(std::all_of(values.begin(), values.end(), [](float value) { return std::isfinite(value); }),
                 "a value that is not finite");
  });
  return 0;
}
