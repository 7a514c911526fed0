#include "parallel/shared_datasets.hpp"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include <nlohmann/json.hpp>

#include "core/json.hpp"
#include "data/column_units.hpp"
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
                     {"units", units_to_text(d.units)}};
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
          .units = units_from_text(json.at("units").get<std::string>()),
          .categories = json.at("categories")};
}

/// A data set in `bytes`, which `owner` keeps alive: the features, then the targets.
Dataset in_memory(const DatasetDescription& description, std::span<std::byte> bytes,
                  std::shared_ptr<const void> owner) {
  const std::size_t features = description.feature_bytes();
  return {description, bytes.first(features), bytes.subspan(features), std::move(owner)};
}

void copy_memory(const Dataset& data, std::span<std::byte> bytes) {
  const auto targets = std::copy(data.feature_memory().begin(), data.feature_memory().end(), bytes.begin());
  std::copy(data.target_memory().begin(), data.target_memory().end(), targets);
}

DatasetDescription broadcast_description(Communicator& group, const Dataset& data) {
  return from_text(broadcast_text(group, group.rank() == 0 ? to_text(data.description()) : "", 0));
}

/// `data` of the node's rank 0, in memory that all of the node see. Collective over `node`.
Dataset share(Communicator& node, const Dataset& data) {
  const DatasetDescription description = broadcast_description(node, data);
  const auto memory =
      std::make_shared<NodeMemory>(node, description.feature_bytes() + description.target_bytes());
  if (node.rank() == 0) copy_memory(data, memory->bytes());
  if (memory->is_shared()) {
    node.barrier();
  } else {
    node.broadcast(memory->bytes(), 0);
  }
  return in_memory(description, memory->bytes(), memory);
}

/// `data` of the group's rank 0, in memory of each rank's own. Collective over `group`.
Dataset send(Communicator& group, const Dataset& data) {
  const DatasetDescription description = broadcast_description(group, data);
  const auto memory =
      std::make_shared<std::vector<std::byte>>(description.feature_bytes() + description.target_bytes());
  if (group.rank() == 0) copy_memory(data, *memory);
  group.broadcast(*memory, 0);
  return in_memory(description, *memory, memory);
}

using Passing = Dataset (*)(Communicator& group, const Dataset& data);

/// Gives those of the group's rank 0 to all of it. Collective over `group`.
void pass_on(Communicator& group, std::vector<Dataset>& datasets, Passing pass) {
  std::size_t count = datasets.size();
  group.broadcast(std::as_writable_bytes(std::span(&count, 1)), 0);
  datasets.resize(count);
  for (Dataset& dataset : datasets) dataset = pass(group, dataset);
}

/// Errors: another node's files hold other data. Collective.
void check_same_on_all_nodes(Communicator& communicator, Communicator& node,
                             const std::vector<Dataset>& datasets) {
  std::string digests;
  for (const Dataset& dataset : datasets) digests += digest(dataset);
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
  std::vector<Dataset> datasets;
  together(communicator, [&] {
    if ((reads_for_all ? communicator : *node).rank() != 0) return;
    for (DatasetContent& content : read()) datasets.push_back(make_dataset(std::move(content)));
  });
  if (node->size() < communicator.size()) {
    if (reads_for_all) {
      const bool leads = node->rank() == 0;
      const std::unique_ptr<Communicator> leaders = communicator.split(leads ? 0 : 1);
      if (leads) pass_on(*leaders, datasets, send);
    } else {
      check_same_on_all_nodes(communicator, *node, datasets);
    }
  }
  if (node->size() > 1) pass_on(*node, datasets, share);
  return datasets;
}

}  // namespace lockstep
