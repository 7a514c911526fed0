#include <algorithm>

#include <nlohmann/json.hpp>

#include "cli/commands.hpp"
#include "cli/network_table.hpp"
#include "core/json.hpp"
#include "lockstep/core/error.hpp"
#include "lockstep/core/log.hpp"
#include "lockstep/nn/safetensors.hpp"
#include "lockstep/parallel/agreement.hpp"
#include "lockstep/train/problem.hpp"
#include "train/run/run_directory.hpp"

namespace lockstep {

namespace {

using Json = nlohmann::ordered_json;

/// Whether a checkpoint's tensor is no parameter, but state of the optimizer or the average of the weights.
bool is_state(const StoredTensors& stored, const StoredTensor& tensor) {
  const auto is_parameter = [](const StoredTensor& one) { return one.name.starts_with("parameters/"); };
  return std::any_of(stored.tensors.begin(), stored.tensors.end(), is_parameter) && !is_parameter(tensor);
}

Json describe(const std::string& file) {
  const StoredTensors stored = read_safetensors(file);
  Json tensors = Json::array();
  Index parameters = 0;
  for (const StoredTensor& tensor : stored.tensors) {
    Index size = 1;
    for (const Index extent : tensor.shape) size *= extent;
    if (!is_state(stored, tensor)) parameters += size;
    tensors.push_back({{"name", tensor.name}, {"type", tensor.type}, {"shape", tensor.shape}});
  }
  return {{"file", file},
          {"weights_digest", digest(views(stored.tensors))},
          {"parameters", parameters},
          {"metadata", stored.metadata},
          {"tensors", tensors}};
}

void show_network(const Arguments& arguments, Communicator& world) {
  const Config config = make_config(arguments.settings);
  const Problem problem = make_problem(config, world);
  for (const std::string& line : network_table(make_model(config, problem))) log::info(line);
}

void run_inspect(const Arguments& arguments, Communicator& world) {
  const bool has_file = arguments.positional.size() == 1;
  if (has_file == !arguments.settings.empty() || arguments.positional.size() > 1) {
    fail_input(
        "inspect: expected one file, as in 'lockstep inspect weights.safetensors', or the directory of a "
        "run, or else the settings of a network, as in 'lockstep inspect --config FILE'");
  }
  together(world, [&] {
    if (world.rank() != 0) return;
    if (!has_file) return show_network(arguments, world);
    constexpr int kIndent = 2;
    const std::string file = weights_file(arguments.positional.front()).string();
    log::info(json_text(describe(file), false, kIndent));
  });
}

}  // namespace

Command inspect_command() {
  return {.name = "inspect",
          .usage = "FILE.safetensors | RUN_DIR | [--config FILE] [--section.key VALUE …]",
          .brief = "Prints what a weights file holds, or the units of a configured network.",
          .details =
              "Of a weights file, it is JSON with the weights_digest; of the network, a table: shapes of "
              "outputs, parameters, multiply-adds of a sample.",
          .examples = {"lockstep inspect runs/a", "lockstep inspect --config configs/images/resnet20.cfg"},
          .options = {},
          .takes_paths = true,
          .unused = {"train.", "optimizer.", "schedule.", "checkpoint.", "run."},
          .prints_result = true,
          .needs_ranks = false,
          .run = run_inspect};
}

}  // namespace lockstep
