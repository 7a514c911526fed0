#include <algorithm>
#include <functional>
#include <utility>

#include <fmt/format.h>

#include "lockstep/core/error.hpp"
#include "lockstep/core/threads.hpp"
#include "lockstep/nn/unit_forms.hpp"
#include "lockstep/nn/units.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

namespace {

class Embedding final : public Unit {
 public:
  explicit Embedding(Index width) : width_(width) {}

  std::string text() const override { return fmt::format("embedding {}", width_); }
  bool takes_categories(std::size_t /*input*/) const override { return true; }

  Shape connect(std::span<const Shape> inputs) override {
    categories_ = inputs[0].categories();
    values_ = inputs[0].size();
    std::vector<Index> axes = inputs[0].axes();
    axes.push_back(width_);
    return axes;
  }

  /// A row of Glorot's initial weights has a norm of about 1.
  std::vector<TensorSpec> tensors() const override {
    return {{.name = "weight",
             .shape = {categories_, width_},
             .role = TensorRole::kTable,
             .fan_in = width_,
             .fan_out = width_}};
  }

  void place(std::size_t /*number*/, ParameterRange range) override { range_ = range; }
  void bind(const Real* parameters) override { parameters_ = parameters; }

  void forward(const RowBlock& block, Inputs x, MatrixView y) override {
    const Real* const numbers = x[0].data();
    LOCKSTEP_CHECK(std::all_of(numbers, numbers + x[0].size(), [&](Real number) {
      return number >= 0 && number < static_cast<Real>(categories_);
    }));
    for_each_part(block.rows(), [&](Index row) {
      for (Index i = 0; i < values_; ++i) {
        const auto category = static_cast<Index>(x[0](row, i));
        std::copy_n(parameters_ + category * width_, width_, y.data() + (row * values_ + i) * width_);
      }
    });
  }

  void backward(const RowBlock& block, Inputs x, ConstMatrixView /*y*/, ConstMatrixView dy,
                InputGradients /*dx*/, GradientSink& sink) override {
    sort(block, x[0]);
    const Index most = std::max<Index>(kPieceSize / width_, 1);
    const Index pieces = (categories_ + most - 1) / most;
    for_each_part(pieces, [&](Index piece) {
      const Index first = piece * most;
      const Index count = std::min(most, categories_ - first);
      const auto write = [&](const MicroBatchRows& m, Real* gradient) {
        return add_rows(m, first, count, dy, gradient);
      };
      sink.add_sparse(block, {range_.offset + first * width_, count * width_}, std::ref(write));
    });
    sink.done(range_);
  }

  std::string add_operators(OperatorGraph& graph, std::span<const GraphValue> x) const override {
    if (x[0].shape.axes().size() > 1) fail_input("of categories along several axes it has no form in ONNX");
    const std::string numbers = graph.add("Cast", {x[0].name}, {{"to", OperatorGraph::kInt64}});
    return graph.add("Gather", {graph.tensor("weight"), numbers});
  }

 private:
  /// A value that came in: its category, and where its row of the output stands.
  struct Occurrence {
    Index category;
    Index position;
    auto operator<=>(const Occurrence&) const = default;
  };

  /// Puts what each micro-batch has of a category side by side, in the order of its rows.
  void sort(const RowBlock& block, ConstMatrixView x) {
    occurrences_.resize(static_cast<std::size_t>(block.rows() * values_));
    for (std::size_t i = 0; i < occurrences_.size(); ++i) {
      occurrences_[i] = {static_cast<Index>(x.data()[i]), static_cast<Index>(i)};
    }
    for_each_part(std::ssize(block.micro_batches), [&](Index i) {
      const auto [begin, end] = of(block.micro_batches[static_cast<std::size_t>(i)]);
      std::sort(begin, end);
    });
  }

  auto of(const MicroBatchRows& m)
      -> std::pair<std::vector<Occurrence>::iterator, std::vector<Occurrence>::iterator> {
    const auto begin = occurrences_.begin() + m.first * values_;
    return {begin, begin + m.count * values_};
  }

  /// gradient [count x width] = the sums of dy over what `m` has of the categories from `first` on; false if
  /// that is nothing.
  bool add_rows(const MicroBatchRows& m, Index first, Index count, ConstMatrixView dy, Real* gradient) {
    const auto [begin, end] = of(m);
    auto next = std::lower_bound(begin, end, Occurrence{first, 0});
    if (next == end || next->category >= first + count) return false;
    std::fill_n(gradient, count * width_, Real(0));
    for (; next != end && next->category < first + count; ++next) {
      Real* const sum = gradient + (next->category - first) * width_;
      const Real* const values = dy.data() + next->position * width_;
      for (Index i = 0; i < width_; ++i) sum[i] += values[i];
    }
    return true;
  }

  static constexpr Index kPieceSize =
      4096;  // values: small enough for a near cache, and to be left out often

  Index width_;
  Index categories_ = 0;
  Index values_ = 0;  // of a sample
  ParameterRange range_;
  const Real* parameters_ = nullptr;
  std::vector<Occurrence> occurrences_;  // of the block that backward works on
};

}  // namespace

std::unique_ptr<Unit> embedding(Index width) { return std::make_unique<Embedding>(width); }

UnitForm embedding_form() {
  static constexpr Index kMostWidth = 1 << 24;
  return {.name = "embedding", .values = {"WIDTH"}, .make = [](const UnitWords& words) {
            return embedding(
                words.whole(0, 1, kMostWidth, fmt::format("a whole width from 1 to {}", kMostWidth)));
          }};
}

}  // namespace lockstep::inline LOCKSTEP_REAL
