#include "study/study.hpp"

#include <set>

#include <fmt/format.h>

#include "cli/commands.hpp"
#include "cli/weights_settings.hpp"
#include "core/named.hpp"
#include "core/text.hpp"
#include "lockstep/core/error.hpp"

namespace lockstep {

namespace {

/// The options of all studies, each once, with the default in every study that takes it.
std::vector<CommandOption> options_of_studies() {
  std::vector<CommandOption> options;
  std::set<std::string> seen;
  for (const Study& study : studies()) {
    for (const StudyOption& option : study.options) {
      if (!seen.insert(option.name).second) continue;
      std::vector<std::string> defaults;
      for (const Study& other : studies()) {
        const StudyOption* const same = find_named(other.options, option.name);
        if (same != nullptr) defaults.emplace_back(trim(other.name + " " + same->default_value));
      }
      options.push_back({option.name, "", fmt::format("{} ({})", option.help, join(defaults))});
    }
  }
  return options;
}

std::string list_of_studies() {
  std::string text = "NAME is one of:";
  for (const Study& study : studies()) text += fmt::format("\n  {}  {}", study.name, study.summary);
  return text;
}

void run_study(const Arguments& arguments, Communicator& world) {
  if (arguments.positional.size() != 1) {
    fail_input("study: expected the name of one study, one of: {}", join(names_of(studies())));
  }
  const Study& study = find_study(arguments.positional.front());
  StudyRequest request{arguments.settings, arguments.options};
  const auto weights = request.options.find("weights");
  if (weights != request.options.end() && find_named(study.options, "weights") != nullptr) {
    request.settings = settings_with_weights(weights->second, request.settings);
  }
  run_study(study, request, world);
}

}  // namespace

Command study_command() {
  return {
      .name = "study",
      .usage = "NAME [--config FILE] [--section.key VALUE …]",
      .brief = "Runs an experiment and leaves its data and a page.",
      .details = list_of_studies(),
      .examples =
          {"lockstep study optimizers --config configs/lecture/optimizers.cfg",
           "mpirun -np 4 lockstep study batch-size --config configs/studies/batch-size.cfg --run.dir runs/b"},
      .options = options_of_studies(),
      .takes_paths = true,
      .unused = {"checkpoint.", "run.resume", "run.name", "run.notes", "run.tags", "run.tensorboard",
                 "train.timeline", "train.watch", "train.patience"},
      .stops_itself = true,
      .run = run_study};
}

}  // namespace lockstep
