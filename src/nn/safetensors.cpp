#include "lockstep/nn/safetensors.hpp"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <limits>
#include <tuple>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "core/digest.hpp"
#include "core/file.hpp"
#include "core/json.hpp"
#include "lockstep/core/error.hpp"

namespace lockstep {

static_assert(std::endian::native == std::endian::little, "safetensors files are little-endian");

namespace {

using Json = nlohmann::json;

constexpr std::size_t kLengthBytes = 8;

std::size_t element_bytes(const std::string& type) {
  if (type == "F64" || type == "I64" || type == "U64") return 8;
  if (type == "F32" || type == "I32" || type == "U32") return 4;
  if (type == "F16" || type == "BF16" || type == "I16" || type == "U16") return 2;
  if (type == "I8" || type == "U8" || type == "BOOL") return 1;
  throw std::invalid_argument(fmt::format("unknown element type '{}'", type));
}

/// Bytes of a tensor of `shape`, checked against overflow.
std::size_t tensor_bytes(const std::string& type, const std::vector<std::size_t>& shape) {
  std::size_t bytes = element_bytes(type);
  for (const std::size_t extent : shape) {
    if (extent != 0 && bytes > std::numeric_limits<std::size_t>::max() / extent) {
      throw std::invalid_argument("a shape that is too large");
    }
    bytes *= extent;
  }
  return bytes;
}

/// A tensor as the header describes it.
struct Entry {
  std::size_t begin;
  std::size_t end;
  StoredTensor tensor;
};

/// The whole numbers of `list`; the library by itself would round 1.5 and turn -1 into 2^64 - 1.
std::vector<std::size_t> parse_sizes(const Json& list) {
  for (const Json& number : list) {
    if (!number.is_number_unsigned() || number.get<std::uint64_t>() > std::numeric_limits<Index>::max()) {
      throw std::invalid_argument("a shape or an offset that is no whole number");
    }
  }
  return list.get<std::vector<std::size_t>>();
}

Entry parse_entry(const std::string& name, const Json& description) {
  Entry entry{};
  const std::vector<std::size_t> offsets = parse_sizes(description.at("data_offsets"));
  const std::vector<std::size_t> shape = parse_sizes(description.at("shape"));
  if (offsets.size() != 2) throw std::invalid_argument(fmt::format("tensor '{}': not two offsets", name));
  entry.begin = offsets[0];
  entry.end = offsets[1];
  entry.tensor.name = name;
  entry.tensor.type = description.at("dtype").get<std::string>();
  entry.tensor.shape.assign(shape.begin(), shape.end());
  if (entry.begin > entry.end || tensor_bytes(entry.tensor.type, shape) != entry.end - entry.begin) {
    throw std::invalid_argument(fmt::format("tensor '{}': its bytes do not match its shape", name));
  }
  return entry;
}

StoredTensors parse(std::span<const std::byte> bytes) {
  std::uint64_t header_bytes = 0;
  if (bytes.size() < kLengthBytes) throw std::invalid_argument("shorter than 8 bytes");
  std::memcpy(&header_bytes, bytes.data(), kLengthBytes);
  if (header_bytes > bytes.size() - kLengthBytes) throw std::invalid_argument("its header exceeds the file");
  const auto* const text = reinterpret_cast<const char*>(bytes.data()) + kLengthBytes;
  const Json header = parse_json<Json>({text, header_bytes});
  const std::span<const std::byte> data = bytes.subspan(kLengthBytes + header_bytes);
  if (!header.is_object()) throw std::invalid_argument("its header is no JSON object");

  StoredTensors content;
  std::vector<Entry> entries;
  for (const auto& [name, description] : header.items()) {
    if (name == "__metadata__") {
      content.metadata = description.get<std::map<std::string, std::string>>();
    } else {
      entries.push_back(parse_entry(name, description));
    }
  }
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    return std::tie(a.begin, a.end) < std::tie(b.begin, b.end);
  });
  std::size_t position = 0;
  for (Entry& entry : entries) {
    if (entry.begin != position || entry.end > data.size()) {
      throw std::invalid_argument(
          fmt::format("tensor '{}': its bytes overlap, leave a gap or exceed the file", entry.tensor.name));
    }
    entry.tensor.data.assign(data.begin() + static_cast<std::ptrdiff_t>(entry.begin),
                             data.begin() + static_cast<std::ptrdiff_t>(entry.end));
    content.tensors.push_back(std::move(entry.tensor));
    position = entry.end;
  }
  if (position != data.size()) throw std::invalid_argument("bytes after the last tensor");
  return content;
}

}  // namespace

StoredTensors parse_safetensors(std::span<const std::byte> bytes, std::string_view origin) {
  try {
    return parse(bytes);
  } catch (const Json::exception& error) {
    fail_input("{}: not a safetensors file (bad header); expected weights that Lockstep or PyTorch saved",
               origin);
  } catch (const std::invalid_argument& error) {
    fail_input("{}: not a safetensors file or damaged ({}); expected weights that Lockstep or PyTorch saved",
               origin, error.what());
  }
}

StoredTensors read_safetensors(const std::filesystem::path& file) {
  return parse_safetensors(read_file(file), file.string());
}

std::string safetensors_header(const std::map<std::string, std::string>& metadata,
                               std::span<const TensorView> tensors, std::size_t alignment) {
  Json header = Json::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  std::size_t position = 0;
  for (const TensorView& tensor : tensors) {
    const std::size_t end = position + tensor.data.size();
    header[tensor.name] = {
        {"dtype", tensor.type}, {"shape", tensor.shape}, {"data_offsets", {position, end}}};
    position = end;
  }
  std::string text = json_text(header);
  text.append((alignment - (kLengthBytes + text.size()) % alignment) % alignment, ' ');

  std::string length(kLengthBytes, '\0');
  const std::uint64_t bytes = text.size();
  std::memcpy(length.data(), &bytes, kLengthBytes);
  return length + text;
}

std::vector<TensorView> views(std::span<const StoredTensor> tensors) {
  std::vector<TensorView> views;
  views.reserve(tensors.size());
  for (const StoredTensor& tensor : tensors) {
    views.push_back({tensor.name, tensor.type, tensor.shape, tensor.data});
  }
  return views;
}

void write_safetensors(const std::filesystem::path& file, const std::map<std::string, std::string>& metadata,
                       std::span<const TensorView> tensors) {
  const std::string header = safetensors_header(metadata, tensors);
  std::vector<std::span<const std::byte>> parts = {std::as_bytes(std::span(header))};
  for (const TensorView& tensor : tensors) parts.push_back(tensor.data);
  write_file(file, parts);
}

std::string digest(std::span<const TensorView> tensors) {
  Digest digest;
  for (const TensorView& tensor : tensors) {
    digest.add(fmt::format("{} {} [{}]\n", tensor.name, tensor.type, fmt::join(tensor.shape, ",")));
    digest.add(tensor.data);
  }
  return digest.text();
}

}  // namespace lockstep
