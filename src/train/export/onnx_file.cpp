#include "train/export/onnx_file.hpp"

#include <cstring>
#include <limits>
#include <type_traits>

#include "core/protobuf.hpp"
#include "lockstep/core/error.hpp"
#include "lockstep/core/version.hpp"

namespace lockstep {

namespace {

constexpr std::int64_t kFileVersion = 7;  // the first with that operator set
constexpr std::int64_t kOperatorSet = 13;

// The numbers of the fields that are written, by message.
namespace model_proto {
enum : std::uint32_t { kVersion = 1, kProducer, kProducerVersion, kGraph = 7, kOperatorSets, kMetadata = 14 };
}
namespace operator_set_proto {
enum : std::uint32_t { kVersion = 2 };
}
namespace entry_proto {
enum : std::uint32_t { kKey = 1, kValue };
}
namespace graph_proto {
enum : std::uint32_t { kNode = 1, kName, kInitializer = 5, kInput = 11, kOutput };
}
namespace node_proto {
enum : std::uint32_t { kInput = 1, kOutput, kName, kType, kAttribute };
}
namespace attribute_proto {
enum : std::uint32_t { kName = 1, kFloat, kNumber, kNumbers = 8, kType = 20 };
enum : std::uint8_t { kIsFloat = 1, kIsNumber, kIsNumbers = 7 };
}  // namespace attribute_proto
namespace tensor_proto {
enum : std::uint32_t { kExtent = 1, kType, kName = 8, kBytes, kDoubles };
}
namespace value_proto {
enum : std::uint32_t { kName = 1, kType };
}
namespace type_proto {
enum : std::uint32_t { kTensor = 1 };
}
namespace tensor_type_proto {
enum : std::uint32_t { kType = 1, kShape };
}
namespace shape_proto {
enum : std::uint32_t { kAxis = 1 };
}
namespace axis_proto {
enum : std::uint32_t { kExtent = 1, kName };
}

ProtobufMessage message_of(const std::string& name, const Attribute& attribute) {
  using namespace attribute_proto;
  ProtobufMessage message;
  message.add_bytes(kName, name);
  if (const auto* const number = std::get_if<std::int64_t>(&attribute)) {
    message.add_number(kNumber, *number).add_number(kType, kIsNumber);
  } else if (const auto* const real = std::get_if<float>(&attribute)) {
    message.add_float(kFloat, *real).add_number(kType, kIsFloat);
  } else {
    for (const std::int64_t each : std::get<std::vector<std::int64_t>>(attribute)) {
      message.add_number(kNumbers, each);
    }
    message.add_number(kType, kIsNumbers);
  }
  return message;
}

ProtobufMessage message_of(const Operator& one) {
  using namespace node_proto;
  ProtobufMessage message;
  for (const std::string& input : one.inputs) message.add_bytes(kInput, input);
  message.add_bytes(kOutput, one.output).add_bytes(kName, one.output).add_bytes(kType, one.type);
  for (const auto& [name, attribute] : one.attributes) {
    message.add_message(kAttribute, message_of(name, attribute));
  }
  return message;
}

ProtobufMessage message_of(const Constant& constant) {
  using namespace tensor_proto;
  ProtobufMessage message;
  for (const Index extent : constant.shape) message.add_number(kExtent, extent);
  std::visit(
      [&](const auto& values) {
        using Value = typename std::remove_cvref_t<decltype(values)>::value_type;
        constexpr std::int64_t kTypeOfValues = std::is_same_v<Value, float>    ? OperatorGraph::kFloat
                                               : std::is_same_v<Value, double> ? OperatorGraph::kDouble
                                                                               : OperatorGraph::kInt64;
        static_assert(std::endian::native == std::endian::little);  // as the file has to be
        const std::string_view bytes(reinterpret_cast<const char*>(values.data()),
                                     values.size() * sizeof(Value));
        message.add_number(kType, kTypeOfValues).add_bytes(kName, constant.name);
        // Both fields are the same bytes; OpenCV 4.6 takes doubles from theirs alone.
        message.add_bytes(std::is_same_v<Value, double> ? kDoubles : kBytes, bytes);
      },
      constant.values);
  return message;
}

ProtobufMessage message_of(const OnnxValue& value) {
  ProtobufMessage shape;
  shape.add_message(shape_proto::kAxis, ProtobufMessage().add_bytes(axis_proto::kName, "N"));
  for (const Index extent : value.axes) {
    shape.add_message(shape_proto::kAxis, ProtobufMessage().add_number(axis_proto::kExtent, extent));
  }
  ProtobufMessage tensor;
  tensor.add_number(tensor_type_proto::kType, value.type).add_message(tensor_type_proto::kShape, shape);
  return ProtobufMessage()
      .add_bytes(value_proto::kName, value.name)
      .add_message(value_proto::kType, ProtobufMessage().add_message(type_proto::kTensor, tensor));
}

ProtobufMessage message_of_graph(const OnnxModel& model) {
  using namespace graph_proto;
  ProtobufMessage message;
  for (const Operator& one : model.graph.operators()) message.add_message(kNode, message_of(one));
  message.add_bytes(kName, "lockstep");
  for (const Constant& one : model.graph.constants()) message.add_message(kInitializer, message_of(one));
  message.add_message(kInput, message_of(model.input)).add_message(kOutput, message_of(model.output));
  return message;
}

}  // namespace

std::string onnx_file(const OnnxModel& model) {
  using namespace model_proto;
  ProtobufMessage message;
  message.add_number(model_proto::kVersion, kFileVersion)
      .add_bytes(kProducer, "lockstep")
      .add_bytes(kProducerVersion, lockstep::kVersion)
      .add_message(kGraph, message_of_graph(model))
      .add_message(kOperatorSets, ProtobufMessage().add_number(operator_set_proto::kVersion, kOperatorSet));
  for (const auto& [key, value] : model.metadata) {
    message.add_message(
        kMetadata, ProtobufMessage().add_bytes(entry_proto::kKey, key).add_bytes(entry_proto::kValue, value));
  }
  constexpr std::size_t kMost = std::numeric_limits<std::int32_t>::max();
  if (message.bytes().size() > kMost) {
    fail_input("the model takes {} bytes, but an ONNX file may have {} at most", message.bytes().size(),
               kMost);
  }
  return message.bytes();
}

}  // namespace lockstep
