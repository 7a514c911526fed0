#include "train/checkpoint/checkpoint.hpp"

#include <algorithm>
#include <cstring>
#include <memory>
#include <vector>

#include "core/digest.hpp"
#include "core/file.hpp"
#include "core/text.hpp"
#include "lockstep/core/error.hpp"
#include "lockstep/nn/safetensors.hpp"

namespace lockstep {

namespace {

constexpr const char* kFormat = "lockstep_checkpoint";
constexpr const char* kFormatVersion = "1";
constexpr const char* kChecksums = "checksums";
constexpr std::size_t kChecksumBytes = 2 * Digest::kTextBytes;
const std::string kConfigPrefix = "config.";
const std::string kVersionOfProgram = "machine.version";

/// The vectors cut into tensors.
std::vector<TensorView> to_tensors(const std::vector<StateVector>& vectors, const ParameterLayout& layout) {
  const StateLayout parameters(layout);
  std::vector<TensorView> tensors;
  tensors.reserve(vectors.size() * layout.tensors().size() + 1);
  for (const StateVector& vector : vectors) {
    const StateLayout& own = vector.layout == nullptr ? parameters : *vector.layout;
    LOCKSTEP_CHECK(std::ssize(vector.values) == own.size());
    for (const StateLayout::Part& part : own.parts()) {
      const auto values = vector.values.subspan(static_cast<std::size_t>(part.range.offset),
                                                static_cast<std::size_t>(part.range.size));
      tensors.push_back({vector.name + "/" + part.tensor, kRealName, part.shape, std::as_bytes(values)});
    }
  }
  return tensors;
}

/// Entries of the metadata by name and type; what is not there or no number is damage.
class Metadata {
 public:
  Metadata(const std::map<std::string, std::string>& facts, std::string_view origin)
      : facts_(facts), origin_(origin) {}

  const std::string& text(const std::string& name) const {
    const auto found = facts_.find(name);
    if (found == facts_.end()) fail(name);
    return found->second;
  }
  double number(const std::string& name) const {
    const auto value = parse_number(text(name));
    if (!value) fail(name);
    return *value;
  }
  std::int64_t count(const std::string& name) const {
    const auto value = parse_integer(text(name));
    if (!value || *value < 0) fail(name);
    return *value;
  }
  bool has(const std::string& name) const { return facts_.contains(name); }

  /// The entries whose names begin with `prefix`, without it.
  std::map<std::string, std::string> below(const std::string& prefix) const {
    std::map<std::string, std::string> found;
    for (const auto& [name, value] : facts_) {
      if (name.starts_with(prefix)) found[name.substr(prefix.size())] = value;
    }
    return found;
  }

 private:
  [[noreturn]] void fail(const std::string& name) const {
    fail_input("{}: says nothing usable of '{}'; is it a checkpoint of another version?", origin_, name);
  }

  const std::map<std::string, std::string>& facts_;
  std::string_view origin_;
};

/// A vector as it is put together again.
struct ReadVector {
  std::string name;
  std::vector<Real> values;
};

void append(const StoredTensor& tensor, std::string_view origin, std::vector<ReadVector>& vectors) {
  if (tensor.type != kRealName) {
    fail_input(
        "{}: holds {} values, this build of the program works in {}; go on with the build that wrote it",
        origin, tensor.type, kRealName);
  }
  const std::string name = tensor.name.substr(0, tensor.name.find('/'));
  if (vectors.empty() || vectors.back().name != name) vectors.push_back({name, {}});
  std::vector<Real>& values = vectors.back().values;
  const std::size_t before = values.size();
  values.resize(before + tensor.data.size() / sizeof(Real));
  if (!tensor.data.empty()) std::memcpy(values.data() + before, tensor.data.data(), tensor.data.size());
}

/// The digest of the data. Errors: bytes that are not those that were written.
std::string check_checksums(std::span<const std::byte> bytes, std::string_view origin) {
  std::uint64_t header_bytes = 0;
  constexpr std::size_t kLeast = sizeof header_bytes + kChecksumBytes;
  if (bytes.size() >= kLeast) std::memcpy(&header_bytes, bytes.data(), sizeof header_bytes);
  if (bytes.size() < kLeast || header_bytes > bytes.size() - kLeast) {
    fail_input("{}: no checkpoint, or only a part of one; the one before it may do", origin);
  }
  const std::span<const std::byte> stored = bytes.last(kChecksumBytes);
  const std::size_t begin = sizeof header_bytes + header_bytes;
  std::string data = DigestBlocks(bytes.subspan(begin, bytes.size() - begin - kChecksumBytes)).digest();
  const std::string found = digest_of(bytes.first(begin)) + data;
  if (std::memcmp(found.data(), stored.data(), kChecksumBytes) == 0) return data;
  fail_input("{}: no checkpoint, or damaged: its checksums do not fit; the one before it may do", origin);
}

}  // namespace

std::map<std::string, std::string> to_metadata(const Checkpoint& checkpoint) {
  std::map<std::string, std::string> metadata = {
      {kFormat, kFormatVersion},
      {"step", fmt::format("{}", checkpoint.state.steps_done)},
      {"skipped_steps", fmt::format("{}", checkpoint.state.skipped.total)},
      {"skipped_in_a_row", fmt::format("{}", checkpoint.state.skipped.in_a_row)},
      {"epoch", fmt::format("{}", checkpoint.epoch)},
      {"loss_sum", fmt::format("{}", checkpoint.loss_sum)},
      {"loss_samples", fmt::format("{}", checkpoint.loss_weight)},
      {"noise_square", fmt::format("{}", checkpoint.state.noise.square)},
      {"noise_variance", fmt::format("{}", checkpoint.state.noise.variance)},
      {"evaluations_since_best", fmt::format("{}", checkpoint.standing.since)},
      {"data_digest", checkpoint.run.data_digest}};
  if (checkpoint.standing.best) {
    metadata["best_step"] = fmt::format("{}", checkpoint.standing.best->step);
    metadata["best_epoch"] = fmt::format("{}", checkpoint.standing.best->epoch);
    metadata["best_value"] = fmt::format("{}", checkpoint.standing.best->value);
  }
  for (const auto& [key, value] : checkpoint.run.config) metadata[kConfigPrefix + key] = value;
  metadata[kVersionOfProgram] = checkpoint.run.version;
  return metadata;
}

Checkpoint checkpoint_from_metadata(const std::map<std::string, std::string>& metadata,
                                    std::string_view origin) {
  const Metadata facts(metadata, origin);
  if (facts.text(kFormat) != kFormatVersion) {
    fail_input("{}: a checkpoint of format {}, expected {}; go on with the version that wrote it", origin,
               facts.text(kFormat), kFormatVersion);
  }
  Checkpoint checkpoint{.state = {.steps_done = static_cast<std::uint64_t>(facts.count("step")),
                                  .vectors = {},
                                  .noise = {facts.number("noise_square"), facts.number("noise_variance")},
                                  .memory = {}},
                        .run = {.config = facts.below(kConfigPrefix),
                                .data_digest = facts.text("data_digest"),
                                .version = facts.text(kVersionOfProgram)},
                        .epoch = facts.number("epoch"),
                        .loss_sum = facts.number("loss_sum"),
                        .loss_weight = facts.number("loss_samples")};
  if (facts.has("skipped_steps")) {
    checkpoint.state.skipped = {static_cast<std::uint64_t>(facts.count("skipped_steps")),
                                static_cast<std::uint64_t>(facts.count("skipped_in_a_row"))};
  }
  // A version before chose by other evaluations, and kept no such weights.
  if (facts.has("evaluations_since_best")) {
    checkpoint.standing.since = static_cast<std::uint64_t>(facts.count("evaluations_since_best"));
    if (facts.has("best_step")) {
      checkpoint.standing.best = {static_cast<std::uint64_t>(facts.count("best_step")),
                                  facts.number("best_epoch"), facts.number("best_value")};
    }
  }
  return checkpoint;
}

void write_checkpoint(const std::filesystem::path& file, const Checkpoint& checkpoint,
                      const ParameterLayout& layout,
                      const std::map<std::string, std::string>& weights_metadata) {
  std::map<std::string, std::string> metadata = to_metadata(checkpoint);
  metadata.insert(weights_metadata.begin(), weights_metadata.end());
  std::vector<TensorView> tensors = to_tensors(checkpoint.state.vectors, layout);
  std::string checksums(kChecksumBytes, ' ');  // after the header, which they are of
  tensors.push_back({kChecksums, "U8", {kChecksumBytes}, std::as_bytes(std::span(checksums))});
  const std::string header = safetensors_header(metadata, tensors, kFileBlock);
  const std::string digests = digest_of(std::as_bytes(std::span(header))) + checkpoint.state.digest;
  std::copy(digests.begin(), digests.end(), checksums.begin());

  std::vector<std::span<const std::byte>> parts = {std::as_bytes(std::span(header))};
  for (const TensorView& tensor : tensors) parts.push_back(tensor.data);
  write_file(file, parts);
}

Checkpoint parse_checkpoint(std::span<const std::byte> bytes, std::string_view origin) {
  const std::string digest = check_checksums(bytes, origin);
  const StoredTensors stored = parse_safetensors(bytes, origin);
  Checkpoint checkpoint = checkpoint_from_metadata(stored.metadata, origin);
  const auto vectors = std::make_shared<std::vector<ReadVector>>();
  for (const StoredTensor& tensor : stored.tensors) {
    if (tensor.name != kChecksums) append(tensor, origin, *vectors);
  }
  for (const ReadVector& vector : *vectors) checkpoint.state.vectors.push_back({vector.name, vector.values});
  checkpoint.state.digest = digest;
  checkpoint.state.memory = vectors;
  return checkpoint;
}

}  // namespace lockstep
