// IDX files of images and of labels, plain and gzip.

#include "data/idx_file.hpp"
#include "data/picture_layout.hpp"
#include "fuzz.hpp"

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace lockstep;
  fuzz::Input input(data, size);
  const std::vector<std::size_t> dimensions =
      input.choose(2) == 0 ? std::vector<std::size_t>{3, 4} : std::vector<std::size_t>{1};
  fuzz::expect_value_or_error([&] {
    IdxFile array(fuzz::file_of(input.bytes()), dimensions);
    std::vector<std::uint8_t> bytes = array.bytes();
    std::size_t values = 1;
    for (const Index size_of_one : array.sizes()) values *= static_cast<std::size_t>(size_of_one);
    fuzz::expect(bytes.size() == values, "sizes that disagree");
    if (array.sizes().size() > 1) put_in_order(layout_of("images", array.sizes()).transposed(), bytes);
  });
  return 0;
}
