#pragma once

#include <map>
#include <string>
#include <vector>

#include "lockstep/comm/communicator.hpp"
#include "lockstep/train/config.hpp"

namespace lockstep {

class StudyRun;

/// An option that a study takes beside the configuration.
struct StudyOption {
  std::string name;           ///< "seeds" for --seeds
  std::string default_value;  ///< as text
  std::string help;
};

/// An experiment: trainings that differ in what is studied, their data and a page. To add one: write its
/// function in a file of its own beside dropout.cpp, describe it there, and list it in studies.cpp.
struct Study {
  std::string name;
  std::string summary;  ///< a sentence: what is compared
  std::vector<StudyOption> options;
  /// Its trainings' settings by keys, where the person says nothing or the default: what the study itself
  /// sets anew, but other settings depend on.
  std::map<std::string, std::string> settings = {};
  void (*run)(StudyRun& study) = nullptr;  ///< collective; with StudyRun::stop_if_asked now and then
};

/// All studies, in the order of their help.
const std::vector<Study>& studies();

/// The study called `name`. Errors: an unknown name (the known ones are listed).
const Study& find_study(const std::string& name);

/// What the person asked for.
struct StudyRequest {
  std::map<std::string, GivenValue> settings;  ///< of the configuration that the runs share
  std::map<std::string, std::string> options;  ///< those that were given
};

/// Runs `study` into a run directory: config.cfg (what the runs share), metrics.jsonl (a line "run" each
/// training and a line "measurement" each evaluation) and report.html. Collective. Errors: an option that the
/// study does not take or that does not fit; those of training, except that a run whose numbers stop being
/// finite is a result; with exit code 4 a requested_stop, after which the directory, if there is one yet, has
/// a page of what is measured.
void run_study(const Study& study, const StudyRequest& request, Communicator& communicator);

}  // namespace lockstep
