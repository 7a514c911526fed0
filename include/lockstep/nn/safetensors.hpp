#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lockstep/core/index.hpp"

namespace lockstep {

/// One tensor of a safetensors file, as its bytes.
struct StoredTensor {
  std::string name;
  std::string type;  ///< "F32", "F64", …
  std::vector<Index> shape;
  std::vector<std::byte> data;
};

/// All that a safetensors file holds.
struct StoredTensors {
  std::map<std::string, std::string> metadata;
  std::vector<StoredTensor> tensors;  ///< in the order of their bytes in the file
};

/// A tensor whose bytes belong to somebody else.
struct TensorView {
  std::string name;
  std::string type;
  std::vector<Index> shape;
  std::span<const std::byte> data;
};

/// Views of these, which have to stay.
std::vector<TensorView> views(std::span<const StoredTensor> tensors);

/// Reads all of `file`. Errors: a missing or truncated file, a header that is no JSON, tensors that overlap,
/// leave gaps or exceed the file, sizes that disagree with shapes. Format:
/// https://github.com/huggingface/safetensors#format
StoredTensors read_safetensors(const std::filesystem::path& file);

/// The same for the bytes of a file; `origin` names it in messages.
StoredTensors parse_safetensors(std::span<const std::byte> bytes, std::string_view origin);

/// What stands before the data in a file of these: the length of the header and the header, filled with
/// spaces to a multiple of `alignment` bytes.
std::string safetensors_header(const std::map<std::string, std::string>& metadata,
                               std::span<const TensorView> tensors, std::size_t alignment = 8);

/// Writes `file` whole or not at all. Errors: a folder that can't be written, a full disk.
void write_safetensors(const std::filesystem::path& file, const std::map<std::string, std::string>& metadata,
                       std::span<const TensorView> tensors);

/// A digest of names, types, shapes and bytes, in order.
std::string digest(std::span<const TensorView> tensors);

}  // namespace lockstep
