#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "data_helpers.hpp"
#include "lockstep/core/error.hpp"
#include "lockstep/core/threads.hpp"
#include "lockstep/nn/units.hpp"
#include "nn_helpers.hpp"

namespace lockstep {
namespace {

using test::counted;
using test::OwnedBlock;

/// A network with pseudo-random parameters.
Network with_values(const std::string& text, Index inputs) {
  Network network(text, inputs);
  const std::vector<Real> values = test::random_values(network.layout().size(), 3);
  std::copy(values.begin(), values.end(), network.parameters().begin());
  return network;
}

/// What the part of `whole` that `text` describes makes of x, with the parameters that begin at `offset`
/// there.
Matrix part_of_it(const Network& whole, Index offset, const std::string& text, const Matrix& x) {
  Network part(text, x.cols());
  std::copy_n(whole.parameters().begin() + offset, part.layout().size(), part.parameters().begin());
  return Matrix(part.forward(OwnedBlock(counted(x.rows())).evaluation(), test::view(x)));
}

Matrix output(Network& network, const Matrix& x) {
  return Matrix(network.forward(OwnedBlock(counted(x.rows())).evaluation(), test::view(x)));
}

const Matrix kX = test::random_matrix(5, 4, 1);

TEST(Graph, ResidualAddsItsInput) {
  Network network = with_values("residual(linear 4, tanh)", 4);
  EXPECT_EQ(output(network, kX), part_of_it(network, 0, "linear 4, tanh", kX) + kX);
}

TEST(Graph, SkipTakesThePlaceOfTheInput) {
  Network network = with_values("residual(linear 8, gelu, linear 3, skip(linear 3))", 4);
  const std::string branch = "linear 8, gelu, linear 3";
  EXPECT_EQ(output(network, kX), part_of_it(network, 0, branch, kX) +
                                     part_of_it(network, layout_of(branch, 4).size(), "linear 3", kX));
}

/// What the branches of `join` make of kX, one after another.
std::vector<Matrix> ends_of_branches(const Network& join, const std::vector<std::string>& branches) {
  std::vector<Matrix> ends;
  Index offset = 0;
  for (const std::string& branch : branches) {
    ends.push_back(part_of_it(join, offset, branch, kX));
    offset += layout_of(branch, 4).size();
  }
  return ends;
}

TEST(Graph, ConcatHasTheOutputsOfItsBranchesOneAfterAnother) {
  Network network = with_values("concat((linear 2, tanh), (linear 8, gelu, linear 3), (linear 1))", 4);
  const std::vector<Matrix> ends =
      ends_of_branches(network, {"linear 2, tanh", "linear 8, gelu, linear 3", "linear 1"});
  const Matrix y = output(network, kX);
  ASSERT_EQ(y.cols(), 6);
  EXPECT_EQ(y.leftCols(2), ends[0]);
  EXPECT_EQ(y.middleCols(2, 3), ends[1]);
  EXPECT_EQ(y.rightCols(1), ends[2]);
}

TEST(Graph, AddSumsItsBranchesInTheirOrder) {
  Network network = with_values("add((linear 3, tanh), (linear 8, gelu, linear 3), (linear 3))", 4);
  const std::vector<Matrix> ends =
      ends_of_branches(network, {"linear 3, tanh", "linear 8, gelu, linear 3", "linear 3"});
  EXPECT_EQ(output(network, kX), (ends[0] + ends[1]) + ends[2]);
}

TEST(Graph, PicturesAreJoinedAlongTheirChannels) {
  const Shape picture({2, 3, 4});
  Network network(picture);
  network.concat_branches({{[](Network& branch) { branch.add(tanh()); }},
                           {[](Network& branch) { branch.add(identity()).add(pad_channels(3)); }}});
  EXPECT_EQ(network.output(), Shape({5, 3, 4}));
  const Matrix x = test::random_matrix(2, picture.size(), 1);
  const Matrix y = output(network, x);
  Network only_tanh(picture);
  only_tanh.add(tanh());
  const Matrix of_tanh = output(only_tanh, x);
  for (Index row = 0; row < 2; ++row) {
    for (Index pixel = 0; pixel < 12; ++pixel) {  // channels stand last in memory
      for (Index c = 0; c < 2; ++c) {
        EXPECT_EQ(y(row, pixel * 5 + c), of_tanh(row, pixel * 2 + c));
        EXPECT_EQ(y(row, pixel * 5 + 2 + c), x(row, pixel * 2 + c));
      }
      EXPECT_EQ(y(row, pixel * 5 + 4), 0);
    }
  }
}

TEST(Graph, GroupsComputeWhatTheyHold) {
  Network nested = with_values("linear 6, 2 x (linear 6, tanh), (relu, (linear 2))", 4);
  Network flat = with_values("linear 6, linear 6, tanh, linear 6, tanh, relu, linear 2", 4);
  EXPECT_EQ(output(nested, kX), output(flat, kX));
}

TEST(Graph, IsTheSameMadeInCpp) {
  Network network(Shape(4));
  network.add(linear(6), "in").group([](Network& inner) { inner.add(linear(6)).add(relu()); });
  network.residual([](Network& branch) { branch.add(linear(3)); }, [](Network& skip) { skip.add(linear(3)); },
                   "r");
  EXPECT_EQ(network.text(), "in: linear 6, (linear 6, relu), r: residual(linear 3, skip(linear 3))");
  EXPECT_EQ(network.layout().size(), Network(network.text(), 4).layout().size());
  EXPECT_EQ(network.outputs(), 3);
  EXPECT_EQ(network.name_of_unit(1), "1.0 (linear 6)");

  const Network::Part two = [](Network& branch) { branch.add(linear(2)).add(tanh()); };
  network.concat_branches({{two}, {two, "b"}}).add_branches({{two}, {two}}, "s");
  EXPECT_EQ(network.text(),
            "in: linear 6, (linear 6, relu), r: residual(linear 3, skip(linear 3)), "
            "concat((linear 2, tanh), b: (linear 2, tanh)), s: add((linear 2, tanh), (linear 2, tanh))");
  EXPECT_EQ(network.layout().size(), Network(network.text(), 4).layout().size());
  EXPECT_THROW(network.concat_branches({{two}}), Error);
}

TEST(Graph, LinearTakesAllAxesOfASample) {
  const Network network("tanh, linear 3", Shape({4, 5}));
  EXPECT_EQ(network.inputs(), 20);
  EXPECT_EQ(network.layout().tensors()[0].shape, (std::vector<Index>{3, 20}));
  EXPECT_EQ(network.output(), Shape(3));
}

TEST(Graph, ShapesHaveOneToFourAxes) {
  EXPECT_TRUE(test::is_bad_input([] { Shape(std::vector<Index>{}); }, {"one to 4 axes"}));
  EXPECT_TRUE(test::is_bad_input([] { Shape({1, 2, 3, 4, 5}); }, {"1 x 2 x 3 x 4 x 5", "one to 4 axes"}));
  EXPECT_TRUE(test::is_bad_input([] { Shape({3, 0}); }, {"3 x 0"}));
  EXPECT_EQ(Shape({3, 28, 28}).size(), 2352);
  EXPECT_EQ(to_text(Shape({3, 28, 28})), "3 x 28 x 28");
}

TEST(Graph, WeightsBeforeAJoinStartAsWhatFollowsItDemands) {
  // He et al. before a rectifier: deviation √(2 / fan_in); Glorot, Bengio elsewhere: at most √(6 / (fan_in +
  // fan_out)).
  const auto largest = [](const std::string& text) {
    Network network(text, 400);
    network.initialize(1, Initialization::kAuto);
    const auto weights = network.parameters().first(std::size_t{400} * 400);
    return std::abs(*std::max_element(weights.begin(), weights.end(),
                                      [](Real a, Real b) { return std::abs(a) < std::abs(b); }));
  };
  const double glorot = std::sqrt(6.0 / 800);
  EXPECT_LE(largest("residual(linear 400), tanh"), glorot);
  EXPECT_LE(largest("residual(linear 400)"), glorot);
  EXPECT_GT(largest("residual(linear 400), relu"), 3 * std::sqrt(2.0 / 400)) << "of 160,000 normal numbers";
  EXPECT_GT(largest("(linear 400, dropout 0.1), (identity, relu)"), 3 * std::sqrt(2.0 / 400));
}

/// Outputs, then the gradient of each micro-batch, of a training pass.
std::vector<std::vector<Real>> passed(Network& network, bool keeps_outputs) {
  const Matrix x = test::random_matrix(6, network.inputs(), 1);
  const auto labels = test::cycled_labels(6, 3);
  const OwnedBlock owned(counted(6), {1, 3, 2});
  RowBlock block = owned.training();
  block.keeps_outputs = keeps_outputs;
  test::RecordingSink sink(network.layout().size());
  test::forward_backward(network, *make_cross_entropy(0), block, test::view(x),
                         {.labels = labels, .values = {}}, sink);
  const ConstMatrixView outputs = network.output_of(network.units() - 1, 6);
  std::vector<std::vector<Real>> all = {{outputs.data(), outputs.data() + outputs.size()}};
  for (const auto& [micro_batch, gradient] : sink.gradients) all.push_back(gradient);
  return all;
}

TEST(Graph, UnitsInTheMemoryOfOthersChangeNoBit) {
  const std::string text =
      "conv 4 3 pad=1, relu, residual(conv 4 3 pad=1, batch-norm, relu, conv 4 3 pad=1, batch-norm), relu, "
      "residual(conv 6 3 stride=2 pad=1, group-norm 2, skip(subsample 2, pad-channels 6)), leaky-relu 0.1, "
      "residual(residual(conv 6 1, batch-norm), batch-norm micro), relu, "
      "add((conv 4 1, relu6), (conv 4 3 pad=1, sigmoid), (conv 4 1, tanh, relu)), max-pool 2, relu, flatten, "
      "linear 5, sigmoid, relu, residual(linear 5, layer-norm), leaky-relu, linear 3";
  Network network(text, Shape({3, 8, 8}));
  network.initialize(1, Initialization::kAuto);
  const std::vector<std::vector<Real>> expected = passed(network, true);
  for (const int count : {1, 3}) {
    set_threads(count);
    EXPECT_EQ(passed(network, false), expected);
  }
  set_threads(1);
  EXPECT_EQ(passed(network, true), expected);
}

/// `text` with recompute(…) in the place of X(…).
std::string recomputing(std::string text) {
  for (std::size_t at = 0; (at = text.find("X(", at)) != std::string::npos;) text.replace(at, 1, "recompute");
  return text;
}

TEST(Graph, RecomputingChangesNoBit) {
  const std::string text =
      "conv 4 3 pad=1, X(relu, conv 5 3, batch-norm, relu), X(residual(conv 5 3 pad=1, batch-norm, dropout "
      "0.3)), "
      "residual(X(conv 6 3 pad=1, batch-norm micro, relu, conv 5 3 pad=1, group-norm 5)), max-pool 2, relu, "
      "X(concat((conv 2 1, tanh), (silu, max-pool 3 stride=1 pad=1))), flatten, X(linear 7, gelu, linear 7), "
      "relu, "
      "X(linear 6, layer-norm), X(linear 3)";
  Network network(recomputing(text), Shape({3, 10, 10}));
  EXPECT_EQ(network.text(), recomputing(text));
  Network usual(
      [&] {
        std::string groups = text;
        std::erase(groups, 'X');
        return groups;
      }(),
      Shape({3, 10, 10}));
  ASSERT_EQ(network.layout().tensors().size(), usual.layout().tensors().size());
  for (std::size_t i = 0; i < network.layout().tensors().size(); ++i) {
    EXPECT_EQ(network.layout().tensors()[i].name, usual.layout().tensors()[i].name);
  }
  network.initialize(1, Initialization::kAuto);
  usual.initialize(1, Initialization::kAuto);
  const std::vector<std::vector<Real>> expected = passed(usual, true);
  for (const int count : {1, 3}) {
    set_threads(count);
    EXPECT_EQ(passed(network, false), expected);
    EXPECT_EQ(passed(network, true), expected);
  }
  set_threads(1);
}

/// Of 20 groups of three outputs of 1000 values: 60 outputs, or 20 and the two others of one group; and two
/// gradients.
TEST(Graph, RecomputingKeepsWhatEachGroupGivesAndOneGroupMore) {
  const Network usual("20 x (linear 1000, gelu, linear 1000)", 1000);
  const Network network("20 x recompute(linear 1000, gelu, linear 1000)", 1000);
  EXPECT_EQ(usual.bytes_of_row(), 62'000 * Index{sizeof(Real)});
  EXPECT_EQ(network.bytes_of_row(), 24'000 * Index{sizeof(Real)});
}

/// The most whose values and gradients have room in so many MiB a thread, or one.
TEST(Graph, AsManyRowsPassTogetherAsTheBoundHasRoomFor) {
  constexpr Index kMebibyte = Index{1024} * 1024;
  Network narrow("linear 1000, gelu, linear 1000", 1000);
  Network wide("linear 5000000", 1);
  EXPECT_GT(wide.bytes_of_row(), 16 * kMebibyte);
  for (Network* const network : {&narrow, &wide}) {
    const Index usual = network->rows_at_once();
    for (const Index mebibytes : {1, 2, 7, 32, 1000, 1 << 20}) {
      network->bound_activations(mebibytes);
      for (const int count : {1, 3}) {
        set_threads(count);
        const Index room = count * mebibytes * kMebibyte;
        const Index rows = network->rows_at_once();
        EXPECT_GE(rows, 1);
        EXPECT_TRUE(rows == 1 || rows * network->bytes_of_row() <= room) << rows << " in " << mebibytes;
        EXPECT_GT((rows + 1) * network->bytes_of_row(), room) << rows << " in " << mebibytes;
      }
      set_threads(1);
    }
    network->bound_activations(kActivationMemory);
    EXPECT_EQ(network->rows_at_once(), usual);
  }
  EXPECT_THROW(narrow.bound_activations(0), Error);
  EXPECT_THROW(narrow.bound_activations(kMostActivationMemory + 1), Error);
}

TEST(Graph, KeepsTheOutputOfEveryUnitWhereTheBlockSaysSo) {
  Network network = with_values("linear 5, relu, linear 2", 4);
  const OwnedBlock owned(counted(kX.rows()));
  RowBlock block = owned.evaluation();
  block.keeps_outputs = true;
  network.forward(block, test::view(kX));
  EXPECT_EQ(Matrix(network.output_of(0, kX.rows())), part_of_it(network, 0, "linear 5", kX));
  EXPECT_EQ(Matrix(network.output_of(1, kX.rows())), part_of_it(network, 0, "linear 5, relu", kX));
}

TEST(Graph, EvaluatesInPartsWhatItGivesAtOnce) {
  Network network = with_values("linear 5000, relu, linear 3", 4);
  const Index rows = 2 * network.rows_at_once() + 3;
  const Matrix x = test::random_matrix(rows, 4, 1);
  const Matrix expected = output(network, x);
  EXPECT_EQ(Matrix(network.evaluate(counted(rows), test::view(x))), expected);
  network.bound_activations(1);
  EXPECT_EQ(Matrix(network.evaluate(counted(rows), test::view(x))), expected);
}

/// One that computes with the rows of the unit before it counts as that.
TEST(Graph, AnObserverSeesEachUnitAfterItsTwoPasses) {
  const Shape picture({2, 6, 6});
  Network network("conv 4 3, group-norm 2, relu, max-pool 2, residual(identity), flatten, linear 3", picture);
  network.initialize(1, Initialization::kAuto);
  std::vector<std::pair<std::string, Pass>> seen;
  network.observe([&](const Unit& unit, Pass pass) { seen.emplace_back(unit.text(), pass); });
  const Matrix x = test::random_matrix(4, network.inputs(), 1);
  const auto labels = test::cycled_labels(4, 3);
  test::RecordingSink sink(network.layout().size());
  test::forward_backward(network, *make_cross_entropy(0), OwnedBlock(counted(4), {4}).training(),
                         test::view(x), {.labels = labels, .values = {}}, sink);
  std::vector<std::string> texts;
  for (std::size_t i = 0; i < network.units(); ++i) texts.push_back(network.unit(i).text());
  std::erase_if(texts, [](const std::string& text) { return text == "relu" || text == "max-pool 2"; });
  std::vector<std::pair<std::string, Pass>> expected;
  expected.reserve(2 * texts.size());
  for (const std::string& text : texts) expected.emplace_back(text, Pass::kForward);
  std::ranges::reverse(texts);
  for (const std::string& text : texts) expected.emplace_back(text, Pass::kBackward);
  EXPECT_EQ(seen, expected);
}

TEST(Graph, UnitsAreOfTheKindOfTheirWork) {
  const Network network("conv 4 3, group-norm 2, relu, avg-pool 2, flatten, dropout 0.1, linear 3, softmax",
                        Shape({2, 6, 6}));
  const std::vector<UnitKind> expected = {
      UnitKind::kConvolution, UnitKind::kNormalization, UnitKind::kActivation, UnitKind::kPooling,
      UnitKind::kOther,       UnitKind::kOther,         UnitKind::kLinear,     UnitKind::kActivation};
  for (std::size_t i = 0; i < network.units(); ++i) {
    EXPECT_EQ(network.unit(i).kind(), expected[i]) << network.name_of_unit(i);
  }
}

TEST(Graph, HandsInEveryGradientOnceAMicroBatch) {
  Network network =
      with_values("residual(linear 4, residual(linear 4, tanh)), 2 x (linear 4, relu), linear 3", 4);
  const Matrix x = test::random_matrix(6, 4, 1);
  const auto labels = test::cycled_labels(6, 3);
  test::RecordingSink sink(network.layout().size());
  test::forward_backward(network, *make_cross_entropy(0), OwnedBlock(counted(6), {1, 3, 2}).training(),
                         test::view(x), {.labels = labels, .values = {}}, sink);
  for (const auto& [micro_batch, counts] : sink.added) {
    EXPECT_EQ(counts, std::vector<int>(static_cast<std::size_t>(network.layout().size()), 1)) << micro_batch;
  }
}

}  // namespace
}  // namespace lockstep
