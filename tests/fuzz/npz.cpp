// Arrays of NPZ files.

#include "arrays.hpp"
#include "data/npz_file.hpp"

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace lockstep;
  fuzz::expect_value_or_error([&] {
    const auto set = open_npz_file(fuzz::file_of(std::as_bytes(std::span(data, size))));
    for (const std::string& name : set->names()) fuzz::read_all(*set->open(name));
  });
  return 0;
}
