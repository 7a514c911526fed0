#include "study/study_run.hpp"

#include <filesystem>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>

#include "core/file.hpp"
#include "core/named.hpp"
#include "core/text.hpp"
#include "lockstep/core/error.hpp"
#include "lockstep/core/log.hpp"
#include "lockstep/parallel/agreement.hpp"
#include "study/curve_training.hpp"

namespace lockstep {

namespace {

/// All options of `study`, given or default.
std::map<std::string, std::string> settle_options(const Study& study,
                                                  const std::map<std::string, std::string>& given) {
  std::map<std::string, std::string> options;
  for (const StudyOption& option : study.options) options[option.name] = option.default_value;
  for (const auto& [name, value] : given) {
    if (!options.contains(name)) {
      fail_input("--{}: study '{}' does not use it; remove it. It takes: {}", name, study.name,
                 options.empty() ? "none" : join(names_of(study.options)));
    }
    options[name] = value;
  }
  return options;
}

/// Of what was not given, but follows from the number of ranks, or from the study.
constexpr const char* kSettledOrigin = "by the number of ranks";
constexpr const char* kStudyOrigin = "by the study";

}  // namespace

StudyRun::StudyRun(const Study& study, StudyRequest request, Communicator& communicator)
    : study_(study),
      request_(std::move(request)),
      communicator_(communicator),
      options_(settle_options(study, request_.options)) {
  for (const auto& [key, value] : study.settings) {
    const auto own = request_.settings.find(key);
    if (own != request_.settings.end() && !is_default(key, own->second.text)) continue;
    request_.settings[key] = {value, kStudyOrigin, GivenBy::kRun};
  }
  settle();
  for (const char* const name : {"seeds", "evaluations", "repeats"}) {
    if (options_.contains(name)) count(name);  // wrong numbers show before anything is trained
  }
  together(communicator, [&] {
    const bool has_folder = communicator.rank() == 0 && !config_.run.dir.empty();
    if (has_folder) refuse_run_in(config_.run.dir);  // before it costs a training
  });
  log::info(fmt::format("study    {}: {}", study.name, study.summary));
}

Problem StudyRun::make_problem_with_held_out(const Variant& variant) const {
  Problem problem = make_problem(config_of(variant), communicator_);
  if (held_out_parts(problem).empty()) {
    fail_input(
        "study '{}' evaluates samples that are not trained on, but there is no test part; set "
        "data.validation, such as 0.2",
        study_.name);
  }
  return problem;
}

void StudyRun::settle() {
  const auto patience = request_.settings.find("train.patience");
  if (patience != request_.settings.end() && !is_default(patience->first, patience->second.text)) {
    if (patience->second.by != GivenBy::kRun) {
      fail_input("train.patience ({}): a study compares trainings at the same steps; remove it",
                 patience->second.origin);
    }
    request_.settings.erase(patience);
  }
  config_ = make_measured_config(request_.settings);
  resolve_micro_batches(config_, communicator_.size());
  request_.settings.try_emplace(
      "train.micro-batches",
      GivenValue{std::to_string(config_.training.micro_batches), kSettledOrigin, GivenBy::kRun});
}

void StudyRun::allow_only(const std::function<bool(const std::string& key)>& is_used) {
  std::vector<std::string> left_out;
  std::string origin;
  for (const auto& [key, value] : GivenValues(request_.settings)) {
    if (key == "run.dir" || value.origin == kSettledOrigin || value.origin == kStudyOrigin || is_used(key))
      continue;
    const bool is_usual = is_default(key, value.text);
    if (value.by == GivenBy::kRun) {
      request_.settings.erase(key);
      if (!is_usual) left_out.push_back(key);
      origin = value.origin;
    } else if (!is_usual) {
      fail_input("{} ({}): study '{}' does not use it, or sets it itself; remove it", key, value.origin,
                 study_.name);
    }
  }
  if (!origin.empty()) settle();
  if (!left_out.empty()) {
    log::info(fmt::format("settings {} that study '{}' does not use, or sets itself, are left out: {}",
                          origin, study_.name, join(left_out)));
  }
  is_used_ = is_used;
}

SettingTexts StudyRun::shared_settings() const {
  SettingTexts settings = settings_of(with_absolute_paths(config_));
  std::erase_if(settings, [&](const auto& entry) {
    const std::string& key = entry.first;
    // The defaults of an optimizer are not those of the ones that the study compares.
    const bool is_foreign =
        key.starts_with("optimizer.") && !is_used_("optimizer.name") && !request_.settings.contains(key);
    return key.starts_with("checkpoint.") || !is_used_(key) || is_foreign;
  });
  return settings;
}

void StudyRun::open() {
  together(communicator_, [&] {
    if (communicator_.rank() != 0) return;
    if (directory_) return keep_directory();
    make_directory(config_.run.dir.empty() ? make_run_folder(study_.name) : config_.run.dir);
  });
  config_.run.dir = broadcast_text(communicator_, config_.run.dir, 0);
}

void StudyRun::make_directory(const std::string& folder) {
  directory_.emplace(folder);
  config_.run.dir = folder;
  directory_->write("config.cfg", to_text(shared_settings()));
}

void StudyRun::keep_directory() {
  if (!directory_->is_gone()) return;
  try {
    make_directory(config_.run.dir);
  } catch (const Error& error) {
    throw Error(error.code(),
                fmt::format("run.dir = {}: was removed or moved while the study ran, and can't be "
                            "made again ({}); its data so far are in {}",
                            config_.run.dir, error.what(), save_elsewhere().string()));
  }
  for (const Json& line : lines_) directory_->record(line);
  log::warn(fmt::format(
      "lockstep: run.dir = {}: was removed or moved while the study ran; it is made again, with all data",
      config_.run.dir));
}

std::filesystem::path StudyRun::save_elsewhere() const {
  std::string text;
  for (const Json& line : lines_) text += to_line(line) + "\n";
  std::filesystem::path file =
      std::filesystem::temp_directory_path() / fmt::format("lockstep-{}-{}.jsonl", study_.name, getpid());
  write_file(file, text);
  return file;
}

Index StudyRun::count(const std::string& name) const {
  const auto number = parse_integer(option(name));
  if (!number || *number < 1)
    fail_input("--{} {}: expected a whole number of at least 1", name, option(name));
  return *number;
}

std::vector<double> StudyRun::numbers(const std::string& name) const {
  std::vector<double> numbers;
  for (const std::string_view part : split(option(name), ',')) {
    const auto number = parse_number(part);
    if (!number || !(*number >= 0 && *number < 1e30)) {
      fail_input("--{} {}: expected numbers of at least 0, separated by commas", name, option(name));
    }
    numbers.push_back(*number);
  }
  return numbers;
}

Config StudyRun::config_of(const Variant& variant) const {
  std::map<std::string, GivenValue> settings = request_.settings;
  for (const auto& [key, value] : variant.settings) {
    settings[key] = {value, fmt::format("in study '{}', run '{}'", study_.name, variant.name)};
  }
  return make_measured_config(settings);
}

std::vector<Curve> StudyRun::train(const Variant& variant) {
  std::vector<Curve> curves;
  const Index seeds = count("seeds");
  curves.reserve(static_cast<std::size_t>(seeds));
  for (Index number = 0; number < seeds; ++number) curves.push_back(train_seed(variant, number));
  return curves;
}

Curve StudyRun::train_once(const Variant& variant) { return train_seed(variant, 0); }

Curve StudyRun::train_seed(const Variant& variant, Index number) {
  Variant seeded = variant;
  const auto seed = config_.training.seed + static_cast<std::uint64_t>(number);
  seeded.settings["train.seed"] = std::to_string(seed);
  if (is_synthetic(config_.data.source.source) || config_.data.holds_out()) {
    seeded.settings["data.seed"] =
        std::to_string(config_.data.source.synthetic.seed + static_cast<std::uint64_t>(number));
  }
  progress_.begin(fmt::format("{}, seed {}", variant.name, seed));
  Curve curve =
      train_curve(config_of(seeded), communicator_, count("evaluations"),
                  [this](const StepReport& report, const TrainingPlan& plan) { step(report, plan); });
  curve.variant = variant.name;
  open();
  for (const Measurement& m : curve.points) record(to_json(curve, m));
  record({{"event", "run"},
          {"variant", curve.variant},
          {"seed", seed},
          {"settings", seeded.settings},
          {"diverged", curve.diverged},
          {"weights_digest", curve.weights_digest}});
  tell(fmt::format("{}, seed {}", variant.name, seed), outcome(curve), choice_loss(curve));
  return curve;
}

void StudyRun::step(const StepReport& report, const TrainingPlan& plan) {
  progress_.step(report, plan);
  stop_if_asked(progress_.ended());
}

void StudyRun::tell(const std::string& training, const std::string& outcome, double loss) {
  log::info(fmt::format("run      {}: {}; {}", training, outcome, progress_.end(loss)));
  trainings_.emplace_back(training, outcome);
}

void StudyRun::record(const Json& line) {
  if (!directory_) return;
  directory_->record(line);
  lines_.push_back(line);
}

void StudyRun::write(const std::string& name, const std::string& text) const {
  if (directory_) directory_->write(name, text);
}

void StudyRun::say(const std::string& sentence) {
  log::info(fmt::format("found    {}", sentence));
  findings_.push_back(sentence);
}

void StudyRun::show(Json section) { sections_.push_back(std::move(section)); }

void run_study(const Study& study, const StudyRequest& request, Communicator& communicator) {
  StudyRun run(study, request, communicator);
  study.run(run);
  run.finish();
}

}  // namespace lockstep
