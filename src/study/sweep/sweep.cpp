#include "study/sweep/sweep.hpp"

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "core/file.hpp"
#include "core/text.hpp"
#include "lockstep/comm/launcher.hpp"
#include "lockstep/core/error.hpp"
#include "lockstep/core/log.hpp"
#include "lockstep/parallel/agreement.hpp"
#include "lockstep/parallel/partition.hpp"
#include "report/page.hpp"
#include "study/sweep/halving.hpp"
#include "study/sweep/sweep_journal.hpp"
#include "study/sweep/sweep_plan.hpp"
#include "study/sweep/sweep_progress.hpp"
#include "study/sweep/sweep_results.hpp"
#include "study/sweep/sweep_trainer.hpp"
#include "study/sweep/sweep_weights.hpp"
#include "train/run/best_weights.hpp"
#include "train/run/run_directory.hpp"

namespace lockstep {

namespace {

namespace fs = std::filesystem;

constexpr auto kPage = "report.html";

/// The group of `rank`, one of `groups` that the ranks are cut into.
Index group_of(Index rank, Index ranks, Index groups) {
  Index group = 0;
  while (part_of(ranks, groups, group).last <= rank) ++group;
  return group;
}

/// Removes the states that no point goes on from once `points` are known to go through `rung`.
void remove_states(const SweepPlan& plan, Index rung, const std::vector<Index>& points) {
  std::error_code ignored;
  for (Index before = 0; before < rung; ++before) {
    for (Index point = 0; point < plan.grid.size(); ++point) {
      const bool is_needed = before + 1 == rung && std::binary_search(points.begin(), points.end(), point);
      if (!is_needed) fs::remove(state_file(plan, {before, point}), ignored);
    }
  }
}

/// The points of `rung`, chosen on rank 0, on all. Collective.
std::vector<Index> agree_on_points(const SweepPlan& plan, SweepJournal* journal, Index rung,
                                   Communicator& world) {
  std::vector<Index> points;
  together(world, [&] {
    if (world.rank() != 0) return;
    points = points_of_rung(plan, results_of(plan, journal->read(), rung - 1), rung);
    remove_states(plan, rung, points);
  });
  Index count = std::ssize(points);
  world.broadcast(std::as_writable_bytes(std::span(&count, 1)), 0);
  points.resize(static_cast<std::size_t>(count));
  world.broadcast(std::as_writable_bytes(std::span(points)), 0);
  return points;
}

/// Ends a sweep that a signal has stopped in `rung`, with the page of what is there. Local.
[[noreturn]] void stop(const SweepPlan& plan, SweepJournal* journal, int signal, Index rung,
                       const std::string& command) {
  std::string message = fmt::format("{}: stopped", stop_cause(signal));
  if (journal != nullptr) {
    const std::vector<Curve> results = results_of(plan, journal->read(), plan.halving.rungs() - 1);
    const auto trained = std::count_if(results.begin(), results.end(), is_trained);
    const std::string where =
        plan.halving.is_on()
            ? fmt::format("in rung {} of {}", rung + 1, plan.halving.rungs())
            : fmt::format("with {} of {} trained", trained, count_of(plan.grid.size(), "point"));
    message += fmt::format(" {}; go on with: {}", where, command);
    if (trained > 0) {
      write_file(fs::path(plan.folder) / kPage, page_html(sweep_document(plan, results, where)));
      log::info(fmt::format("page     {}/{}", plan.folder, kPage));
    }
  }
  throw Error(ExitCode::kStopped, message);
}

/// Gives the best setting's weights their name; where they are not there, its point is trained again until
/// `trainer` is stopped. Collective.
void keep_best_weights(const SweepPlan& plan, SweepTrainer& trainer, SweepJournal* journal,
                       Communicator& world) {
  constexpr Index kNone = -1;
  Index again = kNone;
  Index rungs = 0;
  const bool is_first = world.rank() == 0;
  const auto take = [&] {
    const std::vector<Curve> results = results_of(plan, journal->read(), plan.halving.rungs() - 1);
    const std::optional<Index> winner = winning_point(plan, results);
    const bool is_there = !winner || take_weights(plan, results, *winner);
    again = is_there ? kNone : *winner;
    rungs = is_there ? 0 : results[static_cast<std::size_t>(*winner)].rung + 1;
  };
  together(world, [&] {
    if (is_first) take();
  });
  world.broadcast(std::as_writable_bytes(std::span(&again, 1)), 0);
  world.broadcast(std::as_writable_bytes(std::span(&rungs, 1)), 0);
  if (again == kNone) return;
  log::info(fmt::format("weights  point {} is trained again: the weights of the best setting are not there",
                        again + 1));
  in_groups(world, trainer.group(), [&] {
    if (trainer.number() == 0) trainer.train_again(again, rungs);
  });
  together(world, [&] {
    if (!is_first || trainer.stopped() != 0) return;
    take();
    if (again == kNone) return;
    fail_guard(
        "run.dir = {}: point {} was trained again, and its weights are not those of its first training; was "
        "that another version of the program?",
        plan.folder, again + 1);
  });
}

void write_results(const SweepPlan& plan, SweepJournal& journal) {
  const fs::path folder = plan.folder;
  const std::vector<Curve> results = results_of(plan, journal.read(), plan.halving.rungs() - 1);
  write_file(folder / "table.csv", table_csv(plan, results));
  write_file(folder / "table.jsonl", table_jsonl(plan, results));
  write_file(folder / kPage, page_html(sweep_document(plan, results)));
  const std::optional<Index> best = winning_point(plan, results);
  if (best) write_file(folder / kBestConfig, configuration_text(plan, *best));
  journal.end();
  std::error_code ignored;
  fs::remove_all(folder / kStates, ignored);
  remove_point_weights(plan);
  for (const std::string& finding : sweep_findings(plan, results))
    log::info(fmt::format("found    {}", finding));
  log::info(fmt::format("table    {}", (folder / "table.csv").string()));
  if (best) {
    log::info(fmt::format("weights  {}, of point {}", (folder / kBestWeights).string(), *best + 1));
  }
  log::info(fmt::format("page     {}", (folder / kPage).string()));
}

}  // namespace

void run_sweep(const SweepRequest& request, Communicator& world) {
  SweepPlan plan = plan_sweep(request, world.size());
  const nlohmann::ordered_json description = describe(plan);
  std::string command = whole_command();

  const bool is_first = world.rank() == 0;
  const Index number = group_of(world.rank(), world.size(), request.groups);
  const std::unique_ptr<Communicator> group = world.split(static_cast<int>(number));
  std::optional<SweepJournal> journal;
  together(world, [&] {
    if (!is_first) return;
    nlohmann::ordered_json there;
    if (!plan.folder.empty()) {
      there = SweepJournal::description_in(plan.folder);
      if (!is_beginning(there, plan)) there = description;
      SweepJournal::check(plan.folder, there);
    }
    check_points(plan);
    if (plan.folder.empty()) {
      plan.folder = make_run_folder("sweep");
      command += " --run.dir " + for_shell(plan.folder);
      there = description;
    }
    journal.emplace(SweepJournal::begin(plan.folder, there, world.size(), request.groups));
    if (there != description) journal->extend(description);
    write_configurations(plan);
  });
  plan.folder = broadcast_text(world, plan.folder, 0);
  together(world, [&] {
    if (!is_first && group->rank() == 0) journal.emplace(plan.folder);
  });
  std::optional<SweepProgress> progress;
  if (is_first) progress.emplace(plan, *journal, request.groups);
  SweepJournal* const own_journal = journal ? &*journal : nullptr;
  SweepTrainer trainer(plan, *group, number, own_journal, progress ? &*progress : nullptr);
  const auto stop_if_asked = [&](Index rung) {
    const std::vector<int> signals = all_gather(world, trainer.stopped());
    const int signal = *std::max_element(signals.begin(), signals.end());
    if (signal != 0) stop(plan, is_first ? own_journal : nullptr, signal, rung, command);
  };
  for (Index rung = 0; rung < plan.halving.rungs(); ++rung) {
    const std::vector<Index> points = agree_on_points(plan, own_journal, rung, world);
    if (progress) progress->begin_rung(rung, points);
    in_groups(world, *group, [&] { trainer.train_all(rung, points); });
    together(world, [&] {
      if (!is_first) return;
      journal->keep();
      progress->say();
    });
    stop_if_asked(rung);
  }
  keep_best_weights(plan, trainer, own_journal, world);
  stop_if_asked(plan.halving.rungs() - 1);
  together(world, [&] {
    if (is_first) write_results(plan, *journal);
  });
}

}  // namespace lockstep
