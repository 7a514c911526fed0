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

/// `data` of the node's rank 0, in memory that all of the node see. Collective over `node`.
Dataset share(Communicator& node, const Dataset& data) {
  const bool leads = node.rank() == 0;
  const DatasetDescription description =
      from_text(broadcast_text(node, leads ? to_text(data.description()) : "", 0));
  const auto memory =
      std::make_shared<NodeMemory>(node, description.feature_bytes() + description.target_bytes());
  const std::span<std::byte> features = memory->bytes().first(description.feature_bytes());
  const std::span<std::byte> targets = memory->bytes().subspan(description.feature_bytes());
  if (leads) {
    std::copy(data.feature_memory().begin(), data.feature_memory().end(), features.begin());
    std::copy(data.target_memory().begin(), data.target_memory().end(), targets.begin());
  }
  if (memory->is_shared()) {
    node.barrier();
  } else {
    node.broadcast(memory->bytes(), 0);
  }
  return {description, features, targets, memory};
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
                                    const std::function<std::vector<DatasetContent>()>& read) {
  const std::unique_ptr<Communicator> node = communicator.split_by_node();
  std::vector<Dataset> datasets;
  together(communicator, [&] {
    if (node->rank() != 0) return;
    for (DatasetContent& content : read()) datasets.push_back(make_dataset(std::move(content)));
  });
  if (node->size() < communicator.size()) check_same_on_all_nodes(communicator, *node, datasets);
  if (node->size() == 1) return datasets;

  std::size_t count = datasets.size();
  node->broadcast(std::as_writable_bytes(std::span(&count, 1)), 0);
  datasets.resize(count);
  for (Dataset& dataset : datasets) dataset = share(*node, dataset);
  return datasets;
}

}  // namespace lockstep
