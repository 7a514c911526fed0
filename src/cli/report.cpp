#include <filesystem>

#include "cli/commands.hpp"
#include "lockstep/core/log.hpp"
#include "lockstep/parallel/agreement.hpp"
#include "report/run_report.hpp"

namespace lockstep {

namespace {

void run_report(const Arguments& arguments, Communicator& world) {
  together(world, [&] {
    if (world.rank() != 0) return;
    const std::vector<std::filesystem::path> run_dirs(arguments.positional.begin(),
                                                      arguments.positional.end());
    const auto out = arguments.options.find("out");
    std::filesystem::path file = "report.html";
    if (run_dirs.size() == 1) file = run_dirs.front() / file;
    if (out != arguments.options.end()) file = out->second;
    write_run_report(run_dirs, file);
    log::info(file.string());
  });
}

}  // namespace

Command report_command() {
  return {.name = "report",
          .usage = "RUN_DIR [RUN_DIR …] [--out FILE]",
          .brief = "Writes a page with curves, tables and predictions of one run, or of several.",
          .details =
              "Several runs stand side by side. The page is one file that needs no network. Without --out it "
              "is RUN_DIR/report.html, of several "
              "runs ./report.html. Prints where it is.",
          .examples = {"lockstep report runs/a", "lockstep report runs/a runs/b --out compared.html"},
          .options = {{"out", "", "the file to write"}},
          .takes_settings = false,
          .takes_paths = true,
          .needs_ranks = false,
          .run = run_report};
}

}  // namespace lockstep
