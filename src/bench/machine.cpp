#include "bench/machine.hpp"

#include <algorithm>
#include <cstring>
#include <functional>
#include <vector>

#include "core/statistics.hpp"
#include "lockstep/nn/bfloat16_products.hpp"
#include "lockstep/nn/products.hpp"
#include "lockstep/parallel/gradient_reducer.hpp"
#include "lockstep/parallel/replica.hpp"
#include "lockstep/train/training_plan.hpp"

namespace lockstep {

namespace {

constexpr double kShortest = 0.02;  // seconds that one reading takes at least

/// Seconds of one call of `action`: the median over `rounds` readings, each begun by all ranks together.
/// Collective.
double time_of(Communicator& communicator, Index rounds, const std::function<void()>& action) {
  action();  // caches, and memory that is allocated at first use
  std::vector<double> seconds;
  seconds.reserve(static_cast<std::size_t>(rounds));
  for (Index round = 0; round < rounds; ++round) {
    communicator.barrier();
    Stopwatch watch;
    double elapsed = 0;
    int calls = 0;
    for (; elapsed < kShortest; ++calls) {
      action();
      elapsed += watch.lap();
    }
    seconds.push_back(elapsed / calls);
  }
  return median(std::move(seconds));
}

/// The same for an action in which ranks wait for each other, hence called the same number of times on all.
/// Collective.
double time_of_collective(Communicator& communicator, Index rounds, const std::function<void()>& action) {
  constexpr int kCalls = 20;
  action();
  std::vector<double> seconds;
  seconds.reserve(static_cast<std::size_t>(rounds));
  for (Index round = 0; round < rounds; ++round) {
    communicator.barrier();
    Stopwatch watch;
    for (int call = 0; call < kCalls; ++call) action();
    seconds.push_back(watch.lap() / kCalls);
  }
  return median(std::move(seconds));
}

/// Of what a weight multiplies: `uses` vectors of `inputs` values a sample.
struct ProductShape {
  Index inputs, outputs, uses;
};

std::vector<ProductShape> product_shapes(const Network& model) {
  std::vector<ProductShape> shapes;
  for (const ParameterTensor& tensor : model.layout().tensors()) {
    if (tensor.role == TensorRole::kWeight) {
      shapes.push_back({tensor.fan_in, tensor.range.size / tensor.fan_in, tensor.uses});
    }
  }
  return shapes;
}

/// The three products of a linear unit, with factors as a step in that precision has them.
class LinearProducts {
 public:
  LinearProducts(Index rows, Index inputs, Index outputs, Precision precision)
      : precision_(precision),
        x_(Matrix::Constant(rows, inputs, Real(0.5))),
        w_(Matrix::Constant(outputs, inputs, Real(0.5))),
        dy_(Matrix::Constant(rows, outputs, Real(0.5))),
        y_(rows, outputs),
        dx_(rows, inputs),
        dw_(outputs, inputs) {
    if (precision == Precision::kFloat32) return;
    x_rows_.assign_rows(view(x_));
    w_rows_.assign_rows(view(w_));
    dy_rows_.assign_rows(view(dy_));
    x_columns_.assign_columns(view(x_));
    w_columns_.assign_columns(view(w_));
    dy_columns_.assign_columns(view(dy_));
  }

  void forward() {
    if (precision_ == Precision::kFloat32) return multiply_forward(view(x_), view(w_), w_.data(), view(y_));
    multiply_forward(x_rows_.view(), w_rows_.view(), w_.data(), view(y_));
  }
  void weight_gradient() {
    if (precision_ == Precision::kFloat32) return multiply_weight_gradient(view(dy_), 0, view(x_), view(dw_));
    multiply_weight_gradient(dy_columns_.view(), 0, x_columns_.view(), view(dw_));
  }
  void input_gradient() {
    if (precision_ == Precision::kFloat32) return multiply_input_gradient(view(dy_), view(w_), view(dx_));
    multiply_input_gradient(dy_rows_.view(), w_columns_.view(), view(dx_));
  }

 private:
  Precision precision_;
  const Matrix x_, w_, dy_;
  Matrix y_, dx_, dw_;
  Bfloat16Matrix x_rows_, w_rows_, dy_rows_, x_columns_, w_columns_, dy_columns_;
};

/// Operations a second of one product of 2048³. Collective.
double gemm_2048(Precision precision, Communicator& communicator, Index rounds) {
  constexpr Index kSize = 2048;
  LinearProducts products(kSize, kSize, kSize, precision);
  const double seconds = time_of(communicator, rounds, [&] { products.forward(); });
  return 2.0 * kSize * kSize * kSize / seconds;
}

/// Operations a second of a step's products over `samples` samples, a convolution's as those of matrices that
/// hold as many windows as a cache does. Collective.
double gemm_model(const Network& model, Index samples, Precision precision, Communicator& communicator,
                  Index rounds) {
  constexpr Index kMostWindows = 4096;
  double seconds = 0;
  bool first = true;
  for (const ProductShape& shape : product_shapes(model)) {
    const Index rows = shape.uses == 1 ? samples : std::min(samples * shape.uses, kMostWindows);
    const double times = static_cast<double>(samples * shape.uses) / static_cast<double>(rows);
    LinearProducts products(rows, shape.inputs, shape.outputs, precision);
    double once = time_of(communicator, rounds, [&] { products.forward(); }) +
                  time_of(communicator, rounds, [&] { products.weight_gradient(); });
    if (!first) once += time_of(communicator, rounds, [&] { products.input_gradient(); });
    seconds += times * once;
    first = false;
  }
  return operations_per_sample(model) * static_cast<double>(samples) / seconds;
}

/// Collective.
double copy_rate(Communicator& communicator, Index rounds) {
  constexpr std::size_t kBytes = std::size_t{256} << 20U;
  const std::vector<std::byte> from(kBytes, std::byte{1});
  std::vector<std::byte> to(kBytes);
  const double seconds = time_of(communicator, rounds, [&] { std::memcpy(to.data(), from.data(), kBytes); });
  return 2.0 * kBytes / seconds;
}

/// Seconds for `bytes` from rank 0 to rank 1, half of there and back. Collective.
double message_seconds(Communicator& communicator, Index rounds, std::size_t bytes) {
  if (communicator.size() < 2) return 0;
  const int peer = 1 - communicator.rank();
  std::vector<std::byte> ball(bytes);
  const std::vector<OutgoingMessage> out = {{peer, ball}};
  const std::vector<IncomingMessage> in = {{peer, ball}};
  const double both = time_of_collective(communicator, rounds, [&] {
    if (communicator.rank() > 1) return;
    const bool serves = communicator.rank() == 0;
    if (serves) communicator.exchange(out, {});
    communicator.exchange({}, in);
    if (!serves) communicator.exchange(out, {});
  });
  return both / 2;
}

/// Collective.
double exchange_seconds(const Config& config, const ParameterLayout& layout, Index batch_size,
                        Communicator& communicator, Index rounds) {
  const bool fast = config.training.reduction == Reduction::kFast;
  const Index micro_batches = fast ? communicator.size() : config.training.micro_batches;
  const Shares shares = plan_shares(config.training, layout, communicator.size());
  const Topology topology(communicator, config.training.exchange);
  const auto reducer = make_gradient_reducer(topology, shares, rounded_levels(config.training));
  const auto replica = make_replica(topology, shares, rounded_parameters(config.training, layout));
  const BatchPlan plan(batch_size, micro_batches, communicator.size());
  return time_of_collective(communicator, rounds, [&] {
    reducer->start(plan, 1, 1);
    reducer->finish();
    replica->publish();
  });
}

}  // namespace

double operations_per_sample(const Network& model) {
  double operations = 0;
  bool first = true;
  for (const ProductShape& shape : product_shapes(model)) {
    // Output, gradient of the weights, and in all layers but the first the gradient of the input.
    operations += (first ? 4.0 : 6.0) * static_cast<double>(shape.inputs * shape.outputs * shape.uses);
    first = false;
  }
  return operations;
}

MachineLimits measure_machine(const Config& config, const Network& model, Index batch_size,
                              Communicator& communicator, Index rounds) {
  constexpr std::size_t kSmall = 8;
  constexpr std::size_t kLarge = std::size_t{4} << 20U;
  const Index rows = std::max<Index>(part_of(batch_size, communicator.size(), 0).size(), 1);
  const Precision precision = config.training.precision;
  return {.precision = precision,
          .gemm_2048 = gemm_2048(precision, communicator, rounds),
          .gemm_model = gemm_model(model, rows, precision, communicator, rounds),
          .copy = copy_rate(communicator, rounds),
          .message_latency = message_seconds(communicator, rounds, kSmall),
          .message_bandwidth =
              communicator.size() > 1 ? kLarge / message_seconds(communicator, rounds, kLarge) : 0,
          .exchange = exchange_seconds(config, model.layout(), batch_size, communicator, rounds)};
}

}  // namespace lockstep
