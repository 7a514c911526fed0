// Configuration files, and that what config.cfg holds gives the same configuration again.

#include "cli/arguments.hpp"
#include "fuzz.hpp"

namespace {

lockstep::Config read(std::string_view text) {
  const auto bytes = std::as_bytes(std::span(text));
  const lockstep::Arguments arguments =
      lockstep::parse_arguments({"--config", lockstep::fuzz::file_of(bytes).string()}, {});
  return lockstep::make_config(arguments.settings);
}

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace lockstep;
  const fuzz::Input input(data, size);
  fuzz::expect_value_or_error([&] {
    const Config config = read(input.text());
    const SettingTexts settings = settings_of(config);
    fuzz::expect(settings_of(read(to_text(settings))) == settings, "config.cfg does not come back");
  });
  return 0;
}
