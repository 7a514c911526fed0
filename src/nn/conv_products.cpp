#include "nn/conv_products.hpp"

#include <algorithm>
#include <functional>

#include "lockstep/core/threads.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

namespace {

constexpr Index kMostTileSize = Index{1} << 18U;  // values

Index quotient_up(Index a, Index b) { return (a + b - 1) / b; }

/// For the picture that a thread is at.
template <typename Factor>
Factor* room_for_one(const PictureFrame<Factor>& frame) {
  thread_local std::vector<Factor> memory;
  return room_for_pictures(memory, 1, frame.size());
}

}  // namespace

template <typename Factor>
ConvProducts<Factor>::ConvProducts(const ConvShape& shape)
    : shape_(shape),
      x_(shape.frame<Factor>()),
      pictures_(shape),
      by_weights_(pictures_.windows(), shape.channels(), shape.outputs(), pictures_.output()),
      dy_(make_phases()) {
  for (Index group = 0; group < shape.groups; ++group) {
    forward_.emplace_back(shape.grid(), factors_of<Factor>(shape.channels()), shape.outputs(), shape.output);
  }
}

template <typename Factor>
void ConvProducts<Factor>::forward(const RowBlock& block, const Real* weights, const Real* bias,
                                   ConstMatrixView x, MatrixView y) {
  const Index outputs = shape_.outputs();
  const Index terms = shape_.channels() * shape_.area();
  for (Index group = 0; group < shape_.groups; ++group) {
    forward_[static_cast<std::size_t>(group)].pack({.first = weights + group * outputs * terms,
                                                    .output = terms,
                                                    .row = shape_.windows.size,
                                                    .column = 1,
                                                    .channel = shape_.area(),
                                                    .channels = shape_.channels()});
  }
  for_each_part(block.rows(), [&](Index row) {
    Factor* const framed = room_for_one(x_);
    x_.assign(x.row(row).data(), framed);
    for (Index group = 0; group < shape_.groups; ++group) {
      const Index first = group * outputs;
      forward_[static_cast<std::size_t>(group)].forward(
          x_.view(framed, -shape_.windows.pad, -shape_.windows.pad, group),
          bias != nullptr ? bias + first : nullptr,
          {y.row(row).data() + first, shape_.output.width * shape_.output.channels, shape_.output.channels});
    }
    block.finish(row, 1);
  });
}

template <typename Factor>
PictureFrame<Factor> ConvProducts<Factor>::make_phases() {
  const WindowPhases along_rows = phases_of(shape_.windows, shape_.input.height);
  const WindowPhases along_columns = phases_of(shape_.windows, shape_.input.width);
  tap_step_ = along_rows.tap_step;
  const auto window_step = along_rows.window_step;
  Index before = 0;
  Index height = shape_.output.height;  // from pixel 0 on
  Index width = shape_.output.width;
  for (const WindowPhase& rows : along_rows.phases) {
    for (const WindowPhase& columns : along_columns.phases) {
      if (rows.taps == 0 || columns.taps == 0) {
        has_gaps_ = true;
        continue;
      }
      before = std::max({before, -rows.window, -columns.window});
      height = std::max(height, rows.window + rows.pixels + (rows.taps - 1) * window_step);
      width = std::max(width, columns.window + columns.pixels + (columns.taps - 1) * window_step);
      const WindowGrid grid{rows.taps, columns.taps, 1, 1, window_step};
      const Picture pixels{shape_.channels(), rows.pixels, columns.pixels};
      PhaseOfPixels& phase = phases_.emplace_back(PhaseOfPixels{rows, columns, {}});
      for (Index group = 0; group < shape_.groups; ++group) {
        phase.products.emplace_back(grid, factors_of<Factor>(shape_.outputs()), shape_.channels(), pixels);
      }
    }
  }
  return {shape_.output, shape_.groups, before, before + height, before + width};
}

/// See WindowPhases.
template <typename Factor>
void ConvProducts<Factor>::input_gradient(const RowBlock& block, const Real* weights, ConstMatrixView dy,
                                          MatrixView dx) {
  const Index area = shape_.area();
  const Index terms = shape_.channels() * area;
  for (PhaseOfPixels& phase : phases_) {
    const Index tap = phase.rows.tap * shape_.windows.size + phase.columns.tap;
    for (Index group = 0; group < shape_.groups; ++group) {
      phase.products[static_cast<std::size_t>(group)].pack(
          {.first = weights + group * shape_.outputs() * terms + tap,
           .output = area,
           .row = -tap_step_ * shape_.windows.size,
           .column = -tap_step_,
           .channel = terms,
           .channels = shape_.outputs()});
    }
  }
  const Index pixel = shape_.input.channels;
  for_each_part(block.rows(), [&](Index row) {
    block.start(row, 1);
    Factor* const framed = room_for_one(dy_);
    dy_.assign(dy.row(row).data(), framed);
    if (has_gaps_) dx.row(row).setZero();
    for (const PhaseOfPixels& phase : phases_) {
      const Index first = phase.rows.first * shape_.input.width + phase.columns.first;
      for (Index group = 0; group < shape_.groups; ++group) {
        phase.products[static_cast<std::size_t>(group)].forward(
            dy_.view(framed, phase.rows.window, phase.columns.window, group), nullptr,
            {dx.row(row).data() + first * pixel + group * shape_.channels(),
             shape_.windows.stride * shape_.input.width * pixel, shape_.windows.stride * pixel});
      }
    }
    block.finish(row, 1);
  });
}

/// In tiles of some outputs of one group.
template <typename Factor>
void ConvProducts<Factor>::weight_gradient(const RowBlock& block, Index offset, ConstMatrixView x,
                                           ConstMatrixView dy, GradientSink& sink) const {
  const Index outputs = shape_.outputs();
  const Index terms = by_weights_.terms();
  const Index least = std::min<Index>(quotient_up(outputs * terms, kMostTileSize), outputs);
  const Index tiles = std::clamp<Index>(quotient_up(threads(), shape_.groups), least, outputs);
  // Several parts share the samples' pictures; one alone makes them when it comes to them.
  const bool is_alone = shape_.groups * tiles == 1;
  thread_local std::vector<Factor> memory;
  Factor* const pictures = room_for_pictures(memory, is_alone ? 1 : block.rows(), pictures_.size());
  const auto picture = [&](Index row) { return pictures + (is_alone ? 0 : row * pictures_.size()); };
  const auto assign = [&](Index row) {
    pictures_.assign(x.row(row).data(), dy.row(row).data(), picture(row));
  };
  if (!is_alone) for_each_part(block.rows(), assign);
  for_each_part(shape_.groups * tiles, [&](Index part) {
    const Index group = part / tiles;
    const Index tile = part % tiles;
    const Index first = outputs * tile / tiles;
    const Index count = outputs * (tile + 1) / tiles - first;
    thread_local std::vector<Real> sums;
    const auto size = static_cast<std::size_t>(count * terms);
    if (sums.size() < size) sums.resize(size);
    const auto write = [&](const MicroBatchRows& m, Real* gradient) {
      for (Index row = m.first; row < m.first + m.count; ++row) {
        if (is_alone) assign(row);
        by_weights_.weight_gradient(pictures_.x(picture(row), group),
                                    pictures_.dy(picture(row), dy.row(row).data(), group),
                                    shape_.output.channels, first, count, row > m.first, sums.data());
      }
      to_parameters(sums.data(), count, gradient);
    };
    sink.add(block, {offset + (group * outputs + first) * terms, count * terms}, std::ref(write));
  });
}

/// From [output][row][column][channel] to the order of the parameters.
template <typename Factor>
void ConvProducts<Factor>::to_parameters(const Real* sums, Index outputs, Real* gradient) const {
  for (Index output = 0; output < outputs; ++output) {
    for (Index channel = 0; channel < shape_.channels(); ++channel) {
      for (Index place = 0; place < shape_.area(); ++place) {
        *gradient++ = sums[(output * shape_.area() + place) * shape_.channels() + channel];
      }
    }
  }
}

template class ConvProducts<Real>;
template class ConvProducts<Bfloat16Pair>;

}  // namespace lockstep::inline LOCKSTEP_REAL
