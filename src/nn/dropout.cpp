#include <algorithm>
#include <cmath>
#include <vector>

#include <fmt/format.h>

#include "lockstep/core/random.hpp"
#include "lockstep/core/threads.hpp"
#include "lockstep/nn/layers.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

namespace {

class Dropout final : public Layer {
 public:
  Dropout(Index features, double p, int position)
      : features_(features), p_(p), position_(position), scale_(static_cast<Real>(1 / (1 - p))) {}

  std::string text() const override { return fmt::format("dropout {}", p_); }
  Index outputs() const override { return features_; }

  void forward(const RowBlock& block, ConstMatrixView x, MatrixView y) override {
    if (!block.training) {
      y = x;
      return;
    }
    mask_.resize(std::max(mask_.size(), static_cast<std::size_t>(x.size())));
    for_each_part(block.rows(), [&](Index row) {
      Real* const mask = mask_.data() + row * features_;
      draw_mask(block, block.samples[static_cast<std::size_t>(row)], mask);
      for (Index i = 0; i < features_; ++i) y(row, i) = x(row, i) * mask[i];
    });
  }

  void backward(const RowBlock& block, ConstMatrixView /*x*/, ConstMatrixView /*y*/, ConstMatrixView dy,
                MatrixView dx, GradientSink& /*sink*/) override {
    if (!block.training) {
      if (dx.rows() > 0) dx = dy;
      return;
    }
    if (dx.rows() == 0) return;
    for_each_part(block.rows(), [&](Index row) {
      const Real* const mask = mask_.data() + row * features_;
      for (Index i = 0; i < features_; ++i) dx(row, i) = dy(row, i) * mask[i];
    });
  }

 private:
  /// mask[unit] = 0 or 1 / (1 - p); eight units from each draw, 32 bits for each.
  void draw_mask(const RowBlock& block, Index sample, Real* mask) const {
    constexpr Index kUnits = 8;
    const auto threshold = static_cast<std::uint64_t>(std::llround(p_ * 0x1p32));
    for (Index first = 0; first < features_; first += kUnits) {
      const RandomBits bits =
          random_bits(block.seed, Purpose::kDropout,
                      {block.step, static_cast<std::uint64_t>(sample), static_cast<std::uint64_t>(position_),
                       static_cast<std::uint64_t>(first / kUnits)});
      for (Index unit = 0; unit < std::min(kUnits, features_ - first); ++unit) {
        const std::uint64_t word = bits[static_cast<std::size_t>(unit / 2)];
        const std::uint64_t draw = unit % 2 == 0 ? word & 0xffffffffU : word >> 32U;
        mask[first + unit] = draw >= threshold ? scale_ : Real(0);
      }
    }
  }

  Index features_;
  double p_;
  int position_;
  Real scale_;
  std::vector<Real> mask_;  // of the last forward, [rows x features]
};

}  // namespace

std::unique_ptr<Layer> make_dropout(Index features, double p, int position) {
  return std::make_unique<Dropout>(features, p, position);
}

}  // namespace lockstep::inline LOCKSTEP_REAL
