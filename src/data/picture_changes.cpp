#include "data/picture_changes.hpp"

#include <algorithm>
#include <array>
#include <type_traits>

#include "core/multiversion.hpp"
#include "lockstep/core/error.hpp"

namespace lockstep {

namespace {

/// Uniform from 1 - most to 1 + most.
double factor(double most, std::uint64_t bits) { return 1 + most * (2 * uniform(bits) - 1); }

/// The result at (y, x) is the picture at (y + down, x + right).
template <typename Value>
void shift(const Value* from, const PictureSize& size, Index down, Index right, bool edge, Value* to) {
  const Index channels = size.channels;
  const Index first = std::clamp(-right, Index{0}, size.width);  // columns that are there
  const Index last = std::clamp(size.width - right, first, size.width);
  const Index row = size.width * channels;
  for (Index y = 0; y < size.height; ++y, to += row) {
    const Index source = y + down;
    if (!edge && (source < 0 || source >= size.height)) {
      std::fill_n(to, row, Value(0));
      continue;
    }
    const Value* const line = from + std::clamp(source, Index{0}, size.height - 1) * row;
    const auto repeat = [&](Index begin, Index end, Index column) {
      for (Value* pixel = to + begin * channels; pixel < to + end * channels; pixel += channels) {
        if (edge) {
          std::copy_n(line + column * channels, channels, pixel);
        } else {
          std::fill_n(pixel, channels, Value(0));
        }
      }
    };
    repeat(0, first, 0);
    if (first < last)
      std::copy(line + (first + right) * channels, line + (last + right) * channels, to + first * channels);
    repeat(last, size.width, size.width - 1);
  }
}

LOCKSTEP_MULTIVERSION
void reverse(const std::uint8_t* __restrict from, Index count, std::uint8_t* __restrict to) {
  for (Index i = 0; i < count; ++i) to[i] = from[count - 1 - i];
}

LOCKSTEP_MULTIVERSION
void reverse(const float* __restrict from, Index count, float* __restrict to) {
  for (Index i = 0; i < count; ++i) to[i] = from[count - 1 - i];
}

template <typename Value>
void mirror(const Value* from, const PictureSize& size, Value* to) {
  const Index row = size.width * size.channels;
  for (Index y = 0; y < size.height; ++y, from += row, to += row) {
    if (size.channels == 1) {
      reverse(from, row, to);
      continue;
    }
    for (Index x = 0; x < row; x += size.channels) {
      std::copy_n(from + x, size.channels, to + row - size.channels - x);
    }
  }
}

/// to = factor · from + added.
LOCKSTEP_MULTIVERSION
void scale(const std::uint8_t* from, Index count, float factor, float added, std::uint8_t* to) {
  for (Index i = 0; i < count; ++i) {
    const float value = factor * static_cast<float>(from[i]) + added;
    to[i] = static_cast<std::uint8_t>(static_cast<int>(std::min(std::max(value, 0.0F), 255.0F)));
  }
}

LOCKSTEP_MULTIVERSION
void scale(const float* from, Index count, float factor, float added, float* to) {
  for (Index i = 0; i < count; ++i) to[i] = factor * from[i] + added;
}

template <typename Value>
double mean(const Value* picture, Index count) {
  std::conditional_t<std::is_same_v<Value, float>, double, std::uint64_t> sum = 0;
  for (Index i = 0; i < count; ++i) sum += picture[i];
  return static_cast<double>(sum) / static_cast<double>(count);
}

/// Changes `from` into `to`, or says that it leaves the picture as it is.
template <typename Value>
struct StoredChange {
  const Value* from;
  const PictureSize& size;
  const AugmentedPass& pass;
  Index sample;
  std::size_t place;
  Value* to;

  bool operator()(const Crop& crop) const {
    const RandomBits bits = draw_change(pass, sample, place);
    const Index places = 2 * crop.pad + 1;
    shift(from, size, uniform_below(places, bits[0]) - crop.pad, uniform_below(places, bits[1]) - crop.pad,
          crop.edge, to);
    return true;
  }

  bool operator()(const Flip& /*flip*/) const {
    if (uniform_below(2, draw_change(pass, sample, place)[0]) == 0) return false;
    mirror(from, size, to);
    return true;
  }

  bool operator()(const Brightness& brightness) const {
    return blend(factor(brightness.most, draw_change(pass, sample, place)[0]), 0);
  }

  bool operator()(const Contrast& contrast) const {
    return blend(factor(contrast.most, draw_change(pass, sample, place)[0]), mean(from, size.values()));
  }

  bool operator()(const Cutout& /*cutout*/) const { return false; }

  bool operator()(const Mixup& /*mixup*/) const { return false; }

 private:
  bool blend(double factor, double other) const {
    scale(from, size.values(), static_cast<float>(factor), static_cast<float>((1 - factor) * other), to);
    return true;
  }
};

}  // namespace

RandomBits draw_change(const AugmentedPass& pass, Index sample, std::size_t place, std::uint64_t number) {
  return random_bits(pass.seed, Purpose::kAugmentation,
                     {pass.epoch, static_cast<std::uint64_t>(sample), place, number});
}

Index uniform_below(Index count, std::uint64_t bits) {
  return static_cast<Index>(uniform(bits) * static_cast<double>(count));
}

bool is_picture(const DatasetDescription& data) {
  const std::size_t axes = data.feature_shape.size();
  return (axes == 2 || axes == 3) && data.categories == 0;
}

PictureSize picture_size(const DatasetDescription& data) {
  LOCKSTEP_CHECK(is_picture(data));
  const std::vector<Index>& shape = data.feature_shape;
  return {.height = shape[shape.size() - 2], .width = shape.back(), .channels = data.channels()};
}

template <typename Value>
const Value* changed_picture(const Value* picture, const PictureSize& size, const AugmentedPass& pass,
                             Index sample) {
  thread_local std::array<std::vector<Value>, 2> memory;
  for (std::vector<Value>& values : memory) values.resize(static_cast<std::size_t>(size.values()));
  std::size_t free = 0;
  for (std::size_t place = 0; place < pass.changes.size(); ++place) {
    Value* const to = memory[free].data();
    const StoredChange<Value> change{picture, size, pass, sample, place, to};
    if (!std::visit(change, pass.changes[place])) continue;
    picture = to;
    free = 1 - free;
  }
  return picture;
}

template <typename Real>
void cut_out(Real* picture, const PictureSize& size, const AugmentedPass& pass, Index sample) {
  for (std::size_t place = 0; place < pass.changes.size(); ++place) {
    const auto* const cutout = std::get_if<Cutout>(&pass.changes[place]);
    if (cutout == nullptr) continue;
    const RandomBits bits = draw_change(pass, sample, place);
    const Index top = uniform_below(size.height, bits[0]) - cutout->size / 2;
    const Index left = uniform_below(size.width, bits[1]) - cutout->size / 2;
    const Index first = std::max(left, Index{0});
    const Index last = std::min(left + cutout->size, size.width);
    for (Index y = std::max(top, Index{0}); y < std::min(top + cutout->size, size.height); ++y) {
      std::fill(picture + (y * size.width + first) * size.channels,
                picture + (y * size.width + last) * size.channels, Real(0));
    }
  }
}

template const std::uint8_t* changed_picture(const std::uint8_t*, const PictureSize&, const AugmentedPass&,
                                             Index);
template const float* changed_picture(const float*, const PictureSize&, const AugmentedPass&, Index);
template void cut_out(float*, const PictureSize&, const AugmentedPass&, Index);
template void cut_out(double*, const PictureSize&, const AugmentedPass&, Index);

}  // namespace lockstep
