// The text of a network and of its blocks; and that the network's own text gives the same network again.

#include <algorithm>
#include <string>

#include "fuzz.hpp"
#include "lockstep/nn/network.hpp"

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace lockstep;
  fuzz::Input input(data, size);
  const auto inputs = static_cast<Index>(1 + input.choose(64));
  fuzz::expect_value_or_error([&] {
    const std::string whole(input.text());
    const std::size_t end = std::min(whole.find('|'), whole.size());
    const std::string text = whole.substr(0, end);
    const std::string blocks = end < whole.size() ? whole.substr(end + 1) : "";
    constexpr Index kMost = 1 << 16;  // larger ones are for machines with more memory
    if (layout_of(text, inputs, blocks).size() > kMost) return;
    const Network network(text, inputs, blocks);
    fuzz::expect(Network(network.text(), inputs).text() == network.text(), "the network does not come back");
  });
  return 0;
}
