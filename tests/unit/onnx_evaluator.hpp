#pragma once

#include <string_view>

#include "onnx_arrays.hpp"

namespace lockstep::test {

/// What the model in the bytes of an ONNX file gives for `input`, computed in double as the specification of
/// its operators says (https://github.com/onnx/onnx/blob/main/docs/Operators.md); as far as Lockstep uses
/// them. Errors: std::exception where the file is none, or an operator gets what it does not take.
Array evaluate_onnx(std::string_view file, const Array& input);

}  // namespace lockstep::test
