#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "lockstep/core/threads.hpp"
#include "lockstep/nn/unit_forms.hpp"
#include "lockstep/nn/units.hpp"
#include "nn/picture.hpp"
#include "nn/window_loops.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

namespace {

/// What max-pool and avg-pool have in common: windows over a picture, channel by channel.
class Pooling : public Unit {
 public:
  explicit Pooling(const Windows& windows) : windows_(windows) {}

  std::string text() const override {
    return fmt::format("{} {}{}", name(), windows_.size, options_text(windows_, windows_.size));
  }
  Response response() const override { return Response::kPassesOn; }
  UnitKind kind() const override { return UnitKind::kPooling; }
  bool reads_output() const override { return false; }
  bool follows_rows() const override { return true; }

  Shape connect(std::span<const Shape> inputs) override {
    input_ = picture_of(inputs[0]);
    output_ = slide(windows_, input_, input_.channels);
    find_runs();
    if (inputs[0].axes().size() == 2) return std::vector<Index>{output_.height, output_.width};
    return std::vector<Index>{output_.channels, output_.height, output_.width};
  }

  std::string add_operators(OperatorGraph& graph, std::span<const GraphValue> x) const override {
    const std::string y = add_operator(graph, with_channels(graph, x[0]));
    return x[0].shape.axes().size() == 2 ? graph.reshape(y, {output_.height, output_.width}) : y;
  }

 protected:
  virtual const char* name() const = 0;
  virtual std::string add_operator(OperatorGraph& graph, const std::string& picture) const = 0;

  /// Windows, where in a sample the first pixel is that they see, and where their results are.
  struct PlacedRun {
    WindowRun run;
    Index in_input;
    Index in_output;
  };
  const std::vector<PlacedRun>& runs() const { return runs_; }

  const Picture& input() const { return input_; }
  const Picture& output() const { return output_; }
  const Windows& windows() const { return windows_; }

 private:
  void find_runs() {
    const auto seen = [&](Index window, Index pixels) {
      const Index first = window * windows_.stride - windows_.pad;
      return std::pair(std::max<Index>(0, -first), std::min(windows_.size, pixels - first));
    };
    const Index row_step = input_.width * input_.channels;
    for (Index row = 0; row < output_.height; ++row) {
      const auto [first_row, last_row] = seen(row, input_.height);
      for (Index column = 0; column < output_.width;) {
        const std::pair columns = seen(column, input_.width);
        Index next = column + 1;
        while (next < output_.width && seen(next, input_.width) == columns) ++next;
        runs_.push_back(
            {.run = {.first_row = first_row,
                     .last_row = last_row,
                     .first_column = columns.first,
                     .last_column = columns.second,
                     .size = windows_.size,
                     .windows = next - column,
                     .step = windows_.stride * input_.channels,
                     .row_step = row_step,
                     .channels = input_.channels},
             .in_input = (row * windows_.stride - windows_.pad + first_row) * row_step +
                         (column * windows_.stride - windows_.pad + columns.first) * input_.channels,
             .in_output = (row * output_.width + column) * output_.channels});
        column = next;
      }
    }
  }

  Windows windows_;
  Picture input_, output_;
  std::vector<PlacedRun> runs_;
};

class MaxPool final : public Pooling {
 public:
  using Pooling::Pooling;

  void prepare(const RowBlock& block) override {
    const auto size = static_cast<std::size_t>(block.rows() * output().size());
    if (chosen_.size() < size) chosen_.resize(size);
  }

  void forward(const RowBlock& block, Inputs x, MatrixView y) override {
    for_each_part(y.rows(), [&](Index row) {
      std::uint32_t* const chosen = chosen_.data() + (block.first_row + row) * output().size();
      for (const auto& [run, in_input, in_output] : runs()) {
        window_loops<Real>().take_largest(run, x[0].row(row).data() + in_input, y.row(row).data() + in_output,
                                          chosen + in_output);
      }
    });
  }

  void backward(const RowBlock& block, Inputs /*x*/, ConstMatrixView /*y*/, ConstMatrixView dy,
                InputGradients dx, GradientSink& /*sink*/) override {
    if (dx[0].rows() == 0) return;
    MatrixView by_input = dx[0];
    for_each_part(dy.rows(), [&](Index row) {
      by_input.row(row).setZero();
      const std::uint32_t* const chosen = chosen_.data() + (block.first_row + row) * output().size();
      for (const auto& [run, in_input, in_output] : runs()) {
        window_loops<Real>().add_chosen(run, dy.row(row).data() + in_output, chosen + in_output,
                                        by_input.row(row).data() + in_input);
      }
    });
  }

 private:
  const char* name() const override { return "max-pool"; }
  std::string add_operator(OperatorGraph& graph, const std::string& picture) const override {
    return graph.add("MaxPool", {picture}, attributes_of(windows()));
  }

  std::vector<std::uint32_t> chosen_;  // of the last forward: the place in its window of each largest value
};

class AvgPool final : public Pooling {
 public:
  using Pooling::Pooling;

  void forward(const RowBlock& /*block*/, Inputs x, MatrixView y) override {
    for_each_part(y.rows(), [&](Index row) {
      for (const auto& [run, in_input, in_output] : runs()) {
        window_loops<Real>().take_means(run, x[0].row(row).data() + in_input, count(),
                                        y.row(row).data() + in_output);
      }
    });
  }

  void backward(const RowBlock& /*block*/, Inputs /*x*/, ConstMatrixView /*y*/, ConstMatrixView dy,
                InputGradients dx, GradientSink& /*sink*/) override {
    if (dx[0].rows() == 0) return;
    MatrixView by_input = dx[0];
    for_each_part(dy.rows(), [&](Index row) {
      by_input.row(row).setZero();
      for (const auto& [run, in_input, in_output] : runs()) {
        window_loops<Real>().add_parts(run, dy.row(row).data() + in_output, count(),
                                       by_input.row(row).data() + in_input);
      }
    });
  }

 private:
  const char* name() const override { return "avg-pool"; }
  std::string add_operator(OperatorGraph& graph, const std::string& picture) const override {
    // With the pad apart, as some programs leave it out of the mean, whatever the attribute for it says.
    Windows inside = windows();
    const Index pad = std::exchange(inside.pad, 0);
    if (pad == 0) return graph.add("AveragePool", {picture}, attributes_of(inside));
    const std::string pads = graph.constant({8}, std::vector<std::int64_t>{0, 0, pad, pad, 0, 0, pad, pad});
    return graph.add("AveragePool", {graph.add("Pad", {picture, pads})}, attributes_of(inside));
  }
  Real count() const { return static_cast<Real>(windows().size * windows().size); }
};

/// The mean over all pixels.
class AvgPoolAll final : public Unit {
 public:
  std::string text() const override { return "avg-pool all"; }
  Response response() const override { return Response::kPassesOn; }
  UnitKind kind() const override { return UnitKind::kPooling; }
  bool reads_output() const override { return false; }
  bool follows_rows() const override { return true; }

  Shape connect(std::span<const Shape> inputs) override {
    input_ = picture_of(inputs[0]);
    return std::vector<Index>{input_.channels, 1, 1};
  }

  void forward(const RowBlock& /*block*/, Inputs x, MatrixView y) override {
    for_each_part(y.rows(), [&](Index row) {
      const ConstMatrixView pixels(x[0].row(row).data(), input_.pixels(), input_.channels);
      y.row(row).setZero();
      for (Index pixel = 0; pixel < input_.pixels(); ++pixel) y.row(row) += pixels.row(pixel);
      y.row(row) /= static_cast<Real>(input_.pixels());
    });
  }

  void backward(const RowBlock& /*block*/, Inputs /*x*/, ConstMatrixView /*y*/, ConstMatrixView dy,
                InputGradients dx, GradientSink& /*sink*/) override {
    if (dx[0].rows() == 0) return;
    MatrixView by_input = dx[0];
    for_each_part(dy.rows(), [&](Index row) {
      MatrixView pixels(by_input.row(row).data(), input_.pixels(), input_.channels);
      pixels.rowwise() = dy.row(row) / static_cast<Real>(input_.pixels());
    });
  }

  std::string add_operators(OperatorGraph& graph, std::span<const GraphValue> x) const override {
    return graph.add("GlobalAveragePool", {with_channels(graph, x[0])});
  }

 private:
  Picture input_;
};

Windows pooling_windows(Index window, Index stride, Index pad) {
  return {window, stride == 0 ? window : stride, pad, 1};
}

}  // namespace

std::unique_ptr<Unit> max_pool(Index window, Index stride, Index pad) {
  return std::make_unique<MaxPool>(pooling_windows(window, stride, pad));
}

std::unique_ptr<Unit> avg_pool(Index window, Index stride, Index pad) {
  return std::make_unique<AvgPool>(pooling_windows(window, stride, pad));
}

std::unique_ptr<Unit> avg_pool_all() { return std::make_unique<AvgPoolAll>(); }

UnitForm max_pool_form() {
  return {.name = "max-pool",
          .values = {"WINDOW"},
          .options = {"stride", "pad"},
          .make = [](const UnitWords& words) {
            const Windows windows = windows_of(words, 0, std::nullopt);
            return max_pool(windows.size, windows.stride, windows.pad);
          }};
}

UnitForm avg_pool_form() {
  return {.name = "avg-pool",
          .values = {"WINDOW|all"},
          .options = {"stride", "pad"},
          .make = [](const UnitWords& words) {
            if (words.is(0, "all")) {
              if (words.count() > 1) words.refuse("nothing after 'all'");
              return avg_pool_all();
            }
            const Windows windows = windows_of(words, 0, std::nullopt);
            return avg_pool(windows.size, windows.stride, windows.pad);
          }};
}

}  // namespace lockstep::inline LOCKSTEP_REAL
