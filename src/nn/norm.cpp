#include "nn/norm.hpp"

#include <algorithm>
#include <functional>

#include "lockstep/core/threads.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

std::vector<TensorSpec> Norm::tensors() const {
  return {{.name = "weight", .shape = {channels_}, .role = TensorRole::kGain},
          {.name = "bias", .shape = {channels_}, .role = TensorRole::kBias}};
}

void Norm::place(std::size_t /*number*/, ParameterRange range) { range_ = range; }

void Norm::bind(const Real* parameters) { parameters_ = parameters; }

void Norm::start_backward(const RowBlock& block) {
  by_parameters_.assign(block.micro_batches.size() * static_cast<std::size_t>(2 * channels_), 0.0);
}

void Norm::end_backward(const RowBlock& block, GradientSink& sink) {
  const auto write = [&](const MicroBatchRows& m, Real* gradient) {
    const auto place = std::ranges::lower_bound(block.micro_batches, m.first, {}, &MicroBatchRows::first);
    const double* const sums = by_parameters(place - block.micro_batches.begin());
    for (Index c = 0; c < 2 * channels_; ++c) gradient[c] = static_cast<Real>(sums[c]);
  };
  sink.add(block, range_, std::ref(write));
  sink.done(range_);
}

std::string Norm::add_standardized(OperatorGraph& graph, const std::string& x) {
  const auto mean = [&](const std::string& values) {
    return graph.add("ReduceMean", {values}, {{"axes", std::vector<std::int64_t>{-1}}});
  };
  const std::string distance = graph.add("Sub", {x, mean(x)});
  const std::string variance = mean(graph.add("Mul", {distance, distance}));
  const std::string sum = graph.add("Add", {variance, graph.number(static_cast<float>(kNormEpsilon))});
  return graph.add("Div", {distance, graph.add("Sqrt", {sum})});
}

std::string Norm::add_affine(OperatorGraph& graph, const std::string& standardized,
                             const Shape& shape) const {
  const auto along_channels = [&](const std::string& name) {
    std::string tensor = graph.tensor(name);
    if (shape.axes().size() < 3) return tensor;
    return graph.add("Reshape", {tensor, graph.constant({3}, std::vector<std::int64_t>{channels_, 1, 1})});
  };
  const std::string scaled = graph.add("Mul", {standardized, along_channels("weight")});
  return graph.add("Add", {scaled, along_channels("bias")});
}

void SampleNorm::backward(const RowBlock& block, Inputs x, ConstMatrixView /*y*/, ConstMatrixView dy,
                          InputGradients dx, GradientSink& sink) {
  start_backward(block);
  for_each_part(std::ssize(block.micro_batches), [&](Index i) {
    const MicroBatchRows& m = block.micro_batches[static_cast<std::size_t>(i)];
    for (Index row = m.first; row < m.first + m.count; ++row) {
      block.start(row, 1);
      backward_of(row, x[0], dy, dx[0], by_parameters(i));
      if (dx[0].rows() > 0) block.finish(row, 1);
    }
  });
  end_backward(block, sink);
}

}  // namespace lockstep::inline LOCKSTEP_REAL
