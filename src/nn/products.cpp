#include "lockstep/nn/products.hpp"

#include "lockstep/nn/bfloat16_products.hpp"
#include "nn/multiplication.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

namespace {

Operand<Real> plain(ConstMatrixView m) { return {m.data(), m.rows(), m.cols(), m.cols(), false}; }
Operand<Bfloat16Pair> plain(ConstPairsView m) { return {m.data(), m.rows(), m.cols(), m.cols(), false}; }

template <typename Factor>
Operand<Factor> transpose_of(const Operand<Factor>& m) {
  return {m.data, m.columns, m.rows, m.pitch, !m.is_transposed};
}
/// Rows [first, first + count) of the transpose.
template <typename Factor>
Operand<Factor> rows_of_transpose(const Operand<Factor>& m, Index first, Index count) {
  return {m.data + first, count, m.rows, m.pitch, true};
}

/// c = a b (+ bias for every row).
template <typename Factor>
void multiply(const Operand<Factor>& a, const Operand<Factor>& b, const Real* bias, MatrixView c,
              bool adds = false) {
  const Product<Factor> product{a, b, bias, c.data(), c.cols(), false, adds};
  if (adds) return Multiplication<Factor>(product).run();
  const Product<Factor> turned{transpose_of(b), transpose_of(a), bias, c.data(), c.cols(), true, false};
  const Multiplication<Factor> as_it_is(product);
  const Multiplication<Factor> other(turned);
  (other.cost() < as_it_is.cost() ? other : as_it_is).run();
}

}  // namespace

void multiply_forward(ConstMatrixView x, ConstMatrixView w, const Real* bias, MatrixView y) {
  multiply(plain(x), transpose_of(plain(w)), bias, y);
}
void multiply_forward(ConstPairsView x, ConstPairsView w, const Real* bias, MatrixView y) {
  multiply(plain(x), transpose_of(plain(w)), bias, y);
}

void multiply_input_gradient(ConstMatrixView dy, ConstMatrixView w, MatrixView dx) {
  multiply(plain(dy), plain(w), nullptr, dx);
}
void multiply_input_gradient(ConstPairsView dy, ConstPairsView w, MatrixView dx) {
  multiply(plain(dy), plain(w), nullptr, dx);
}

void multiply_weight_gradient(ConstMatrixView dy, Index first, ConstMatrixView x, MatrixView dw, bool adds) {
  multiply(rows_of_transpose(plain(dy), first, dw.rows()), plain(x), nullptr, dw, adds);
}
void multiply_weight_gradient(ConstPairsView dy, Index first, ConstPairsView x, MatrixView dw, bool adds) {
  multiply(rows_of_transpose(plain(dy), first, dw.rows()), plain(x), nullptr, dw, adds);
}

}  // namespace lockstep::inline LOCKSTEP_REAL
