// Records of CIFAR-10 and CIFAR-100, plain and gzip.

#include <algorithm>

#include "data/cifar_file.hpp"
#include "fuzz.hpp"

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace lockstep;
  fuzz::Input input(data, size);
  const CifarForm form = input.choose(2) == 0 ? cifar_10() : cifar_100();
  fuzz::expect_value_or_error([&] {
    ValueStore<std::uint8_t> pictures{Scratch()};
    std::vector<std::int32_t> labels;
    read_cifar_file(fuzz::file_of(input.bytes()), form, pictures, labels);
    constexpr std::size_t kValues = kCifarChannels * kCifarSide * kCifarSide;
    fuzz::expect(!labels.empty() && pictures.size() == labels.size() * kValues, "sizes that disagree");
    const Index classes = form.labels.back().classes;
    fuzz::expect(std::all_of(labels.begin(), labels.end(),
                             [&](std::int32_t label) { return 0 <= label && label < classes; }),
                 "a label that is no class");
  });
  return 0;
}
