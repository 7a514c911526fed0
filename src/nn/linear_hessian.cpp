#include "lockstep/nn/linear_hessian.hpp"

#include <fmt/format.h>

#include "lockstep/core/error.hpp"
#include "lockstep/nn/products.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

std::string LinearHessian::obstacle(const Network& model, const Loss& loss) {
  if (model.units() != 1 || !model.unit(0).is_affine()) {
    return fmt::format(
        "needs the Hessian, which is known for one linear unit alone, but the network is {}; use 'linear "
        "{}', or "
        "another optimizer",
        model.text(), model.outputs());
  }
  if (loss.has_weights()) return "needs a loss whose samples count alike; use another loss or optimizer";
  if (!loss.has_hessian()) {
    return "needs a loss with a second derivative; use cross-entropy, mse or bce, or another optimizer";
  }
  if (model.layout().size() > kMostParameters) {
    return fmt::format(
        "the Hessian of {} parameters is too large (at most {}); use fewer features, or another optimizer",
        model.layout().size(), kMostParameters);
  }
  return {};
}

LinearHessian::LinearHessian(const Network& model, const Loss& loss)
    : loss_(loss), inputs_(model.inputs()), outputs_(model.outputs()) {
  const std::string why_not = obstacle(model, loss);
  if (!why_not.empty()) fail_input("optimizer 'newton': {}", why_not);
}

Index LinearHessian::size() const { return outputs_ * (outputs_ + 1) / 2 * (inputs_ + 1) * (inputs_ + 1); }

void LinearHessian::compute(ConstMatrixView x, ConstMatrixView outputs, std::span<const Real> weights,
                            Real* packed) {
  const Index rows = x.rows();
  extended_.resize(rows, inputs_ + 1);
  extended_ << x, Matrix::Ones(rows, 1);
  weighted_.resize(rows, inputs_ + 1);
  const Index pairs = outputs_ * outputs_;
  curvature_.resize(static_cast<std::size_t>(rows * pairs));
  for (Index r = 0; r < rows; ++r) {
    loss_.row_hessian({outputs.data() + r * outputs_, static_cast<std::size_t>(outputs_)},
                      curvature_.data() + r * pairs);
    if (weights.empty()) continue;
    for (Index pair = r * pairs; pair < (r + 1) * pairs; ++pair) {
      curvature_[static_cast<std::size_t>(pair)] *= weights[static_cast<std::size_t>(r)];
    }
  }
  const Eigen::Map<const Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>> curvature(
      curvature_.data(), rows, pairs);
  for (Index a = 0; a < outputs_; ++a) {
    for (Index b = a; b < outputs_; ++b) {
      MatrixView block(packed, inputs_ + 1, inputs_ + 1);
      packed += block.size();
      const auto factors = curvature.col(a * outputs_ + b);
      if (factors.isZero(0)) {  // outputs that the loss does not couple
        block.setZero();
        continue;
      }
      weighted_ = factors.cast<Real>().asDiagonal() * extended_;
      multiply_weight_gradient({weighted_.data(), rows, inputs_ + 1}, 0,
                               {extended_.data(), rows, inputs_ + 1}, block);
    }
  }
}

Eigen::MatrixXd LinearHessian::unpack(std::span<const Real> packed) const {
  const Index parameters = outputs_ * (inputs_ + 1);
  Eigen::MatrixXd hessian(parameters, parameters);
  // The parameters are the weights [outputs x inputs], then the biases.
  const auto position = [&](Index output, Index input) {
    return input < inputs_ ? output * inputs_ + input : outputs_ * inputs_ + output;
  };
  const Real* block = packed.data();
  for (Index a = 0; a < outputs_; ++a) {
    for (Index b = a; b < outputs_; ++b, block += (inputs_ + 1) * (inputs_ + 1)) {
      for (Index i = 0; i <= inputs_; ++i) {
        for (Index j = 0; j <= inputs_; ++j) {
          const double value = block[i * (inputs_ + 1) + j];
          hessian(position(a, i), position(b, j)) = value;
          hessian(position(b, j), position(a, i)) = value;
        }
      }
    }
  }
  return hessian;
}

}  // namespace lockstep::inline LOCKSTEP_REAL
