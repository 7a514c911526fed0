// Sweeps as a person starts them: the same table on any ranks and groups, and however often they were
// interrupted.

#include <algorithm>
#include <csignal>
#include <fstream>
#include <functional>
#include <set>
#include <utility>

#include <gtest/gtest.h>

#include "sweep_helpers.hpp"

namespace lockstep::test {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

/// Six points; in the fifth the products of the layers overflow.
const Words kGrid = {"--sweep",
                     "optimizer.learning-rate=0.01,0.1,1e6",
                     "--sweep",
                     "model.layers=linear 8, linear 8, linear 4 | linear 4",
                     "--data.source",
                     "blobs",
                     "--data.samples",
                     "90",
                     "--train.batch-size",
                     "32",
                     "--train.epochs",
                     "2"};

TEST(SweepTest, HasTheSameResultsOnAnyRanksAndGroups) {
  const TemporaryFolder one;
  sweep_ok(0, kGrid, one);
  const std::vector<std::string> expected = results_of(one);
  for (const auto& [ranks, groups] : {std::pair(3, 1), {3, 3}, {5, 2}}) {
    const TemporaryFolder other;
    sweep_ok(ranks, kGrid + Words{"--groups", std::to_string(groups)}, other);
    EXPECT_TRUE(results_of(other) == expected) << ranks << " ranks in " << groups << " groups";
    std::set<int> used;
    for (const Json& point : metrics(other, "sweep", "point")) used.insert(point.at("group").get<int>());
    EXPECT_LE(used.size(), static_cast<std::size_t>(groups));
  }
  const std::vector<std::string> lines = lines_of(expected[0]);
  ASSERT_EQ(lines.size(), 7U);
  EXPECT_TRUE(lines[1].starts_with("1,0.01,\"linear 8, linear 8, linear 4\",false,6,2.0,180.0,")) << lines[1];
  for (std::size_t point = 1; point <= 6; ++point) {
    EXPECT_EQ(lines[point].find(",true,") != std::string::npos, point == 5) << lines[point];
  }
}

TEST(SweepTest, ItsPointsAreThoseOfTrain) {
  const TemporaryFolder folder;
  sweep_ok(2, kGrid, folder);
  for (const int point : {1, 4}) {
    const Outcome outcome =
        run_lockstep(0,
                     {"train", "--config", "sweep/points/" + std::to_string(point) + ".cfg", "--run.dir",
                      std::to_string(point)},
                     folder);
    ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
    const Json line = Json::parse(
        lines_of(text_of(folder.path() / "sweep/table.jsonl"))[static_cast<std::size_t>(point - 1)]);
    EXPECT_EQ(line.at("weights_digest"),
              metrics(folder, std::to_string(point), "end").at(0).at("weights_digest"));
    const Json evaluation = metrics(folder, std::to_string(point), "evaluation").back();
    EXPECT_EQ(line.at("test_loss"), evaluation.at("loss"));
    EXPECT_EQ(line.at("test_accuracy"), evaluation.at("accuracy"));
  }
}

/// The point that the sweep named as the one of its weights.
std::string best_point(const std::string& out) {
  const std::string before = "best.safetensors, of point ";
  const std::size_t begin = out.find(before) + before.size();
  return out.substr(begin, out.find('\n', begin) - begin);
}

TEST(SweepTest, ItsBestWeightsAreThoseOfTrainAndPredict) {
  const TemporaryFolder folder;
  const std::string point = best_point(sweep_ok(2, kGrid, folder));
  EXPECT_FALSE(fs::exists(folder.path() / "sweep/weights"));
  const Outcome trained =
      run_lockstep(0, {"train", "--config", "sweep/points/" + point + ".cfg", "--run.dir", "run"}, folder);
  ASSERT_EQ(trained.exit_code, 0) << trained.err;
  const std::string best = text_of(folder.path() / "sweep/best.safetensors");
  EXPECT_TRUE(best == text_of(folder.path() / "run/weights.safetensors"));
  const auto predictions = [&](const std::string& weights) {
    return run_lockstep(
        0, {"predict", "--weights", weights, "--data.source", "blobs", "--data.samples", "90"}, folder);
  };
  const Outcome predicted = predictions("sweep/best.safetensors");
  EXPECT_EQ(predicted.exit_code, 0) << predicted.err;
  EXPECT_EQ(predicted.out, predictions("run/weights.safetensors").out);
  EXPECT_EQ(predicted.out, predictions("sweep").out);

  fs::remove(folder.path() / "sweep/best.safetensors");
  const std::string again = sweep_ok(3, kGrid + Words{"--groups", "2"}, folder);
  EXPECT_NE(again.find("point " + point + " is trained again"), std::string::npos) << again;
  EXPECT_TRUE(text_of(folder.path() / "sweep/best.safetensors") == best);
}

TEST(SweepTest, ItsFolderStandsForItsBestPointAsThatOfARun) {
  const TemporaryFolder folder;
  const Words held_out = {"--data.source", "blobs", "--data.samples", "90", "--train.steps", "20"};
  const Words words = held_out + Words{"--sweep", "data.validation=0.1,0.3", "--model.layers", "linear 4"};
  const std::string point = best_point(sweep_ok(2, words, folder));
  EXPECT_EQ(text_of(folder.path() / "sweep/best.cfg"),
            text_of(folder.path() / ("sweep/points/" + point + ".cfg")));
  const Outcome trained =
      run_lockstep(0, {"train", "--config", "sweep/points/" + point + ".cfg", "--run.dir", "run"}, folder);
  ASSERT_EQ(trained.exit_code, 0) << trained.err;
  // The sweep keeps last weights, and the run would choose its best ones.
  fs::remove(folder.path() / "run/best.safetensors");
  const auto loss = [&](const std::string& weights) {
    const Outcome outcome =
        run_lockstep(0, {"evaluate", "--weights", weights, "--part", "validation", "--json"}, folder);
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    return outcome.exit_code == 0 ? Json::parse(outcome.out).at("loss").dump() : "";
  };
  EXPECT_EQ(loss("sweep"), loss("run"));
  const Outcome exported = run_lockstep(0, {"export", "--weights", "sweep", "--output", "best.onnx"}, folder);
  EXPECT_EQ(exported.exit_code, 0) << exported.err;
}

TEST(SweepTest, APointThatStopsEarlyEndsAsItsTraining) {
  const TemporaryFolder folder;
  const Words words =
      Words{"--sweep", "train.patience=0,2", "--optimizer.learning-rate", "0.05"} + impatient_training();
  sweep_ok(3, words, folder);
  const std::vector<std::string> table = lines_of(text_of(folder.path() / "sweep/table.jsonl"));
  ASSERT_EQ(table.size(), 2U);
  EXPECT_EQ(Json::parse(table[0]).at("step"), 900);
  const Json line = Json::parse(table[1]);
  EXPECT_LT(line.at("step"), 900);
  const Outcome outcome =
      run_lockstep(2, {"train", "--config", "sweep/points/2.cfg", "--run.dir", "run"}, folder);
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  const Json end = metrics(folder, "run", "end").at(0);
  EXPECT_EQ(end.at("stopped_early"), true);
  EXPECT_EQ(line.at("step"), end.at("steps"));
  EXPECT_EQ(line.at("weights_digest"), end.at("weights_digest"));
  const std::string again = sweep_ok(1, words, folder);
  EXPECT_NE(again.find("2 points, 2 of them finished before"), std::string::npos) << again;
}

TEST(SweepTest, GoesOnAfterAKillAndEndsInTheSameTable) {
  const Words grid = Words{"--sweep", "train.seed=1:8:lin8"} + long_training("1250");
  const TemporaryFolder whole;
  sweep_ok(2, grid, whole);

  const TemporaryFolder folder;
  for (const int enough : {1, 3}) {
    kill_sweep(3, Words{"--groups", "2"} + grid, enough, folder);
    EXPECT_LT(finished(folder), 8) << "killed too late to show anything";
  }
  EXPECT_FALSE(fs::exists(folder.path() / "sweep/table.csv"));
  const auto before = finished(folder);
  const std::string out = sweep_ok(1, grid, folder);
  EXPECT_NE(out.find("8 points, " + std::to_string(before) + " of them finished before"), std::string::npos)
      << out;
  EXPECT_TRUE(results_of(folder) == results_of(whole));
  std::vector<int> points;
  for (const Json& line : metrics(folder, "sweep", "point")) points.push_back(line.at("point"));
  std::sort(points.begin(), points.end());
  EXPECT_EQ(points, (std::vector<int>{1, 2, 3, 4, 5, 6, 7, 8})) << "each trained to its end once";

  const std::size_t claims = metrics(folder, "sweep", "claim").size();
  sweep_ok(2, grid, folder);
  EXPECT_EQ(metrics(folder, "sweep", "claim").size(), claims) << "a complete sweep has nothing left to train";
}

TEST(SweepTest, CtrlCLeavesAPageAndTheCommandThatGoesOn) {
  for (const Words& halving : {Words{}, Words{"--halving", "2"}}) {
    const Words grid =
        Words{"--sweep", "optimizer.learning-rate=0.001:0.1:log4"} + halving + long_training("4000");
    const TemporaryFolder whole;
    sweep_ok(0, grid, whole);
    const TemporaryFolder folder;
    Process process(command_line(0, sweep(grid)), folder.path());
    ASSERT_TRUE(wait_until(30, [&] { return finished(folder) >= 1; }));
    process.send(SIGINT);
    const Outcome outcome = process.wait(10);
    expect_one_line(
        outcome, 4,
        halving.empty() ? "Ctrl-C (SIGINT): stopped with " : "Ctrl-C (SIGINT): stopped in rung 1 of 3");
    EXPECT_TRUE(fs::exists(folder.path() / "sweep/report.html"));
    EXPECT_FALSE(fs::exists(folder.path() / "sweep/table.csv"));
    const std::string before = "; go on with: ";
    const std::size_t begin = outcome.err.find(before);
    ASSERT_NE(begin, std::string::npos) << outcome.err;
    Process again({"sh", "-c", outcome.err.substr(begin + before.size())}, folder.path());
    const Outcome end = again.wait(60);
    EXPECT_EQ(end.exit_code, 0) << end.err;
    EXPECT_NE(end.out.find(" finished before"), std::string::npos) << end.out;
    EXPECT_TRUE(results_of(folder) == results_of(whole));
  }
}

/// A sweep on the ranks of `groups` groups that is not done before `action` was done to its folder, behind
/// its back, after the first point.
Outcome sweep_without_its_folder(const TemporaryFolder& folder, int groups,
                                 const std::function<void(const fs::path&)>& action) {
  const Words grid = Words{"--sweep", "train.seed=1:6:lin6"} + long_training("1250");
  const fs::path run_dir = folder.path() / "above/sweep";  // unlike any other command line on the machine
  Process process(
      command_line(groups == 1 ? 2 : 3,
                   Words{"sweep", "--run.dir", run_dir.string(), "--groups", std::to_string(groups)} + grid),
      folder.path());
  EXPECT_TRUE(wait_until(30, [&] {
    return text_of(run_dir / "metrics.jsonl").find(R"({"event":"point")") != std::string::npos;
  }));
  const std::vector<pid_t> processes = processes_with(run_dir.string());
  for (const pid_t id : processes) kill(id, SIGSTOP);
  action(run_dir);
  for (const pid_t id : processes) kill(id, SIGCONT);
  return process.wait(60);
}

TEST(SweepTest, AFolderThatIsRemovedIsMadeAgain) {
  for (const int groups : {1, 2}) {
    const TemporaryFolder folder;
    const Outcome outcome = sweep_without_its_folder(
        folder, groups, [](const fs::path& run_dir) { fs::remove_all(run_dir.parent_path()); });
    expect_one_line(outcome, 0, "above/sweep: was removed or moved while the sweep ran; it is made again");
    std::set<int> points;
    for (const Json& line : metrics(folder, "above/sweep", "point"))
      points.insert(line.at("point").get<int>());
    EXPECT_EQ(points.size(), 6U);
    EXPECT_EQ(metrics(folder, "above/sweep", "end").size(), 1U);
    for (const char* const name : {"config.cfg", "points/6.cfg", "table.csv", "table.jsonl", "report.html"}) {
      EXPECT_TRUE(fs::exists(folder.path() / "above/sweep" / name)) << name;
    }
    EXPECT_EQ(lines_of(text_of(folder.path() / "above/sweep/table.csv")).size(), 7U);
  }
}

TEST(SweepTest, AFolderThatIsAnotherSweepsByNowIsLeftAlone) {
  const TemporaryFolder folder;
  const Outcome outcome = sweep_without_its_folder(folder, 1, [](const fs::path& run_dir) {
    fs::rename(run_dir, run_dir.parent_path() / "before");
    fs::create_directory(run_dir);
    std::ofstream(run_dir / "metrics.jsonl") << "another's\n";
  });
  expect_one_line(outcome, 2, "and can't be made again (");
  EXPECT_EQ(text_of(folder.path() / "above/sweep/metrics.jsonl"), "another's\n");
  const std::string before = "its results so far are in ";
  const std::size_t begin = outcome.err.find(before) + before.size();
  ASSERT_GT(begin, before.size()) << outcome.err;
  const fs::path saved = outcome.err.substr(begin, outcome.err.find(':', begin) - begin);
  const std::string text = text_of(saved);
  EXPECT_TRUE(text.starts_with(text_of(folder.path() / "above/before/metrics.jsonl"))) << saved;
  EXPECT_NE(text.find(R"({"event":"point")"), std::string::npos);
  fs::remove(saved);
}

/// Settings that are drawn, each with two seeds.
Words samples(const std::string& count) {
  return {"--samples",      count,
          "--sweep",        "optimizer.learning-rate=0.01:1:log",
          "--sweep",        "train.batch-size=8:64:log",
          "--sweep",        "train.seed=1,2",
          "--data.source",  "blobs",
          "--data.samples", "90",
          "--model.layers", "linear 4",
          "--train.epochs", "2"};
}

TEST(SweepTest, DrawsTheSameSettingsOnAnyRanksAndGroups) {
  const TemporaryFolder one;
  sweep_ok(0, samples("4"), one);
  const TemporaryFolder other;
  sweep_ok(4, samples("4") + Words{"--groups", "2"}, other);
  EXPECT_TRUE(results_of(other) == results_of(one));
  const TemporaryFolder reseeded;
  sweep_ok(0, samples("4") + Words{"--sampling-seed", "2"}, reseeded);
  EXPECT_NE(results_of(reseeded)[0], results_of(one)[0]);
  const std::string out = sweep_ok(2, samples("4") + Words{"--halving", "2"}, TemporaryFolder());
  EXPECT_NE(out.find("8 points to 1/4 of their steps, 4 points to 1/2 of their steps, 2 points to all"),
            std::string::npos)
      << out;
}

TEST(SweepTest, GoesOnWithMoreSamples) {
  const TemporaryFolder whole;
  sweep_ok(0, samples("5"), whole);
  const TemporaryFolder folder;
  sweep_ok(2, samples("3"), folder);
  const std::string out = sweep_ok(0, samples("5"), folder);
  EXPECT_NE(out.find("10 points, 6 of them finished before"), std::string::npos) << out;
  EXPECT_TRUE(results_of(folder) == results_of(whole));
  expect_one_line(run_lockstep(0, sweep(samples("4")), folder), 2,
                  "holds another sweep (points: 10 there, 8 here)");
}

TEST(SweepTest, AFolderOfAnotherSweepIsRefusedWithTheDifference) {
  const TemporaryFolder folder;
  const Words grid = {"--sweep",        "train.seed=1,2", "--data.source", "blobs",
                      "--model.layers", "linear 4",       "--train.steps", "3"};
  sweep_ok(0, grid, folder);
  const std::vector<std::string> before = listing(folder);
  expect_one_line(run_lockstep(3, sweep(grid + Words{"--optimizer.learning-rate", "0.5"}), folder), 2,
                  "holds another sweep (shared/optimizer.learning-rate: 0.1 there, 0.5 here)");
  expect_one_line(run_lockstep(0, sweep(grid + Words{"--sweep", "data.seed=1,2"}), folder), 2,
                  "holds another sweep (points: 2 there, 4 here)");
  expect_one_line(run_lockstep(0, {"report", "sweep"}, folder), 2, "sweep: holds a study");
  EXPECT_EQ(listing(folder), before);
}

}  // namespace
}  // namespace lockstep::test
