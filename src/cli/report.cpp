#include <filesystem>
#include <string>
#include <vector>

#include "cli/commands.hpp"
#include "core/file.hpp"
#include "lockstep/core/log.hpp"
#include "lockstep/parallel/agreement.hpp"
#include "report/run_csv.hpp"
#include "report/run_report.hpp"

namespace lockstep {

namespace {

/// Errors: standard output, or `file` where it is given, can't be written.
void give_csv(const std::vector<std::filesystem::path>& run_dirs, const std::string& file) {
  std::string csv = runs_csv(run_dirs);
  if (!file.empty()) {
    write_file(file, csv);
    return log::info(file);
  }
  csv.pop_back();  // the end of a line, which `info` adds
  log::info(csv);
  refuse_lost_output();
}

void run_report(const Arguments& arguments, Communicator& world) {
  together(world, [&] {
    if (world.rank() != 0) return;
    const std::vector<std::filesystem::path> run_dirs(arguments.positional.begin(),
                                                      arguments.positional.end());
    const auto out = arguments.options.find("out");
    if (arguments.options.contains("csv"))
      return give_csv(run_dirs, out == arguments.options.end() ? "" : out->second);
    std::filesystem::path file = "report.html";
    if (run_dirs.size() == 1) file = run_dirs.front() / file;
    if (out != arguments.options.end()) file = out->second;
    write_run_report(run_dirs, file);
    log::info(file.string());
  });
}

}  // namespace

Command report_command() {
  return {
      .name = "report",
      .usage = "RUN_DIR [RUN_DIR …] [--csv] [--out FILE]",
      .brief = "Writes a page with curves, tables and predictions of one run, or of several.",
      .details =
          "Several runs stand side by side. The page is one file that needs no network. Without --out it is "
          "RUN_DIR/report.html, of several runs ./report.html. Prints where it is.\nWith --csv, prints a "
          "table instead, a row for every epoch: run, epoch, step, seconds in steps, learning rate, mean "
          "training loss, and every measure of what is held out.",
      .examples = {"lockstep report runs/a", "lockstep report runs/a runs/b --out compared.html",
                   "lockstep report runs/* --csv > metrics.csv"},
      .options = {{"out", "", "the file to write"},
                  {"csv", "", "give the metrics as CSV, on standard output unless --out names a file", true}},
      .takes_settings = false,
      .takes_paths = true,
      .needs_ranks = false,
      .run = run_report};
}

}  // namespace lockstep
