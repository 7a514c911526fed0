// PNG and JPEG pictures.

#include "data/decode_picture.hpp"
#include "fuzz.hpp"

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace lockstep;
  fuzz::Input input(data, size);
  const Index side = static_cast<Index>(input.choose(9)) + 1;
  fuzz::expect_value_or_error([&] {
    const std::filesystem::path file = fuzz::file_of(input.bytes());
    const PictureHeader header = read_picture_header(file);
    // A few bytes may well hold a large picture of one colour, which takes its time.
    if (constexpr Index kMostPixels = 1 << 20; header.height * header.width > kMostPixels) return;
    const Pixels pixels = decode_picture(file);
    fuzz::expect(pixels.height == header.height && pixels.width == header.width &&
                     pixels.channels == (header.has_colour ? 3 : 1),
                 "a picture unlike its header");
    fuzz::expect(std::ssize(pixels.values) == pixels.height * pixels.width * pixels.channels,
                 "sizes that disagree");
    const Pixels grey = resized(with_channels(pixels, 1), side, side);
    fuzz::expect(std::ssize(grey.values) == side * side, "another size");
  });
  return 0;
}
