#include "report/run_report.hpp"

#include <cstdint>
#include <string>

#include <fmt/format.h>

#include "core/file.hpp"
#include "core/text.hpp"
#include "lockstep/core/version.hpp"
#include "report/page.hpp"
#include "report/run_sections.hpp"

namespace lockstep {

namespace {

using Json = nlohmann::ordered_json;

std::string progress(const RunRecord& run) {
  const std::string steps =
      count_of(run.step.empty() ? 0 : static_cast<std::int64_t>(run.step.back()), "step");
  if (run.status == RunStatus::kFinished) return fmt::format("A training run of {}", steps);
  if (run.status == RunStatus::kRunning) return fmt::format("A training run, {} so far", steps);
  return fmt::format("A training run, {} after {}", status_text(run.status), steps);
}

std::string names(const std::vector<RunRecord>& runs) {
  std::string text;
  for (const RunRecord& run : runs) text += (text.empty() ? "" : ", ") + run.name;
  return text;
}

}  // namespace

Json describe_runs(const std::vector<std::filesystem::path>& run_dirs) {
  const std::vector<RunRecord> runs = read_runs(run_dirs);
  const bool alone = runs.size() == 1;
  Json sections = Json::array();
  for (const Json& some :
       {summary_sections(runs), chart_sections(runs), prediction_sections(runs), table_sections(runs)}) {
    sections.insert(sections.end(), some.begin(), some.end());
  }
  Json document = {{"title", alone ? runs.front().name : fmt::format("{} runs", runs.size())},
                   {"subtitle", alone ? progress(runs.front()) : names(runs)},
                   {"generator", fmt::format("lockstep {}", kVersion)},
                   {"sections", std::move(sections)}};
  // The run writes its page anew as it goes on.
  constexpr int kSeconds = 30;
  if (alone && runs.front().status == RunStatus::kRunning) document["refresh"] = kSeconds;
  return document;
}

void write_run_report(const std::vector<std::filesystem::path>& run_dirs, const std::filesystem::path& file) {
  write_file(file, page_html(describe_runs(run_dirs)));
}

}  // namespace lockstep
