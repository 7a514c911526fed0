#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "lockstep/nn/shape.hpp"

namespace lockstep {

/// What qualifies an operator, as a window's size does.
using Attribute = std::variant<std::int64_t, float, std::vector<std::int64_t>>;
using Attributes = std::vector<std::pair<std::string, Attribute>>;

/// An operator of ONNX with one output; inputs and output are the names of values.
struct Operator {
  std::string type;  ///< "Conv"
  std::vector<std::string> inputs;
  std::string output;
  Attributes attributes;
};

/// The values of a constant, which also say of which type it is.
using ConstantValues = std::variant<std::vector<float>, std::vector<double>, std::vector<std::int64_t>>;

/// A value that is known: parameters, or what an operator takes besides them.
struct Constant {
  std::string name;
  std::vector<Index> shape;  ///< without axes: a single number
  ConstantValues values;
};

/// A value as a unit sees it: its name, and the shape of a sample. Its first axis, before those, numbers the
/// samples; a picture's channels stand before its rows and columns, as in PyTorch.
struct GraphValue {
  std::string name;
  Shape shape;
};

/// What a network computes outside of training, in the operators of ONNX, set 13, each behind those that it
/// takes values of. Local. Source: https://github.com/onnx/onnx/blob/main/docs/Operators.md
class OperatorGraph {
 public:
  // What the operator Cast is told.
  static constexpr std::int64_t kFloat = 1;
  static constexpr std::int64_t kInt64 = 7;
  static constexpr std::int64_t kDouble = 11;

  /// New names begin with `prefix` from here on: "3.0.".
  void set_prefix(std::string prefix) { prefix_ = std::move(prefix); }

  /// Appends an operator and returns the name of its output.
  std::string add(const std::string& type, std::vector<std::string> inputs, Attributes attributes = {});
  /// The same for the operators that many units need: x with other axes for a sample; a single number.
  std::string reshape(const std::string& x, const std::vector<Index>& axes);
  std::string number(float value) { return constant({}, std::vector<float>{value}); }

  /// Appends a constant and returns its name; one of this very name, which no other value may have.
  std::string constant(std::vector<Index> shape, ConstantValues values);
  void add_named(Constant constant);
  /// The tensor of the unit that is being added, which the network has appended under the unit's prefix.
  std::string tensor(const std::string& name) const { return prefix_ + name; }

  /// Gives the output of the last operator, which no other has taken yet, a name of its own, without prefix.
  void name_last(std::string name) { operators_.back().output = std::move(name); }

  const std::vector<Operator>& operators() const { return operators_; }
  const std::vector<Constant>& constants() const { return constants_; }

 private:
  std::string new_name(const std::string& name);

  std::string prefix_;
  std::set<std::string> names_;
  std::vector<Operator> operators_;
  std::vector<Constant> constants_;
};

}  // namespace lockstep
