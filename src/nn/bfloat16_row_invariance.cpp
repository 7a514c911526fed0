#include "nn/bfloat16_row_invariance.hpp"

#include <algorithm>
#include <cstring>
#include <random>

#include "lockstep/core/threads.hpp"
#include "lockstep/nn/products.hpp"
#include "nn/bfloat16.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

namespace {

/// Numbers that are tried in all. Two orders of summing give most elements the same bits where there are
/// few terms, so that one small product would tell little.
constexpr Index kTried = Index{1} << 14U;

Matrix random_matrix(std::minstd_rand& generator, Index rows, Index columns) {
  Matrix matrix(rows, columns);
  constexpr auto kHalf = static_cast<Real>(std::minstd_rand::max()) / 2;
  std::generate_n(matrix.data(), matrix.size(), [&] { return static_cast<Real>(generator()) / kHalf - 1; });
  return matrix;
}

bool same_bits(const Matrix& a, const Matrix& b) {
  return std::memcmp(a.data(), b.data(), static_cast<std::size_t>(a.size()) * sizeof(Real)) == 0;
}

/// The products of a linear unit with weights w and bias, on inputs x and output gradients dy, both ways.
Bfloat16RowInvariance::Answer compare(const RowBlock& block, ConstBfloat16View x, ConstBfloat16View w,
                                      ConstBfloat16View dy, const Real* bias) {
  Matrix y(x.rows(), w.rows());
  Matrix y_apart(x.rows(), w.rows());
  Matrix dx(x.rows(), w.cols());
  Matrix dx_apart(x.rows(), w.cols());
  multiply_forward(x, w, bias, view(y));
  multiply_input_gradient(dy, w, view(dx));
  for_each_part(std::ssize(block.micro_batches), [&](Index i) {
    const MicroBatchRows& m = block.micro_batches[static_cast<std::size_t>(i)];
    multiply_forward(rows(x, m.first, m.count), w, bias, rows(view(y_apart), m.first, m.count));
    multiply_input_gradient(rows(dy, m.first, m.count), w, rows(view(dx_apart), m.first, m.count));
  });
  return {same_bits(y, y_apart), same_bits(dx, dx_apart)};
}

}  // namespace

const Bfloat16RowInvariance::Answer& Bfloat16RowInvariance::of(const RowBlock& block) {
  cut_.clear();
  for (const MicroBatchRows& m : block.micro_batches) cut_.push_back(m.count);
  const auto known = answers_.find(cut_);
  return known != answers_.end() ? known->second : answers_.emplace(cut_, probe(block)).first->second;
}

Bfloat16RowInvariance::Answer Bfloat16RowInvariance::probe(const RowBlock& block) const {
  if (block.micro_batches.size() == 1 && threads() == 1) return {true, true};
  std::minstd_rand generator(1);
  Answer answer{true, true};
  const Index numbers = block.rows() * std::max(inputs_, outputs_);
  for (Index tried = 0; tried < kTried && (answer.forward || answer.input_gradient); tried += numbers) {
    const Answer next = compare_once(block, generator);
    answer = {answer.forward && next.forward, answer.input_gradient && next.input_gradient};
  }
  return answer;
}

Bfloat16RowInvariance::Answer Bfloat16RowInvariance::compare_once(const RowBlock& block,
                                                                  std::minstd_rand& generator) const {
  const Matrix x = random_matrix(generator, block.rows(), inputs_);
  const Matrix w = random_matrix(generator, outputs_, inputs_);
  const Matrix bias = random_matrix(generator, 1, outputs_);
  const Matrix dy = random_matrix(generator, block.rows(), outputs_);
  Bfloat16Matrix x16;
  Bfloat16Matrix w16;
  Bfloat16Matrix dy16;
  x16.assign(view(x));
  w16.assign(view(w));
  dy16.assign(view(dy));
  return compare(block, x16.view(), w16.view(), dy16.view(), bias.data());
}

}  // namespace lockstep::inline LOCKSTEP_REAL
