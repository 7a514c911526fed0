#include "train/run/best_weights.hpp"

#include <exception>
#include <map>
#include <string>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/json.hpp"
#include "core/text.hpp"
#include "lockstep/core/error.hpp"
#include "lockstep/core/log.hpp"
#include "lockstep/nn/safetensors.hpp"
#include "lockstep/nn/weights.hpp"

namespace lockstep {

void write_best_weights(const std::filesystem::path& folder, const Network& network, const Problem& problem,
                        const nlohmann::ordered_json& facts) {
  const std::filesystem::path file = folder / kBestWeights;
  try {
    std::map<std::string, std::string> metadata = weights_metadata(network, problem);
    for (const auto& [name, value] : facts.items()) metadata[name] = json_text(value);
    write_safetensors(file, metadata, to_tensors(network));
  } catch (const std::exception& exception) {
    log::warn_once(fmt::format("lockstep: {}: not written: {}; the run goes on", file.string(),
                               as_error(exception).what()));
  }
}

std::optional<std::uint64_t> step_of_best_weights(const std::filesystem::path& folder) {
  try {
    const std::map<std::string, std::string> facts = read_safetensors(folder / kBestWeights).metadata;
    const auto step = facts.find("step");
    const auto number = step == facts.end() ? std::nullopt : parse_integer(step->second);
    if (number && *number >= 0) return static_cast<std::uint64_t>(*number);
  } catch (const Error&) {
    return std::nullopt;
  }
  return std::nullopt;
}

void check_best_weights(const std::filesystem::path& folder, const Standing& standing, std::uint64_t total) {
  const std::string file = (folder / kBestWeights).string();
  const std::optional<std::uint64_t> found = step_of_best_weights(folder);
  if (found && *found > total) {
    fail_input("train.steps, train.epochs: {} steps are asked for, {} is of step {}; give at least as many",
               total, file, *found);
  }
  const std::uint64_t best = standing.best ? standing.best->step : 0;
  if (found.value_or(0) >= best) return;
  log::warn(
      fmt::format("lockstep: {}: does not hold the weights after step {}, the best so far; the run goes on "
                  "without them",
                  file, best));
}

}  // namespace lockstep
