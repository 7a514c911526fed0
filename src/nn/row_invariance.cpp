#include "lockstep/nn/row_invariance.hpp"

#include <algorithm>
#include <cstring>
#include <random>

#include "lockstep/nn/products.hpp"

namespace lockstep {

namespace {

Matrix random_matrix(Index rows, Index columns) {
  std::minstd_rand generator(1);
  Matrix matrix(rows, columns);
  constexpr auto kHalf = static_cast<Real>(std::minstd_rand::max()) / 2;
  std::generate_n(matrix.data(), matrix.size(), [&] { return static_cast<Real>(generator()) / kHalf - 1; });
  return matrix;
}

ConstMatrixView view(const Matrix& matrix) { return {matrix.data(), matrix.rows(), matrix.cols()}; }
MatrixView view(Matrix& matrix) { return {matrix.data(), matrix.rows(), matrix.cols()}; }

bool same_bits(const Matrix& a, const Matrix& b) {
  return std::memcmp(a.data(), b.data(), static_cast<std::size_t>(a.size()) * sizeof(Real)) == 0;
}

}  // namespace

const RowInvariance::Answer& RowInvariance::of(const RowBlock& block) {
  cut_.clear();
  for (const MicroBatchRows& m : block.micro_batches) cut_.push_back(m.count);
  const auto known = answers_.find(cut_);
  return known != answers_.end() ? known->second : answers_.emplace(cut_, probe(block)).first->second;
}

RowInvariance::Answer RowInvariance::probe(const RowBlock& block) const {
  if (block.micro_batches.size() == 1) return {true, true};
  const Index count = block.rows();
  const Matrix x = random_matrix(count, inputs_);
  const Matrix w = random_matrix(outputs_, inputs_);
  const Matrix bias = random_matrix(1, outputs_);
  const Matrix dy = random_matrix(count, outputs_);
  Matrix y(count, outputs_);
  Matrix y_apart(count, outputs_);
  Matrix dx(count, inputs_);
  Matrix dx_apart(count, inputs_);
  multiply_forward(view(x), view(w), bias.data(), view(y));
  multiply_input_gradient(view(dy), view(w), view(dx));
  for (const MicroBatchRows& m : block.micro_batches) {
    multiply_forward(rows(view(x), m.first, m.count), view(w), bias.data(),
                     rows(view(y_apart), m.first, m.count));
    multiply_input_gradient(rows(view(dy), m.first, m.count), view(w),
                            rows(view(dx_apart), m.first, m.count));
  }
  return {same_bits(y, y_apart), same_bits(dx, dx_apart)};
}

}  // namespace lockstep
