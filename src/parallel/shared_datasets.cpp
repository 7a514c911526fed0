#include "parallel/shared_datasets.hpp"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/json.hpp"
#include "core/text.hpp"
#include "data/column_units.hpp"
#include "data/file_mapping.hpp"
#include "data/picture_files.hpp"
#include "lockstep/comm/node_memory.hpp"
#include "lockstep/core/error.hpp"
#include "lockstep/parallel/agreement.hpp"

namespace lockstep {

namespace {

using Json = nlohmann::json;

std::string to_text(const DatasetDescription& d) {
  const Json json = {{"name", d.name},
                     {"task", d.task},
                     {"storage", d.storage},
                     {"samples", d.samples},
                     {"categories", d.categories},
                     {"classes", d.classes},
                     {"feature_shape", d.feature_shape},
                     {"class_names", d.class_names},
                     {"targets", d.targets},
                     {"target_names", d.target_names},
                     {"feature_names", d.feature_names},
                     {"columns", columns_to_text(d.columns)},
                     {"missing", d.missing},
                     {"units", units_to_text(d.units)},
                     {"transposed", d.transposed},
                     {"groups", d.groups},
                     {"group_name", d.group_name},
                     {"has_sample_weights", d.has_sample_weights},
                     {"weight_name", d.weight_name}};
  return json_text(json, true);
}

DatasetDescription from_text(const std::string& text) {
  const Json json = parse_json<Json>(text);
  return {.name = json.at("name"),
          .task = json.at("task"),
          .storage = json.at("storage"),
          .samples = json.at("samples"),
          .feature_shape = json.at("feature_shape"),
          .classes = json.at("classes"),
          .class_names = json.at("class_names"),
          .targets = json.at("targets"),
          .target_names = json.at("target_names"),
          .feature_names = json.at("feature_names"),
          .columns = columns_from_text(json.at("columns").get<std::string>()),
          .missing = json.at("missing"),
          .units = units_from_text(json.at("units").get<std::string>()),
          .transposed = json.at("transposed"),
          .categories = json.at("categories"),
          .groups = json.at("groups"),
          .group_name = json.at("group_name"),
          .has_sample_weights = json.at("has_sample_weights"),
          .weight_name = json.at("weight_name")};
}

/// File names, in whatever encoding, one after another, each with the character at its end that none can
/// hold.
std::string names_to_text(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += name + '\0';
  return text;
}

std::vector<std::string> names_from_text(std::string_view text) {
  std::vector<std::string> names;
  for (std::size_t end = text.find('\0'); end != std::string_view::npos; end = text.find('\0')) {
    names.emplace_back(text.substr(0, end));
    text.remove_prefix(end + 1);
  }
  return names;
}

DatasetDescription broadcast_description(Communicator& group, const DatasetDescription& description) {
  const bool leads = group.rank() == 0;
  DatasetDescription result = from_text(broadcast_text(group, leads ? to_text(description) : "", 0));
  result.sample_names =
      names_from_text(broadcast_text(group, leads ? names_to_text(description.sample_names) : "", 0));
  return result;
}

std::string place_to_text(const std::optional<FilePlace>& place) {
  return place ? fmt::format("{} {}", place->offset, place->file.string()) : "";
}

std::optional<FilePlace> place_from_text(const std::string& text) {
  const std::size_t end = text.find(' ');
  if (end == std::string::npos) return std::nullopt;
  const auto offset = parse_integer(text.substr(0, end));
  LOCKSTEP_CHECK(offset.has_value());
  return FilePlace{text.substr(end + 1), static_cast<std::uint64_t>(*offset)};
}

/// A data set in memory that all of the node see, and the files that its features still have to come from.
struct Shared {
  DatasetDescription description;
  DatasetMemory parts;
  std::vector<std::string> picture_files;
  std::optional<FilePlace> feature_file;
  std::shared_ptr<NodeMemory> memory;
  std::shared_ptr<FileMapping> mapping;
};

/// Each part of a data set begins a line of the cache: labels after an odd number of bytes would not stand
/// where integers have to.
std::size_t aligned(std::size_t bytes) {
  constexpr std::size_t kLine = 64;
  return (bytes + kLine - 1) / kLine * kLine;
}

/// `content` of the node's rank 0, apart from features in files. Collective over `node`.
Shared share(Communicator& node, const DatasetContent& content) {
  const bool leads = node.rank() == 0;
  Shared shared;
  shared.description = broadcast_description(node, content.description);
  const DatasetDescription& description = shared.description;
  shared.picture_files =
      names_from_text(broadcast_text(node, leads ? names_to_text(content.picture_files) : "", 0));
  shared.feature_file =
      place_from_text(broadcast_text(node, leads ? place_to_text(content.feature_file) : "", 0));
  if (leads && content.feature_file) shared.feature_file->owner = content.feature_file->owner;
  const std::size_t feature_bytes = shared.feature_file ? 0 : description.feature_bytes();
  const std::size_t size = aligned(feature_bytes) + aligned(description.target_bytes()) +
                           aligned(description.group_bytes()) + aligned(description.weight_bytes());
  shared.memory = std::make_shared<NodeMemory>(node, std::max<std::size_t>(size, 1));
  const std::span<std::byte> memory = shared.memory->bytes();
  std::span<std::byte> rest = memory;
  const auto take = [&](std::size_t bytes, std::span<const std::byte> own) {
    const std::span<std::byte> part = rest.first(bytes);
    rest = rest.subspan(aligned(bytes));
    if (leads) std::ranges::copy(own, part.begin());
    return part;
  };
  const DatasetMemory own = content.memory();
  shared.parts = {.features = take(feature_bytes, own.features),
                  .targets = take(description.target_bytes(), own.targets),
                  .groups = take(description.group_bytes(), own.groups),
                  .sample_weights = take(description.weight_bytes(), own.sample_weights)};
  if (shared.memory->is_shared()) {
    node.barrier();
  } else {
    node.broadcast(memory, 0);
  }
  return shared;
}

/// Local.
void map_features(Shared& shared) {
  if (!shared.feature_file) return;
  shared.mapping =
      std::make_shared<FileMapping>(*shared.feature_file, shared.description.feature_bytes(),
                                    shared.picture_files.empty() ? MappedFor::kReading : MappedFor::kWriting);
  shared.parts.features = shared.mapping->bytes();
}

/// Decodes those of its pictures that are this rank's part; all of them where the node shares no memory.
void decode_part(const Communicator& node, const Shared& shared) {
  if (shared.picture_files.empty()) return;
  const DatasetDescription& description = shared.description;
  const bool alone = !shared.mapping && !shared.memory->is_shared();
  const Index ranks = alone ? 1 : node.size();
  const Index rank = alone ? 0 : node.rank();
  const Index first = description.samples * rank / ranks;
  const Index last = description.samples * (rank + 1) / ranks;
  const Index features = description.features();
  const std::span<std::byte> all = shared.mapping ? shared.mapping->bytes() : shared.memory->bytes();
  const std::span<std::byte> bytes = all.subspan(static_cast<std::size_t>(first * features),
                                                 static_cast<std::size_t>((last - first) * features));
  read_pictures(shared.picture_files, description, first,
                {reinterpret_cast<std::uint8_t*>(bytes.data()), bytes.size()});
}

/// Local.
Dataset dataset_of(const Shared& shared) {
  using Owner = std::pair<std::shared_ptr<NodeMemory>, std::shared_ptr<FileMapping>>;
  return {shared.description, shared.parts, std::make_shared<Owner>(shared.memory, shared.mapping)};
}

/// Features of a scratch file, which no other node can read, in memory. Local.
void take_into_memory(DatasetContent& content) {
  if (!content.feature_file || !content.feature_file->owner) return;
  const FileMapping mapping(*content.feature_file, content.description.feature_bytes());
  const auto take = [&](auto& values) {
    values.resize(mapping.bytes().size() / sizeof(values[0]));
    std::ranges::copy(mapping.bytes(), std::as_writable_bytes(std::span(values)).begin());
  };
  content.description.storage == Storage::kBytes ? take(content.bytes) : take(content.values);
  content.feature_file.reset();
}

template <typename Value>
void broadcast_count(Communicator& group, std::vector<Value>& values) {
  std::size_t count = values.size();
  group.broadcast(std::as_writable_bytes(std::span(&count, 1)), 0);
  values.resize(count);
}

/// Gives those of the group's rank 0 to all of it, which have no features in files. Collective over `group`.
void send(Communicator& group, std::vector<DatasetContent>& contents) {
  broadcast_count(group, contents);
  const auto send_values = [&](auto& values) {
    broadcast_count(group, values);
    group.broadcast(std::as_writable_bytes(std::span(values)), 0);
  };
  for (DatasetContent& content : contents) {
    LOCKSTEP_CHECK(content.picture_files.empty() && !content.feature_file);
    content.description = broadcast_description(group, content.description);
    send_values(content.bytes);
    send_values(content.values);
    send_values(content.labels);
    send_values(content.targets);
    send_values(content.groups);
    send_values(content.sample_weights);
  }
}

/// Errors: another node's files hold other data. Collective.
void check_same_on_all_nodes(Communicator& communicator, Communicator& node,
                             const std::vector<Dataset>& datasets) {
  std::string digests;
  if (node.rank() == 0) {
    for (const Dataset& dataset : datasets) digests += digest(dataset);
  }
  const std::string different =
      differences(communicator, {{"the digest of the data", broadcast_text(node, digests, 0)}});
  if (different.empty()) return;
  fail_input("{}: their nodes hold different data; copy the same files to all nodes", different);
}

}  // namespace

std::vector<Dataset> share_datasets(Communicator& communicator,
                                    const std::function<std::vector<DatasetContent>()>& read,
                                    Readers readers) {
  const std::unique_ptr<Communicator> node = communicator.split_by_node();
  const bool reads_for_all = readers == Readers::kRankZero;
  const bool travels = reads_for_all && node->size() < communicator.size();
  std::vector<DatasetContent> contents;
  together(communicator, [&] {
    if ((reads_for_all ? communicator : *node).rank() != 0) return;
    contents = read();
    for (DatasetContent& content : contents) {
      check_content(content);
      if (travels) take_into_memory(content);
    }
  });
  if (travels) {
    const bool leads = node->rank() == 0;
    const std::unique_ptr<Communicator> leaders = communicator.split(leads ? 0 : 1);
    if (leads) send(*leaders, contents);
  }

  std::vector<Shared> shared;
  if (node->size() > 1) {
    broadcast_count(*node, contents);
    for (DatasetContent& content : contents) shared.push_back(share(*node, std::exchange(content, {})));
  }
  std::vector<Dataset> datasets;
  together(communicator, [&] {
    for (Shared& one : shared) {
      map_features(one);
      decode_part(*node, one);
      datasets.push_back(dataset_of(one));
    }
    if (!shared.empty()) return;
    for (DatasetContent& content : contents) datasets.push_back(make_dataset(std::move(content)));
  });
  if (!reads_for_all && node->size() < communicator.size()) {
    check_same_on_all_nodes(communicator, *node, datasets);
  }
  return datasets;
}

}  // namespace lockstep
