#include <algorithm>
#include <cmath>

#include "core/multiversion.hpp"
#include "lockstep/core/subnormal.hpp"
#include "lockstep/nn/products.hpp"
#include "lockstep/optim/algorithm.hpp"
#include "optim/norm.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

namespace {

constexpr std::size_t kRest = 0;
constexpr std::size_t kMatrices = 1;

// Of the post: its steepest odd polynomial of degree 5 at 0 that keeps singular values near 1 after a few
// steps.
constexpr Real kA = Real(3.4445);
constexpr Real kB = Real(-4.7750);
constexpr Real kC = Real(2.0315);
constexpr double kEpsilon = 1e-7;

/// AdamW for what is no hidden matrix.
const Algorithm& rest() {
  static const Algorithm algorithm = adamw_algorithm();
  return algorithm;
}

LOCKSTEP_MULTIVERSION
void add_momentum(Real* direction, const Real* g, Real* b, Index n, Real mu) {
  for (Index i = 0; i < n; ++i) {
    b[i] = flushed(mu * b[i] + g[i]);
    direction[i] = g[i] + mu * b[i];
  }
}

/// z = p x + q y
LOCKSTEP_MULTIVERSION
void combine(Real* z, Real p, const Real* x, Real q, const Real* y, Index n) {
  for (Index i = 0; i < n; ++i) z[i] = p * x[i] + q * y[i];
}

/// Matrices that a thread works in, from step to step. Each begins in memory of its own, so that a product's
/// operands always lie alike.
struct Scratch {
  Matrix direction, tall, product, gram, square;
};

MatrixView take(Matrix& room, Index rows, Index columns) {
  if (room.size() < rows * columns) room.resize(1, rows * columns);
  return {room.data(), rows, columns};
}

/// y ← US'Vᵀ for y = USVᵀ, S' near 1: y ← a y + b y (yᵀy) + c y (yᵀy)², `steps` times. y has no more columns
/// than rows and no singular value above 1; this is the transpose of what the post does with matrices that
/// are wider than high.
void orthogonalize(MatrixView y, int steps, Scratch& scratch) {
  MatrixView gram = take(scratch.gram, y.cols(), y.cols());
  MatrixView square = take(scratch.square, y.cols(), y.cols());
  MatrixView product = take(scratch.product, y.rows(), y.cols());
  for (int step = 0; step < steps; ++step) {
    multiply_weight_gradient(read_only(y), 0, read_only(y), gram);
    multiply_input_gradient(read_only(gram), read_only(gram), square);
    combine(square.data(), kB, gram.data(), kC, square.data(), gram.size());
    multiply_input_gradient(read_only(y), read_only(square), product);
    combine(y.data(), kA, y.data(), 1, product.data(), y.size());
  }
}

void step_matrix(const Hyperparameters& values, const Update& u) {
  thread_local Scratch scratch;
  const auto n = std::ssize(u.x);
  const Index rows = u.tensor->shape.front();
  const Index columns = n / rows;
  MatrixView direction = take(scratch.direction, rows, columns);
  add_momentum(direction.data(), u.g.data(), u.state[0].data(), n, static_cast<Real>(values.at("momentum")));

  const auto scale =
      static_cast<Real>(1 / (norm({direction.data(), static_cast<std::size_t>(n)}) + kEpsilon));
  const bool is_tall = rows >= columns;
  MatrixView tall = take(scratch.tall, std::max(rows, columns), std::min(rows, columns));
  if (is_tall) {
    tall = scale * direction;
  } else {
    tall = scale * direction.transpose();
  }
  // Not `at`, which would make a string of a name that is too long to need no memory.
  orthogonalize(tall, static_cast<int>(values.find("newton-schulz-steps")->second), scratch);
  if (!is_tall) direction = tall.transpose();

  const double ratio = static_cast<double>(rows) / static_cast<double>(columns);
  const double decay = (values.at("decay-scaling") != 0 ? u.eta : u.alpha) * u.lambda;
  combine(u.x.data(), static_cast<Real>(1 - decay), u.x.data(),
          static_cast<Real>(-u.alpha * std::sqrt(std::max(1.0, ratio))),
          is_tall ? tall.data() : direction.data(), n);
}

void update(const Hyperparameters& values, const Update& u) {
  if (u.group == kMatrices) return step_matrix(values, u);
  Update slower = u;
  slower.alpha *= values.at("adamw-ratio");
  rest().update(values, slower);
}

std::vector<KeptValues> state(const Hyperparameters& values, const ParameterTensor& tensor,
                              std::size_t group) {
  if (group == kMatrices) return one_per_parameter(tensor, {"momentum"});
  return rest().state(values, tensor, 0);
}

std::size_t group(const ParameterLayout& layout, const ParameterTensor& tensor) {
  const bool is_of_last_unit = tensor.unit == layout.tensors().back().unit;
  return tensor.role == TensorRole::kWeight && tensor.shape.size() >= 2 && !is_of_last_unit ? kMatrices
                                                                                            : kRest;
}

}  // namespace

Algorithm muon_algorithm() {
  return {
      .name = "muon",
      .hyperparameters =
          {{"learning-rate", 0.02, 0, 1e6, "step size α"},
           {"momentum", 0.95, 0, 1, "μ of the running sum of gradients"},
           {"newton-schulz-steps", 5, 1, 100, "steps of its iteration in each update", {}, Numbers::kWhole},
           {"adamw-ratio", 0.015, 0, 1e6,
            "AdamW's step size, for biases, gains and the last unit, over the learning rate"},
           {"beta1", 0.9, 0, 1, "decay β₁ of the mean of gradients", {}, Numbers::kBelowHighest},
           {"beta2", 0.95, 0, 1, "decay β₂ of the mean of squared gradients", {}, Numbers::kBelowHighest},
           {"epsilon", 1e-10, 0, 1, "ε added to the root"},
           {"amsgrad", 0, 0, 1, "divide by the largest mean square so far", kFlag},
           {"weight-decay", 0, 0, 1e6, "decoupled decay λ"},
           {"decay-scaling",
            0,
            0,
            1,
            "what scales the decay beside λ: learning-rate, or schedule (its multiplier alone)",
            {"learning-rate", "schedule"}}},
      .state = state,
      .update = update,
      .scope = Scope::kTensor,
      .group = group};
}

}  // namespace lockstep::inline LOCKSTEP_REAL
