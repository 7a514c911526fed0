#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <fstream>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "core/statistics.hpp"
#include "lockstep/core/random.hpp"
#include "lockstep/nn/loss.hpp"
#include "lockstep/nn/network.hpp"
#include "lockstep/nn/unit.hpp"

namespace lockstep::test {

inline constexpr bool kIsDouble = sizeof(Real) == sizeof(double);

/// Numbers from [-1, 1), a pure function of the seed.
inline std::vector<Real> random_values(Index count, std::uint64_t seed) {
  std::vector<Real> values;
  for (Index i = 0; i < count; ++i) {
    const auto bits = random_bits(seed, Purpose::kSynthetic, {static_cast<std::uint64_t>(i), 0, 0, 0});
    values.push_back(static_cast<Real>(2 * uniform(bits[0]) - 1));
  }
  return values;
}

/// 1 where a value is above 0, else 0: targets of a multi-label set.
inline std::vector<Real> above_zero(std::vector<Real> values) {
  for (Real& value : values) value = value > 0 ? 1 : 0;
  return values;
}

inline Matrix random_matrix(Index rows, Index columns, std::uint64_t seed) {
  const std::vector<Real> values = random_values(rows * columns, seed);
  return ConstMatrixView(values.data(), rows, columns);
}

/// `name` as GoogleTest takes it for a part of a test's name.
inline std::string identifier(std::string name) {
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

inline ConstMatrixView view(const Matrix& matrix) { return {matrix.data(), matrix.rows(), matrix.cols()}; }
inline MatrixView view(Matrix& matrix) { return {matrix.data(), matrix.rows(), matrix.cols()}; }

inline std::vector<Index> counted(Index count, Index first = 0) {
  std::vector<Index> all;
  for (Index i = 0; i < count; ++i) all.push_back(first + i);
  return all;
}

inline std::vector<std::int32_t> cycled_labels(Index count, std::int32_t classes) {
  std::vector<std::int32_t> labels;
  for (Index i = 0; i < count; ++i) labels.push_back(static_cast<std::int32_t>(i) % classes);
  return labels;
}

/// A RowBlock together with what it views. `counts`: rows of its micro-batches, numbered from 0.
class OwnedBlock {
 public:
  OwnedBlock(std::vector<Index> samples, const std::vector<Index>& counts) : samples_(std::move(samples)) {
    Index first = 0;
    for (const Index count : counts) {
      micro_batches_.push_back({static_cast<int>(micro_batches_.size()), first, count});
      first += count;
    }
    if (first != static_cast<Index>(samples_.size())) throw std::logic_error("counts do not fit the samples");
  }
  /// All of `samples` as one micro-batch.
  explicit OwnedBlock(const std::vector<Index>& samples)
      : OwnedBlock(samples, {static_cast<Index>(samples.size())}) {}

  RowBlock evaluation() const { return {.micro_batches = micro_batches_, .samples = samples_}; }
  RowBlock training(std::uint64_t seed = 1, std::uint64_t step = 0) const {
    return {
        .micro_batches = micro_batches_, .samples = samples_, .training = true, .seed = seed, .step = step};
  }

 private:
  std::vector<Index> samples_;
  std::vector<MicroBatchRows> micro_batches_;
};

/// Keeps every micro-batch's gradient, and counts how often each value was handed in.
class RecordingSink final : public GradientSink {
 public:
  explicit RecordingSink(Index parameters) : parameters_(static_cast<std::size_t>(parameters)) {}

  void add(const RowBlock& block, ParameterRange range, const WriteGradient& write) override {
    for (const MicroBatchRows& m : block.micro_batches) {
      auto& gradient = gradients[m.micro_batch];
      gradient.resize(parameters_);
      write(m, gradient.data() + range.offset);
      auto& count = added[m.micro_batch];
      count.resize(parameters_);
      for (Index i = range.offset; i < range.offset + range.size; ++i) ++count[static_cast<std::size_t>(i)];
    }
  }

  std::map<int, std::vector<Real>> gradients;
  std::map<int, std::vector<int>> added;

 private:
  std::size_t parameters_;
};

/// A unit alone, with one input of `inputs` features.
class ConnectedUnit {
 public:
  ConnectedUnit(std::unique_ptr<Unit> unit, Index inputs, std::size_t number) : unit_(std::move(unit)) {
    const Shape input(inputs);
    outputs_ = unit_->connect({&input, 1}).size();
    for (const TensorSpec& tensor : unit_->tensors()) layout_.add(number, tensor.name, tensor);
    unit_->place(number, {0, layout_.size()});
  }

  std::string text() const { return unit_->text(); }
  Index outputs() const { return outputs_; }
  const ParameterLayout& layout() const { return layout_; }
  void bind(const std::vector<Real>& parameters) { unit_->bind(parameters.data()); }
  void forward(const RowBlock& block, ConstMatrixView x, MatrixView y) { unit_->forward(block, {&x, 1}, y); }
  void backward(const RowBlock& block, ConstMatrixView x, ConstMatrixView y, ConstMatrixView dy,
                MatrixView dx, GradientSink& sink) {
    unit_->backward(block, {&x, 1}, y, dy, {&dx, 1}, sink);
  }

 private:
  std::unique_ptr<Unit> unit_;
  Index outputs_ = 0;
  ParameterLayout layout_;
};

inline std::unique_ptr<ConnectedUnit> connected(std::unique_ptr<Unit> unit, Index inputs,
                                                std::size_t number = 0) {
  return std::make_unique<ConnectedUnit>(std::move(unit), inputs, number);
}

/// Forward, loss and backward of one block: summed loss of each micro-batch; gradients go to `sink`.
inline std::vector<double> forward_backward(Network& model, const Loss& loss, const RowBlock& block,
                                            ConstMatrixView x, const Targets& targets, GradientSink& sink) {
  std::vector<double> sums(block.micro_batches.size());
  const ConstMatrixView outputs = model.forward(block, x);
  loss.evaluate(block, outputs, targets, sums, model.output_gradient(block.rows()));
  model.backward(block, x, sink);
  return sums;
}

inline nlohmann::json read_golden(const std::string& name) {
  std::ifstream stream(std::string(LOCKSTEP_TEST_DATA) + "/" + name);
  return nlohmann::json::parse(stream);
}

/// The largest |a - b| / max(|a|, |b|, floor).
template <typename A, typename B>
double largest_relative_error(const A& a, const B& b, double floor) {
  if (std::ssize(a) != std::ssize(b)) throw std::logic_error("sizes differ");
  double largest = 0;
  for (Index i = 0; i < std::ssize(a); ++i) {
    const auto x = static_cast<double>(a[i]);
    const auto y = static_cast<double>(b[i]);
    largest = larger(largest, std::abs(x - y) / std::max({std::abs(x), std::abs(y), floor}));
  }
  return largest;
}

}  // namespace lockstep::test
