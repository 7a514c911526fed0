#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "data_helpers.hpp"
#include "lockstep/nn/unit_forms.hpp"
#include "nn_helpers.hpp"

namespace lockstep {
namespace {

using test::is_bad_input;

struct BadText {
  std::string layers;
  std::vector<std::string> fragments;
};

TEST(Network, RefusesUnitsThatAreNone) {
  const std::vector<BadText> table = {
      {"", {"there is no unit", "'linear 128, relu, linear 10'"}},
      {"   ", {"there is no unit"}},
      {"linear 3,", {"unknown unit ''"}},
      {"linear 3,, relu", {"unknown unit ''"}},
      {"linaer 3", {"unknown unit 'linaer 3'", "did you mean 'linear'"}},
      {"Relu", {"unknown unit 'Relu'", "did you mean 'relu'"}},
      {"linear", {"'linear'", "expected 'linear OUTPUTS'"}},
      {"linear 3, dropout", {"'dropout'", "expected 'dropout P [channels]'"}},
      {"linear three", {"'linear three'", "expected 'linear OUTPUTS'"}},
      {"linear 3 4", {"'linear 3 4'", "expected 'linear OUTPUTS'"}},
      {"linear 0", {"'linear 0'", "whole number"}},
      {"linear -1", {"'linear -1'", "whole number"}},
      {"linear 2.5", {"'linear 2.5'", "whole number"}},
      {"linear 1e30", {"'linear 1e30'", "16777216"}},
      {"linear inf", {"'linear inf'", "whole number"}},
      {"linear nan", {"'linear nan'", "whole number"}},
      {"linear 3, dropout 1", {"'dropout 1'", "0 <= p < 1"}},
      {"linear 3, dropout -0.1", {"'dropout -0.1'", "0 <= p < 1"}},
      {"linear 3, dropout nan", {"'dropout nan'", "0 <= p < 1"}},
      {"linear 3, leaky-relu 2", {"'leaky-relu 2'", "slope from 0 to 1"}},
      {"linear 3, leaky-relu nan", {"'leaky-relu nan'", "slope from 0 to 1"}},
      {"linear 3, relu 1", {"'relu 1'", "expected 'relu'"}},
      {"relu", {"relu", "nothing to train"}},
      {"dropout 0.5, tanh", {"nothing to train"}},
  };
  for (const BadText& bad : table) {
    EXPECT_TRUE(is_bad_input([&] { Network(bad.layers, 4); }, bad.fragments)) << bad.layers;
  }
}

TEST(Network, RefusesMoreParametersThanCanBeCounted) {
  constexpr Index kMany = Index{1} << 62U;
  EXPECT_TRUE(is_bad_input([] { layout_of("linear 2", kMany); }, {"0.weight [2 x ", "unit smaller"}));
  EXPECT_EQ(layout_of("linear 1", kMany - 1).size(), kMany) << "a weight for each input, and a bias";
}

TEST(Network, UnknownUnitsAreAnsweredWithAllForms) {
  for (const UnitForm& form : unit_forms()) {
    EXPECT_TRUE(is_bad_input([&] { make_unit({"conf", "3"}); }, {form.text()}));
  }
}

TEST(Network, TextGivesTheSameModelAgain) {
  const Network model("  linear\t8,relu,leaky-relu , dropout 0.25, gelu,linear 1e1", 4);
  EXPECT_EQ(model.text(), "linear 8, relu, leaky-relu 0.01, dropout 0.25, gelu, linear 10");
  EXPECT_EQ(Network(model.text(), 4).text(), model.text());
  EXPECT_EQ(model.inputs(), 4);
  EXPECT_EQ(model.outputs(), 10);
}

TEST(Network, TensorsAreNamedAndShapedAsTorchSequentialDoes) {
  const Network model("linear 8, relu, dropout 0.5, linear 3", 4);
  const auto& tensors = model.layout().tensors();
  ASSERT_EQ(tensors.size(), 4U);
  const std::vector<std::string> names = {"0.weight", "0.bias", "3.weight", "3.bias"};
  const std::vector<std::vector<Index>> shapes = {{8, 4}, {8}, {3, 8}, {3}};
  Index offset = 0;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    EXPECT_EQ(tensors[i].name, names[i]);
    EXPECT_EQ(tensors[i].shape, shapes[i]);
    EXPECT_EQ(tensors[i].role, i % 2 == 0 ? TensorRole::kWeight : TensorRole::kBias);
    EXPECT_EQ(tensors[i].range.offset, offset);
    offset += tensors[i].range.size;
  }
  EXPECT_EQ(model.layout().size(), 8 * 4 + 8 + 3 * 8 + 3);
  EXPECT_EQ(std::ssize(model.parameters()), offset);
}

TEST(Network, CanBeMoved) {
  Network first("linear 3", 2);
  std::fill(first.parameters().begin(), first.parameters().end(), Real(1));
  Network second = std::move(first);
  const Matrix x = Matrix::Ones(1, 2);
  const auto y = second.forward(test::OwnedBlock({0}).evaluation(), test::view(x));
  EXPECT_EQ(Matrix(y), Matrix::Constant(1, 3, 3));
}

TEST(Network, HandsInEveryGradientOnceAMicroBatchLastUnitFirst) {
  class OrderSink final : public GradientSink {
   public:
    explicit OrderSink(Index size) : scratch_(static_cast<std::size_t>(size)) {}
    void add(const RowBlock& block, ParameterRange range, const WriteGradient& write) override {
      for (const MicroBatchRows& m : block.micro_batches) write(m, scratch_.data() + range.offset);
    }
    void done(ParameterRange range) override { order.push_back(range.offset); }
    std::vector<Index> order;

   private:
    std::vector<Real> scratch_;
  };
  Network model("linear 8, relu, linear 3", 4);
  const Matrix x = test::random_matrix(6, 4, 1);
  const auto labels = test::cycled_labels(6, 3);
  const test::OwnedBlock block(test::counted(6), {1, 3, 2});
  OrderSink sink(model.layout().size());
  test::forward_backward(model, *make_cross_entropy(0), block.training(), test::view(x),
                         {.labels = labels, .values = {}}, sink);
  EXPECT_EQ(sink.order, (std::vector<Index>{40, 0}));
  test::RecordingSink recording(model.layout().size());
  test::forward_backward(model, *make_cross_entropy(0), block.training(), test::view(x),
                         {.labels = labels, .values = {}}, recording);
  for (const auto& [micro_batch, counts] : recording.added) {
    EXPECT_EQ(counts, std::vector<int>(static_cast<std::size_t>(model.layout().size()), 1)) << micro_batch;
  }
}

}  // namespace
}  // namespace lockstep
