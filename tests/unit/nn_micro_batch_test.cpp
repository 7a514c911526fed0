// The promise, as far as the network goes: a micro-batch gives the same bits whatever stands beside it in the
// block.

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "nn_helpers.hpp"

namespace lockstep {
namespace {

using test::counted;
using test::OwnedBlock;
using test::random_matrix;
using test::RecordingSink;

bool same_bits(const Real* a, const Real* b, Index count) {
  return std::memcmp(a, b, static_cast<std::size_t>(count) * sizeof(Real)) == 0;
}

struct NetworkCase {
  std::string layers;
  Shape sample;
};

struct BlockCase {
  NetworkCase network;
  std::vector<Index> counts;  ///< rows of the micro-batches
  Precision precision;
};

std::string describe(const BlockCase& c) {
  return c.network.layers + " of " + to_text(c.network.sample) + " in " + testing::PrintToString(c.counts) +
         (c.precision == Precision::kBfloat16 ? ", bfloat16" : "");
}

void expect_independent(const BlockCase& c) {
  const std::string name = describe(c);
  Network model(c.network.layers, c.network.sample);
  model.initialize(1, Initialization::kAuto);
  Index rows = 0;
  for (const Index count : c.counts) rows += count;
  const Matrix x = random_matrix(rows, model.inputs(), 2);
  const auto labels = test::cycled_labels(rows, static_cast<std::int32_t>(model.outputs()));
  const auto loss = make_cross_entropy(0.1);

  const OwnedBlock whole(counted(rows, 100), c.counts);
  RowBlock whole_block = whole.training(5, 6);
  whole_block.precision = c.precision;
  RecordingSink together(model.layout().size());
  const auto sums = test::forward_backward(model, *loss, whole_block, test::view(x),
                                           {.labels = labels, .values = {}}, together);
  const Matrix outputs = model.forward(whole_block, test::view(x));

  Index first = 0;
  for (std::size_t m = 0; m < c.counts.size(); ++m) {
    const Index count = c.counts[m];
    const OwnedBlock alone(counted(count, 100 + first));
    RowBlock block = alone.training(5, 6);
    block.precision = c.precision;
    // A matrix of its own, so that its rows also stand elsewhere in memory.
    const Matrix x_m = x.middleRows(first, count);
    RecordingSink sink(model.layout().size());
    const auto sum =
        test::forward_backward(model, *loss, block, test::view(x_m),
                               {.labels = std::span(labels).subspan(first, count), .values = {}}, sink);
    const Matrix outputs_m = model.forward(block, test::view(x_m));
    EXPECT_EQ(sum[0], sums[m]) << name << ", micro-batch " << m;
    EXPECT_TRUE(same_bits(outputs_m.data(), outputs.data() + first * outputs.cols(), outputs_m.size()))
        << name << ", micro-batch " << m;
    EXPECT_TRUE(same_bits(sink.gradients[0].data(), together.gradients[static_cast<int>(m)].data(),
                          model.layout().size()))
        << name << ", micro-batch " << m;
    first += count;
  }
}

TEST(MicroBatch, GivesTheSameBitsInEveryBlock) {
  const std::vector<NetworkCase> networks = {
      {"linear 64, relu, dropout 0.3, linear 10", 48},
      {"linear 33, gelu, linear 7, tanh, linear 3", 17},
      {"linear 5, softplus, dropout 0.5, sigmoid, linear 2", 3},
      {"linear 1, leaky-relu, linear 1", 1},
      {"layer-norm, linear 37, group-norm 37, linear 24, batch-norm micro, relu, group-norm 4, linear 3", 9},
      {"batch-norm micro, linear 70, layer-norm, linear 3", 2},
      {"linear 21, silu, linear 9, relu6, linear 4", 6},
      {"linear 130, relu, linear 130, relu, linear 10", 784},
      {"conv 6 3 pad=1, relu, max-pool 2, conv 9 3 stride=2 pad=1 groups=3, tanh, avg-pool all, flatten, "
       "linear 3",
       Shape({1, 9, 16})},
      {"embed-categories 40 at=0-149/151-160, linear 3", 163},
  };
  const std::vector<std::vector<Index>> cuts = {
      {1, 1, 1, 1}, {1, 2, 3, 5, 7}, {16, 16}, {33, 31, 1, 32}, {3, 64, 5}};
  for (const NetworkCase& network : networks) {
    for (const auto& counts : cuts) {
      for (const Precision precision : {Precision::kFloat32, Precision::kBfloat16}) {
        expect_independent({network, counts, precision});
      }
    }
  }
}

TEST(MicroBatch, GivesTheSameBitsASecondTime) {
  Network model("linear 33, gelu, dropout 0.5, linear 7", 17);
  model.initialize(1, Initialization::kAuto);
  const Matrix x = random_matrix(9, 17, 2);
  const auto labels = test::cycled_labels(9, 7);
  const OwnedBlock block(counted(9), {4, 5});
  RecordingSink first(model.layout().size());
  RecordingSink second(model.layout().size());
  for (RecordingSink* sink : {&first, &second}) {
    test::forward_backward(model, *make_cross_entropy(0), block.training(), test::view(x),
                           {.labels = labels, .values = {}}, *sink);
  }
  EXPECT_EQ(first.gradients, second.gradients);
}

}  // namespace
}  // namespace lockstep
