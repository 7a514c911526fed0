// The end of a study, and its page.

#include <string>

#include <fmt/format.h>

#include "lockstep/comm/launcher.hpp"
#include "lockstep/core/error.hpp"
#include "lockstep/core/log.hpp"
#include "lockstep/core/version.hpp"
#include "lockstep/parallel/agreement.hpp"
#include "report/page.hpp"
#include "study/study_run.hpp"

namespace lockstep {

void StudyRun::stop_if_asked(const std::string& where) {
  const int signal = agree_on_stop(communicator_);
  if (signal == 0) return;
  std::string message = fmt::format("{}: study '{}' stopped {}, and cannot go on: start it again",
                                    stop_cause(signal), study_.name, where);
  together(communicator_, [&] {
    if (!directory_) return;
    findings_.insert(findings_.begin(),
                     fmt::format("The study was stopped {}: this is what was measured.", where));
    if (!trainings_.empty()) show(trainings_table());
    write_page();
  });
  if (!directory_) throw Error(ExitCode::kStopped, message + "; nothing is kept");  // rank 0 prints its own
  const bool is_given = request_.settings.contains("run.dir");
  message += fmt::format("{}; what was measured is in {}", is_given ? ", in another folder (run.dir)" : "",
                         directory_->path().string());
  throw Error(ExitCode::kStopped, message);
}

void StudyRun::finish() {
  together(communicator_, [&] {
    if (directory_) write_page();
  });
}

void StudyRun::write_page() {
  keep_directory();
  Json sections = Json::array();
  sections.push_back({{"type", "text"}, {"title", "Findings"}, {"paragraphs", findings_}});
  for (const Json& section : sections_) sections.push_back(section);
  Json rows = Json::array();
  for (const auto& [key, value] : shared_settings()) rows.push_back({key, value});
  if (!rows.empty()) {
    sections.push_back(
        {{"type", "table"},
         {"title", "Configuration"},
         {"description", "What the runs share; metrics.jsonl has what each of them changes."},
         {"columns", {{{"name", "key"}, {"number", false}}, {{"name", "value"}, {"number", false}}}},
         {"rows", rows}});
  }
  const Json document = {{"title", fmt::format("Study: {}", study_.name)},
                         {"subtitle", study_.summary},
                         {"generator", fmt::format("lockstep {}", kVersion)},
                         {"sections", sections}};
  directory_->write("report.html", page_html(document));
  log::info(fmt::format("page     {}/report.html", directory_->path().string()));
}

Json StudyRun::trainings_table() const {
  Json rows = Json::array();
  for (const auto& [training, outcome] : trainings_) rows.push_back({training, outcome});
  return {{"type", "table"},
          {"title", "Trainings"},
          {"description", "Those that came to their end."},
          {"columns", {{{"name", "training"}, {"number", false}}, {{"name", "outcome"}, {"number", false}}}},
          {"rows", rows}};
}

}  // namespace lockstep
