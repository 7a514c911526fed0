// Values and ranges of a sweep.

#include <string>

#include "fuzz.hpp"
#include "study/sweep/sweep_grid.hpp"

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace lockstep;
  const fuzz::Input input(data, size);
  fuzz::expect_value_or_error([&] {
    const SweepGrid grid({std::string(input.text()), "train.seed=1,2"});
    fuzz::expect(grid.name(grid.size() - 1) != grid.name(0), "two points of one name");
  });
  return 0;
}
