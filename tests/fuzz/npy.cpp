// Arrays of NPY files.

#include "arrays.hpp"
#include "data/npy_file.hpp"

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace lockstep;
  fuzz::expect_value_or_error([&] {
    NpyFile file(fuzz::file_of(std::as_bytes(std::span(data, size))));
    fuzz::read_all(file);
  });
  return 0;
}
