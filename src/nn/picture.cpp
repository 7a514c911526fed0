#include "nn/picture.hpp"

#include <fmt/format.h>

#include "lockstep/core/error.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

namespace {

constexpr Index kMostPixels = 4096;

Index option_of(const UnitWords& words, const std::string& name, Index lowest, Index otherwise) {
  return words.whole_option(name, lowest, kMostPixels, otherwise,
                            fmt::format("{} to be a whole number from {} to {}", name, lowest, kMostPixels));
}

}  // namespace

Picture picture_of(const Shape& shape) {
  const std::vector<Index>& axes = shape.axes();
  if (axes.size() == 2) return {1, axes[0], axes[1]};
  if (axes.size() == 3) return {axes[0], axes[1], axes[2]};
  fail_input("expected a picture, height x width or channels x height x width");
}

Picture slide(const Windows& windows, const Picture& input, Index channels) {
  if (windows.size < 1 || windows.stride < 1 || windows.dilation < 1) {
    fail_input("expected a window, a stride and a dilation of at least 1");
  }
  if (windows.pad < 0 || windows.pad > windows.reach()) {
    fail_input("expected a pad from 0 to {}, as a window would see nothing but a larger one",
               windows.reach());
  }
  const Index frame = 2 * windows.pad;
  const Index span = windows.reach() + 1;
  if (span > input.height + frame || span > input.width + frame) {
    fail_input("expected a picture of at least {} x {} for a window that spans {} pixels{}; make it smaller",
               span - frame, span - frame, span, frame > 0 ? " and its pad" : "");
  }
  return {channels, windows.count(input.height), windows.count(input.width)};
}

Windows windows_of(const UnitWords& words, std::size_t size, std::optional<Index> stride) {
  Windows windows;
  windows.size = words.whole(size, 1, kMostPixels,
                             fmt::format("a window of 1 to {} pixels in each direction", kMostPixels));
  windows.stride = option_of(words, "stride", 1, stride.value_or(windows.size));
  windows.pad = option_of(words, "pad", 0, 0);
  windows.dilation = option_of(words, "dilation", 1, 1);
  return windows;
}

std::string with_channels(OperatorGraph& graph, const GraphValue& x) {
  const auto [channels, height, width] = picture_of(x.shape);
  return x.shape.axes().size() == 3 ? x.name : graph.reshape(x.name, {channels, height, width});
}

Attributes attributes_of(const Windows& windows) {
  const auto both = [](Index value) { return std::vector<std::int64_t>{value, value}; };
  return {{"kernel_shape", both(windows.size)},
          {"strides", both(windows.stride)},
          {"pads", std::vector<std::int64_t>(4, windows.pad)}};
}

std::string options_text(const Windows& windows, Index stride) {
  std::string text;
  if (windows.stride != stride) text += fmt::format(" stride={}", windows.stride);
  if (windows.pad != 0) text += fmt::format(" pad={}", windows.pad);
  if (windows.dilation != 1) text += fmt::format(" dilation={}", windows.dilation);
  return text;
}

}  // namespace lockstep::inline LOCKSTEP_REAL
