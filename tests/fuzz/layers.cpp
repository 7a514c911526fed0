// The text of a network's layers; and that the network's own text gives the same network again.

#include <string>

#include "fuzz.hpp"

#include "lockstep/nn/model.hpp"

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace lockstep;
  fuzz::Input input(data, size);
  const auto inputs = static_cast<Index>(1 + input.choose(64));
  fuzz::expect_value_or_error([&] {
    const std::string text(input.text());
    constexpr Index kMost = 1 << 16;  // larger ones are for machines with more memory
    if (layout_of(text, inputs).size() > kMost) return;
    const Model model(text, inputs);
    fuzz::expect(Model(model.text(), inputs).text() == model.text(), "layers do not come back");
  });
  return 0;
}
