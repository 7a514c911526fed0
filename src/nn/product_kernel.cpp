#include "nn/product_kernel.hpp"

#include "nn/product_tile.hpp"

namespace lockstep {

namespace {

constexpr ProductKernel<float> kFloat = make_kernel<float, float, kTileRows>();
constexpr ProductKernel<double> kDouble = make_kernel<double, double, kTileRows>();

}  // namespace

template <>
const ProductKernel<float>& product_kernel_of<float, float, LOCKSTEP_UNIT>() {
  return kFloat;
}
template <>
const ProductKernel<double>& product_kernel_of<double, double, LOCKSTEP_UNIT>() {
  return kDouble;
}

}  // namespace lockstep
