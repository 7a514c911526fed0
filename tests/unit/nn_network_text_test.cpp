#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "data_helpers.hpp"
#include "lockstep/nn/losses.hpp"
#include "lockstep/nn/network_text.hpp"
#include "lockstep/nn/unit_forms.hpp"
#include "lockstep/nn/units.hpp"
#include "nn_helpers.hpp"

namespace lockstep {
namespace {

using test::is_bad_input;

std::vector<std::string> names_in(const ParameterLayout& layout) {
  std::vector<std::string> names;
  for (const ParameterTensor& tensor : layout.tensors()) names.push_back(tensor.name);
  return names;
}

/// "a.weight", "a.bias" for every path.
std::vector<std::string> of_linear_at(const std::vector<std::string>& paths) {
  std::vector<std::string> names;
  for (const std::string& path : paths) {
    names.push_back(path + ".weight");
    names.push_back(path + ".bias");
  }
  return names;
}

struct Nested {
  std::string text;
  std::vector<std::string> paths;  ///< of its linear units
  std::string blocks = {};
};

// As the state_dict of torch.nn.Sequential in torch.nn.Sequential.
TEST(NetworkText, NamesAreThePathsOfPositions) {
  const std::vector<Nested> table = {
      {"linear 4, relu, linear 2", {"0", "2"}},
      {"linear 4, (linear 3, relu, linear 4), relu, linear 2", {"0", "1.0", "1.2", "3"}},
      {"3 x (linear 4, relu), linear 2", {"0.0", "1.0", "2.0", "3"}},
      {"2 x linear 4, linear 2", {"0", "1", "2"}},
      {"((linear 4))", {"0.0.0"}},
      {"residual(linear 4, tanh), linear 2", {"0.0", "1"}},
      {"residual(linear 3, tanh, skip(linear 5, linear 3))", {"0.0", "0.skip.0", "0.skip.1"}},
      {"residual(residual(linear 4), linear 4)", {"0.0.0", "0.1"}},
      {"relu, recompute(linear 4, relu, linear 3), linear 2", {"1.0", "1.2", "2"}},
      {"relu, concat((linear 4), (linear 3, linear 2)), linear 2", {"1.0.0", "1.1.0", "1.1.1", "2"}},
      {"add((linear 4), end: (linear 4)), a: add((linear 2), (linear 2))",
       {"0.0.0", "0.end.0", "a.0.0", "a.1.0"}},
      {"concat(wide 4, w: wide 3, (wide 2))", {"0.0.0", "0.w.0", "0.2.0.0"}, "wide n: linear n, relu"},
      {"in: linear 4, relu, h: (linear 4, out: linear 4), linear 2", {"in", "h.0", "h.out", "3"}},
      {"h: 2 x (linear 4, relu), linear 2", {"h.0.0", "h.1.0", "1"}},
      {"r: residual(a: linear 4)", {"r.a"}},
      {"2 x wide 4, linear 2", {"0.0", "1.0", "2"}, "wide n: linear n, relu"},
      {"cb 4, cb 3 2, cb 5 s=1, linear 2", {"0.0", "1.0", "1.1", "2.0", "3"}, "cb c s=1: s x linear c, relu"},
      {"outer 4", {"0.0.0", "0.0.1", "0.1"}, "inner n m: linear m, linear n; outer k: inner k 7, linear k"},
  };
  for (const Nested& nested : table) {
    EXPECT_EQ(names_in(layout_of(nested.text, 4, nested.blocks)), of_linear_at(nested.paths)) << nested.text;
  }
}

TEST(NetworkText, ParametersOfBlocksAreTheirValues) {
  const ParameterLayout layout =
      layout_of("wide 8 2, wide 3 d=4, linear 2", 5, "wide n d=6: linear n, leaky-relu 0.2, linear d");
  const std::vector<std::vector<Index>> shapes = {{8, 5}, {8},    {2, 8}, {2},    {3, 2},
                                                  {3},    {4, 3}, {4},    {2, 4}, {2}};
  ASSERT_EQ(layout.tensors().size(), shapes.size());
  for (std::size_t i = 0; i < shapes.size(); ++i) EXPECT_EQ(layout.tensors()[i].shape, shapes[i]) << i;
}

TEST(NetworkText, IsWrittenWithEveryNumberAndReadsAsTheSameNetwork) {
  const std::vector<std::pair<std::string, std::string>> table = {
      {" linear\t8,leaky-relu ,\n linear 1e1", "linear 8, leaky-relu 0.01, linear 10"},
      {"2 x linear 4", "linear 4, linear 4"},
      {"3 x (linear 4,relu) , linear 2", "3 x (linear 4, relu), linear 2"},
      {"(linear 4, relu), (linear 4, relu)", "2 x (linear 4, relu)"},
      {"residual( linear 4,skip(linear 3,linear 4) )", "residual(linear 4, skip(linear 3, linear 4))"},
      {"h:2 x residual(linear 4)", "h: (2 x residual(linear 4))"},
      {"a : linear 4", "a: linear 4"},
      {"concat((linear 4),a:(relu,2 x linear 3))", "concat((linear 4), a: (relu, linear 3, linear 3))"},
      {"b:2 x add((linear 4),(linear 4))", "b: (2 x add((linear 4), (linear 4)))"},
  };
  for (const auto& [written, text] : table) {
    const Network network(written, 4);
    EXPECT_EQ(network.text(), text);
    const Network again(network.text(), 4);
    EXPECT_EQ(again.text(), text);
    EXPECT_EQ(names_in(again.layout()), names_in(network.layout())) << text;
  }
  EXPECT_EQ(Network("2 x wide 4, linear 2", 4, "wide n: linear n, relu").text(),
            "2 x (linear 4, relu), linear 2");
  EXPECT_EQ(Network("linear 4, 2 x residual(dropout 0.5, linear 4)", 4).text_without_random_units(),
            "linear 4, 2 x residual(identity, linear 4)");
}

struct BadText {
  std::string text;
  std::vector<std::string> fragments;
  std::string blocks = {};
};

TEST(NetworkText, OutputsMayBeThoseOfTheData) {
  Network network(Shape{4});
  add_from_text(network, "linear 8, relu, linear auto", "", {.outputs = 3});
  EXPECT_EQ(network.text(), "linear 8, relu, linear 3");
  Network outline;
  add_from_text(outline, "linear auto");
  EXPECT_EQ(outline.text(), "linear auto");
  Network unknown(Shape{4});
  EXPECT_TRUE(is_bad_input([&] { add_from_text(unknown, "linear auto"); }, {"'auto' needs data"}));
}

TEST(NetworkText, RefusesWhatIsNoNetwork) {
  const std::vector<BadText> table = {
      {"linear 4, (relu", {"expected ')' at the end"}},
      {"linear 4, relu), linear 2", {"there is no '(' for '), linear 2'"}},
      {"(linear 4) relu", {"a comma is missing before 'relu'"}},
      {"(linear 4 (relu) relu)", {"expected 'residual', 'skip', 'concat', 'add', 'recompute' or nothing"}},
      {"(linear 4, (relu) relu)", {"a comma or ')' is missing before 'relu)'"}},
      {"linear 4 residual(linear 4)", {"a comma is missing before 'residual(linear 4)'"}},
      {"linear 32 relu linear 10",
       {"a comma is missing before 'relu'; expected 'linear 32, relu, linear 10'"}},
      {"linear 32, ReLU linear 10", {"unknown unit 'ReLU linear 10'", "did you mean 'relu'?"}},
      {"linear 32 ReLU, linear 10", {"a comma is missing before 'ReLU'; expected 'linear 32, ReLU'"}},
      {"2 x leaky-relu 0.1 linear 4", {"before 'linear'; expected 'leaky-relu 0.1, linear 4'"}},
      {"wide 4 relu", {"a comma is missing before 'relu'"}, "wide n: linear n, relu"},
      {"wide 4 Wide 4", {"a comma is missing before 'Wide'"}, "wide n: linear n, relu"},
      {"conv 4 3 no-bias", {"did you mean 'nobias'?"}},
      {"conv 4 3 Pad=1", {"did you mean 'pad'?"}},
      {"linear 4, ()", {"unknown unit ''"}},
      {"linear 4 (relu)",
       {"expected 'residual', 'skip', 'concat', 'add', 'recompute' or nothing", "'linear 4'", "'(relu)'"}},
      {"linear 4, skip(linear 4)", {"'skip(…)' outside of a residual"}},
      {"residual(skip(linear 4))", {"a residual without units"}},
      {"residual(skip(linear 4), linear 4)", {"has to be the last"}},
      {"linear 4, residual(linear 3)", {"1 (sum)", "in 3 and in 4"}},
      {"linear 8, residual(linear 3, skip(linear 2))",
       {"1 (sum)", "whose input is 3 and 2", "in 3 and in 2"}},
      {"linear 8, add((linear 3), (linear 3), (linear 2))",
       {"1 (sum), whose input is 3 and 3 and 2", "branches 0 and 2 end in 3 and in 2; expected one shape"}},
      {"concat((linear 4))", {"1 branches; expected at least two"}},
      {"recompute(linear 4, residual(recompute(relu, linear 4)))",
       {"'recompute(…)' inside of another; leave one out"}},
      {"recompute linear 4", {"recompute"}},
      {"concat(linear 4, (linear 4))", {"'concat(…)': branch 0 is not in brackets; expected 'concat(("}},
      {"add((linear 4), 2 x (linear 4))", {"'add(…)': branch 1 is not in brackets"}},
      {"add((linear 4), residual(linear 4))", {"'add(…)': branch 1 is not in brackets"}},
      {"add((linear 4), skip(linear 4))", {"'skip(…)' has to be the last in a residual"}},
      {"linear 4 concat((linear 4), (linear 4))", {"a comma is missing before 'concat("}},
      {"linear 2, concat((unflatten 1 2 1), (unflatten 1 1 2))",
       {"1 (concat), whose input is 1 x 2 x 1 and 1 x 1 x 2",
        "branches 0 and 1 end in 1 x 2 x 1 and in 1 x 1 x 2", "differ in their first axis alone"}},
      {"linear 4, concat((relu), (unflatten 2 2 1))", {"branches 0 and 1 end in 4 and in 2 x 2 x 1"}},
      {"0 x linear 4", {"'0 x'", "a number of times from 1 to 65536"}},
      {"many x linear 4", {"'many x'", "3 x linear 64"}},
      {"x linear 4", {"unknown unit 'x linear 4'"}},
      {"65536 x (2 x linear 1)", {"more than 65536 units"}},
      {"a b: linear 4", {"expected one word, a label"}},
      {"4: linear 4", {"label '4'", "letters"}},
      {"a-b: linear 4", {"label 'a-b'"}},
      {"skip: linear 4", {"label 'skip'"}},
      {"a: linear 4, a: linear 4", {"label 'a' is given twice"}},
      {std::string(200, '(') + "linear 4" + std::string(200, ')'), {"more than 100 brackets"}},
      {"wide", {"'wide'", "expected 'wide n [d=6]'"}, "wide n d=6: linear n, linear d"},
      {"wide 1 2 3", {"'wide 1 2 3'", "expected 'wide n [d=6]'"}, "wide n d=6: linear n, linear d"},
      {"wide 1 n=2", {"'wide 1 n=2'"}, "wide n d=6: linear n, linear d"},
      {"wide 1 e=2", {"'wide 1 e=2'"}, "wide n d=6: linear n, linear d"},
      {"wide tall", {"'linear tall'"}, "wide n: linear n"},
      {"a, linear 2", {"'a' is part of itself"}, "a: a"},
      {"linear 2", {"block 'linear'", "means nothing else"}, "linear n: relu"},
      {"linear 2", {"block 'wide'", "name, parameters and a network"}, "wide"},
      {"linear 2", {"'n' is no name", "given twice"}, "wide n n: linear n"},
      {"wide, linear 2", {"block 'wide' is given twice"}, "wide: relu; wide: tanh"},
      {"linear 2", {"block 'wide' is not used"}, "wide n: linear n"},
  };
  for (const BadText& bad : table) {
    EXPECT_TRUE(is_bad_input([&] { layout_of(bad.text, 4, bad.blocks); }, bad.fragments)) << bad.text;
  }
}

// Text that asks for more than any machine holds, or nests without end, is refused at once.
TEST(NetworkText, IsBounded) {
  std::string text = "linear 1";
  for (int i = 0; i < 50; ++i) text.insert(0, "1000 x (").append(")");
  EXPECT_TRUE(is_bad_input([&] { layout_of(text, 1); }, {"more than 65536 units"}));
  std::string blocks = "b0: linear 1";
  for (int i = 1; i < 20; ++i) {
    blocks += "; b" + std::to_string(i) + ": ((((((((b" + std::to_string(i - 1) + "))))))))";
  }
  EXPECT_TRUE(is_bad_input([&] { layout_of("b19", 1, blocks); }, {"more than 100 groups"}));
  std::string pairs = "linear 1";
  for (int i = 0; i < 60; ++i) pairs.insert(0, "(relu), (").append(")");
  EXPECT_EQ(Network(pairs, 1).text(), pairs) << "in no time that grows with two to the depth";
}

TEST(NetworkText, KnowsUnitsOfOthers) {
  register_unit({.name = "double-tanh", .make = [](const UnitWords&) { return tanh(); }});
  EXPECT_EQ(Network("linear 4, double-tanh", 4).text(), "linear 4, tanh");
  EXPECT_TRUE(is_bad_input([] { register_unit({.name = "relu", .make = {}}); }, {"'relu' is known already"}));
  EXPECT_TRUE(is_bad_input([] { register_unit({.name = "my unit", .make = {}}); }, {"'my unit'", "a word"}));
  EXPECT_TRUE(
      is_bad_input([] { register_loss({.name = "mse", .description = "", .task = Task::kRegression}); },
                   {"a loss called 'mse' is known already"}));
}

}  // namespace
}  // namespace lockstep
