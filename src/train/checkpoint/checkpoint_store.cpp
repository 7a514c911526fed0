#include "train/checkpoint/checkpoint_store.hpp"

#include <algorithm>
#include <functional>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "core/file.hpp"
#include "core/text.hpp"
#include "lockstep/core/error.hpp"
#include "lockstep/core/log.hpp"

namespace lockstep {

namespace fs = std::filesystem;

namespace {

constexpr const char* kFolder = "checkpoints";
constexpr std::string_view kPrefix = "step-";
constexpr std::string_view kSuffix = ".safetensors";

fs::path file_of(const fs::path& folder, std::uint64_t step) {
  return folder / fmt::format("{}{:09}{}", kPrefix, step, kSuffix);
}

/// Newest first. Empty where the folder can't be read.
std::vector<std::uint64_t> steps_in(const fs::path& folder) {
  std::vector<std::uint64_t> steps;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (!name.starts_with(kPrefix) || !name.ends_with(kSuffix)) continue;
    const auto step =
        parse_integer(name.substr(kPrefix.size(), name.size() - kPrefix.size() - kSuffix.size()));
    if (step && *step >= 0) steps.push_back(static_cast<std::uint64_t>(*step));
  }
  std::sort(steps.begin(), steps.end(), std::greater<>());
  return steps;
}

/// What a process that was killed while it wrote has left.
void remove_temporaries(const fs::path& folder) {
  std::vector<fs::path> temporaries;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    if (entry->path().extension() == ".tmp") temporaries.push_back(entry->path());
  }
  for (const fs::path& file : temporaries) fs::remove(file, error);
}

}  // namespace

CheckpointStore::CheckpointStore(const fs::path& run_folder, std::size_t keep, ParameterLayout layout,
                                 std::map<std::string, std::string> weights_metadata)
    : folder_(run_folder / kFolder),
      keep_(keep),
      layout_(std::move(layout)),
      weights_metadata_(std::move(weights_metadata)) {
  remove_temporaries(folder_);
}

void CheckpointStore::save(const Checkpoint& checkpoint) {
  const std::uint64_t step = checkpoint.state.steps_done;
  // Not the folders above: if those are gone, so is the disk.
  std::error_code error;
  fs::create_directory(folder_, error);
  write_checkpoint(file_of(folder_, step), checkpoint, layout_, weights_metadata_);
  const std::vector<std::uint64_t> steps = steps_in(folder_);
  const std::uint64_t best = checkpoint.standing.best ? checkpoint.standing.best->step : 0;
  if (best != 0 && std::find(steps.begin(), steps.end(), best) != steps.end()) best_ = best;
  for (const std::uint64_t old : outdated_steps(steps, step, keep_, best_)) {
    fs::remove(file_of(folder_, old), error);
  }
}

std::optional<Checkpoint> newest_checkpoint(const fs::path& run_folder) {
  const fs::path folder = run_folder / kFolder;
  const std::vector<std::uint64_t> steps = steps_in(folder);
  for (const std::uint64_t step : steps) {
    const fs::path file = file_of(folder, step);
    try {
      Checkpoint checkpoint = parse_checkpoint(read_file(file), file.string());
      if (checkpoint.state.steps_done == step) return checkpoint;
      fail_input("{}: holds step {}, expected that of its name; the one before it may do", file.string(),
                 checkpoint.state.steps_done);
    } catch (const Error& error) {
      log::warn(fmt::format("lockstep: {}", error.what()));
    }
  }
  if (steps.empty()) return std::nullopt;
  fail_input("{}: none of its checkpoints can be used; restore one, or start anew in another run.dir",
             folder.string());
}

std::vector<std::uint64_t> outdated_steps(std::vector<std::uint64_t> steps, std::uint64_t saved,
                                          std::size_t keep, std::optional<std::uint64_t> best) {
  std::sort(steps.begin(), steps.end(), std::greater<>());
  std::vector<std::uint64_t> outdated;
  std::size_t kept = 0;
  for (const std::uint64_t step : steps) {
    if (step <= saved && kept < keep) {
      ++kept;
    } else if (step != best) {
      outdated.push_back(step);
    }
  }
  return outdated;
}

}  // namespace lockstep
