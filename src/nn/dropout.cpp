#include <algorithm>
#include <cmath>
#include <vector>

#include <fmt/format.h>

#include "lockstep/core/random.hpp"
#include "lockstep/core/threads.hpp"
#include "lockstep/nn/unit_forms.hpp"
#include "lockstep/nn/units.hpp"
#include "nn/picture.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

namespace {

/// What is dropped or kept together.
enum class Dropped { kValues, kChannels };

class Dropout final : public Unit {
 public:
  Dropout(double p, Dropped dropped) : p_(p), scale_(static_cast<Real>(1 / (1 - p))), dropped_(dropped) {}

  std::string text() const override {
    return fmt::format("dropout {}{}", p_, dropped_ == Dropped::kChannels ? " channels" : "");
  }
  Response response() const override { return Response::kPassesOn; }
  bool is_random() const override { return true; }

  Shape connect(std::span<const Shape> inputs) override {
    values_ = inputs[0].size();
    drawn_ = dropped_ == Dropped::kChannels ? picture_of(inputs[0]).channels : values_;
    return inputs[0];
  }
  void place(std::size_t number, ParameterRange /*range*/) override { number_ = number; }

  void forward(const RowBlock& block, Inputs inputs, MatrixView y) override {
    const ConstMatrixView& x = inputs[0];
    if (!block.training) {
      y = x;
      return;
    }
    mask_.resize(std::max(mask_.size(), static_cast<std::size_t>(x.size())));
    for_each_part(block.rows(), [&](Index row) {
      Real* const mask = mask_.data() + row * values_;
      draw_mask(block, block.samples[static_cast<std::size_t>(row)], mask);
      for (Index first = drawn_; first < values_; first += drawn_) std::copy_n(mask, drawn_, mask + first);
      for (Index i = 0; i < values_; ++i) y(row, i) = x(row, i) * mask[i];
    });
  }

  void backward(const RowBlock& block, Inputs /*x*/, ConstMatrixView /*y*/, ConstMatrixView dy,
                InputGradients by_inputs, GradientSink& /*sink*/) override {
    MatrixView dx = by_inputs[0];
    if (!block.training) {
      if (dx.rows() > 0) dx = dy;
      return;
    }
    if (dx.rows() == 0) return;
    for_each_part(block.rows(), [&](Index row) {
      const Real* const mask = mask_.data() + row * values_;
      for (Index i = 0; i < values_; ++i) dx(row, i) = dy(row, i) * mask[i];
    });
  }

  std::string add_operators(OperatorGraph& /*graph*/, std::span<const GraphValue> x) const override {
    return x[0].name;
  }

 private:
  /// mask[i] = 0 or 1 / (1 - p) for what is drawn; eight values from each draw, 32 bits for each.
  void draw_mask(const RowBlock& block, Index sample, Real* mask) const {
    constexpr Index kValues = 8;
    const auto threshold = static_cast<std::uint64_t>(std::llround(p_ * 0x1p32));
    for (Index first = 0; first < drawn_; first += kValues) {
      const RandomBits bits =
          random_bits(block.seed, Purpose::kDropout,
                      {block.step, static_cast<std::uint64_t>(sample), static_cast<std::uint64_t>(number_),
                       static_cast<std::uint64_t>(first / kValues)});
      for (Index i = 0; i < std::min(kValues, drawn_ - first); ++i) {
        const std::uint64_t word = bits[static_cast<std::size_t>(i / 2)];
        const std::uint64_t draw = i % 2 == 0 ? word & 0xffffffffU : word >> 32U;
        mask[first + i] = draw >= threshold ? scale_ : Real(0);
      }
    }
  }

  double p_;
  Real scale_;
  Dropped dropped_;
  Index values_ = 0;
  Index drawn_ = 0;  // of them; the mask of the others repeats theirs
  std::size_t number_ = 0;
  std::vector<Real> mask_;  // of the last forward, [rows x features]
};

}  // namespace

std::unique_ptr<Unit> dropout(double p) { return std::make_unique<Dropout>(p, Dropped::kValues); }

std::unique_ptr<Unit> dropout_channels(double p) { return std::make_unique<Dropout>(p, Dropped::kChannels); }

UnitForm dropout_form() {
  return {.name = "dropout", .values = {"P"}, .flags = {"channels"}, .make = [](const UnitWords& words) {
            const double p = *words.number(0);
            if (!(p >= 0 && p < 1)) words.refuse("the probability of dropping a value, 0 <= p < 1");
            return words.has("channels") ? dropout_channels(p) : dropout(p);
          }};
}

}  // namespace lockstep::inline LOCKSTEP_REAL
