// Weights: any tensors, and those that describe their network.

#include "lockstep/nn/safetensors.hpp"

#include "fuzz.hpp"
#include "lockstep/train/problem.hpp"

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace lockstep;
  const fuzz::Input input(data, size);
  fuzz::expect_value_or_error([&] {
    const StoredTensors stored = parse_safetensors(input.bytes(), "file");
    std::size_t bytes = 0;
    for (const StoredTensor& tensor : stored.tensors) bytes += tensor.data.size();
    fuzz::expect(bytes < size, "more data than the file has");
    const SavedModel saved = load_model(fuzz::file_of(input.bytes()));
    fuzz::expect(fits(saved.normalization.features, saved.data), "a normalisation of other features");
  });
  return 0;
}
