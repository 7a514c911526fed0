#include "study/scaling/study_record.hpp"

#include "core/file.hpp"
#include "core/json.hpp"
#include "core/text.hpp"
#include "lockstep/core/error.hpp"

namespace lockstep {

namespace {

std::string text_of(const std::filesystem::path& file) {
  const std::vector<std::byte> bytes = read_file(file);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

StudyRecord::StudyRecord(const StudyRun& study, const std::string& option, const std::string& name)
    : option_(option), name_(name), folder_(study.option(option)) {
  if (folder_.empty()) {
    fail_input("--{} is missing; expected the run directory of 'lockstep study {}'", option, name);
  }
  config_ = text_of(folder_ / "config.cfg");
  const std::string text = text_of(folder_ / "metrics.jsonl");
  for (const std::string_view line : split(text, '\n')) {
    if (!line.empty()) lines_.push_back(parse_json_or_nothing<Json>(line));
  }
}

void StudyRecord::each(const std::string& event, const std::function<void(const Json& line)>& read) const {
  bool found = false;
  for (const Json& line : lines_) {
    try {
      if (!line.is_object() || line.value("event", "") != event) continue;
      found = true;
      read(line);
    } catch (const nlohmann::json::exception& error) {
      fail_input("--{} {}: its metrics.jsonl has a damaged line '{}' ({}); repeat the study", option_,
                 folder_.string(), event, error.what());
    }
  }
  if (found) return;
  fail_input(
      "--{} {}: its metrics.jsonl has no line '{}'; expected the run directory of 'lockstep study {}' that "
      "has ended",
      option_, folder_.string(), event, name_);
}

std::string StudyRecord::setting(const std::string& key) const {
  for (const std::string_view line : split(config_, '\n')) {
    if (line.starts_with(key + " = ")) return std::string(line.substr(key.size() + 3));
  }
  return "nothing";
}

}  // namespace lockstep
