#pragma once

#include <map>
#include <string>
#include <vector>

#include "lockstep/nn/operator_graph.hpp"

namespace lockstep {

/// What goes into a model, or comes out: for any number of samples.
struct OnnxValue {
  std::string name = {};
  std::int64_t type = OperatorGraph::kFloat;
  std::vector<Index> axes = {};  ///< of one sample
};

/// A model with one input and one output.
struct OnnxModel {
  OperatorGraph graph = {};
  OnnxValue input = {};
  OnnxValue output = {};
  std::map<std::string, std::string> metadata = {};
};

/// The bytes of the file that holds `model`: a ModelProto of version 7 with the operator set 13. Errors: more
/// bytes than such a file may have. Source: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
std::string onnx_file(const OnnxModel& model);

}  // namespace lockstep
