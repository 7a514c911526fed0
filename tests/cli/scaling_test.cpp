// The studies of scaling and what is planned with them. Times are what they are; the rest is fixed.

#include <algorithm>
#include <cmath>
#include <fstream>
#include <set>
#include <utility>

#include <gtest/gtest.h>

#include "program.hpp"

namespace lockstep::test {
namespace {

using Json = nlohmann::json;
using Pair = std::pair<int, int>;

const Words kTraining = {
    "--data.source",      "blobs", "--data.samples", "500", "--model.layers", "linear 16, relu, linear 4",
    "--train.batch-size", "64"};

Outcome study(int ranks, const Words& words, const TemporaryFolder& folder) {
  return run_lockstep(ranks, Words{"study"} + words, folder);
}

void expect_study(int ranks, const Words& words, const TemporaryFolder& folder) {
  const Outcome outcome = study(ranks, words, folder);
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(outcome.err, "");
  EXPECT_TRUE(std::filesystem::exists(folder.path() / words.at(2) / "report.html"));
}

/// step · 1 + sample · rows + message · 2 (P - 1) + byte · 2 (P - 1) / P · 4 n.
double model_seconds(const Json& model, double ranks, double rows) {
  const double bytes = 4 * model.at("parameters").get<double>();
  return model.at("step_seconds").get<double>() + model.at("sample_seconds").get<double>() * rows +
         2 * (ranks - 1) *
             (model.at("message_seconds").get<double>() +
              model.at("byte_seconds").get<double>() * bytes / ranks);
}

/// On `nodes` nodes of `on_node` ranks, 2^k of them: the network of kTraining is one bucket, whose sums go to
/// the owners and back along the tree, k messages each way, and have nothing to hide behind; k more tell all
/// ranks of the step.
double cluster_seconds(const Json& model, double nodes, double on_node, double rows, double latency,
                       double gbits) {
  const double bytes = 4 * model.at("parameters").get<double>();
  return model_seconds(model, on_node, rows) + 3 * std::log2(nodes) * latency +
         2 * (nodes - 1) / nodes * bytes * 8 / (1e9 * gbits);
}

TEST(ScalingTest, MeasuresEveryPairOfBothKinds) {
  const TemporaryFolder folder;
  expect_study(
      3,
      Words{"scaling", "--run.dir", "scaling", "--rounds", "1", "--batches", "12", "--rank-batch", "10"} +
          kTraining,
      folder);
  std::set<Pair> pairs;
  for (const Json& line : metrics(folder, "scaling", "scaling")) {
    const int ranks = line.at("ranks");
    const int batch = line.at("batch_size");
    EXPECT_TRUE(pairs.insert({ranks, batch}).second) << line;
    const double seconds = line.at("seconds");
    EXPECT_GT(seconds, 0);
    EXPECT_DOUBLE_EQ(line.at("samples_per_second"), batch / seconds);
    EXPECT_EQ(line.contains("weak_efficiency"), batch == 10 * ranks) << line;
    EXPECT_EQ(line.contains("strong_efficiency"), batch == 12 || batch == 64) << line;
    if (ranks > 1) continue;
    EXPECT_EQ(line.at("waiting_share"), 0) << line;
  }
  EXPECT_EQ(pairs, (std::set<Pair>{
                       {1, 12}, {2, 12}, {3, 12}, {1, 64}, {2, 64}, {3, 64}, {1, 10}, {2, 20}, {3, 30}}));

  std::set<int> held_out;
  for (const Json& line : metrics(folder, "scaling", "held_out"))
    held_out.insert(line.at("ranks").get<int>());
  EXPECT_EQ(held_out, (std::set<int>{1, 2, 3}));
  const Json model = metrics(folder, "scaling", "step_model").at(0);
  EXPECT_EQ(model.at("parameters"), 20 * 16 + 16 + 16 * 4 + 4);
  EXPECT_EQ(model.at("micro_batches"), 8);
  for (const char* const cost : {"step_seconds", "sample_seconds", "message_seconds", "byte_seconds"}) {
    EXPECT_GE(model.at(cost), 0) << cost;
  }
  for (const char* const cost :
       {"link_message_seconds", "link_byte_seconds", "message_work_seconds", "byte_work_seconds"}) {
    EXPECT_EQ(model.at(cost), 0) << cost << ": one node";
  }
  EXPECT_TRUE(metrics(folder, "scaling", "message").empty());
  EXPECT_EQ(metrics(folder, "scaling", "scaling").size(), pairs.size());
  expect_one_line(run_lockstep(0, {"report", "scaling"}, folder), 2, "scaling: holds a study");
}

TEST(ScalingTest, AloneItMeasuresOneRank) {
  const TemporaryFolder folder;
  expect_study(0, Words{"scaling", "--run.dir", "scaling", "--rounds", "1"} + kTraining, folder);
  std::set<Pair> pairs;
  for (const Json& line : metrics(folder, "scaling", "scaling"))
    pairs.insert(Pair(line.at("ranks").get<int>(), line.at("batch_size").get<int>()));
  EXPECT_EQ(pairs, (std::set<Pair>{{1, 16}, {1, 64}})) << "the batch and a quarter of it";
}

TEST(ScalingTest, PredictsNodesWithGivenLinks) {
  const TemporaryFolder folder;
  expect_study(
      1,
      Words{"scaling", "--run.dir", "scaling", "--rounds", "1", "--batches", "64", "--rank-batch", "10",
            "--predict", "65536", "--node-ranks", "64", "--link", "25,200", "--latency", "10"} +
          kTraining,
      folder);
  const Json model = metrics(folder, "scaling", "step_model").at(0);
  std::multiset<std::pair<int, double>> batches_and_links;
  for (const Json& line : metrics(folder, "scaling", "predicted")) {
    if (line.at("ranks") != 65'536) continue;
    EXPECT_EQ(line.at("nodes"), 1024);
    const int batch = line.at("batch_size");
    const double link = line.at("link_gbits");
    batches_and_links.insert({batch, link});
    const double expected = cluster_seconds(model, 1024, 64, batch == 64 ? 1 : 10, 1e-5, link);
    EXPECT_NEAR(line.at("seconds"), expected, 1e-9 * expected) << line;
  }
  EXPECT_EQ(batches_and_links,
            (std::multiset<std::pair<int, double>>{{64, 25}, {64, 200}, {655'360, 25}, {655'360, 200}}));
}

TEST(ScalingTest, RefusesClustersThatItCannotPredict) {
  const TemporaryFolder folder;
  const auto refused = [&](const Words& words, const std::string& fragment) {
    for (const int ranks : {0, 2}) {
      expect_one_line(
          study(ranks, Words{"scaling", "--run.dir", "scaling", "--rounds", "1"} + kTraining + words, folder),
          2, fragment);
    }
    EXPECT_TRUE(listing(folder).empty());
  };
  const std::string all = "expected all of --node-ranks, --link and --latency, or none";
  refused({"--link", "25"}, all);
  refused({"--node-ranks", "64", "--latency", "10"}, all);
  refused({"--link", "0"}, "--link 0: expected numbers above 0, or auto");
  refused({"--link", "fast"}, "--link fast: expected numbers");
  refused({"--latency", "1,2"}, "--latency 1,2: expected one number");
  refused({"--node-ranks", "0"}, "--node-ranks 0: expected a whole number of at least 1");
}

/// A study of batch sizes of a training that needs 100 (1 + 64 / B) steps.
void write_batch_study(const TemporaryFolder& folder,
                       const std::string& layers = "linear 16, relu, linear 4") {
  std::filesystem::create_directory(folder.path() / "batches");
  folder.write("batches/config.cfg", "[data]\nsource = blobs\n\n[model]\nlayers = " + layers + "\n");
  std::string lines;
  for (const int batch : {8, 32, 128}) {
    const double steps = 100 * (1 + 64.0 / batch);
    lines += Json{{"event", "batch"},
                  {"batch_size", batch},
                  {"reached", batch != 128},
                  {"steps", {{"median", steps}}}}
                 .dump() +
             "\n";
  }
  lines += Json{{"event", "fit"}, {"of", "samples"}, {"least", {{"value", 1}}}}.dump() + "\n";
  lines += Json{{"event", "fit"},
                {"of", "steps"},
                {"least", {{"value", 100}, {"low", 90}, {"high", nullptr}}},
                {"critical_batch", {{"value", 64}}}}
               .dump() +
           "\n";
  folder.write("batches/metrics.jsonl", lines);
}

TEST(PlanTest, MultipliesTheStepsOfOneStudyWithTheTimesOfTheOther) {
  const TemporaryFolder folder;
  write_batch_study(folder);
  expect_study(2, Words{"scaling", "--run.dir", "scaling", "--rounds", "1", "--batches", "32"} + kTraining,
               folder);
  expect_study(
      2,
      {"plan", "--run.dir", "plan", "--batch-size", "batches", "--scaling", "scaling", "--most-ranks", "16"},
      folder);
  const Json model = metrics(folder, "scaling", "step_model").at(0);
  std::set<Pair> pairs;
  const std::vector<Json> cells = metrics(folder, "plan", "plan");
  for (const Json& cell : cells) {
    const int ranks = cell.at("ranks");
    const int batch = cell.at("batch_size");
    pairs.insert({ranks, batch});
    const double seconds =
        100 * (1 + 64.0 / batch) * model_seconds(model, ranks, std::ceil(batch / static_cast<double>(ranks)));
    EXPECT_NEAR(cell.at("seconds"), seconds, 1e-9 * seconds) << cell;
    EXPECT_NEAR(cell.at("core_hours"), ranks * seconds / 3600, 1e-9 * seconds) << cell;
    EXPECT_EQ(cell.at("steps_measured"), batch == 8 || batch == 32);
    EXPECT_EQ(cell.at("step_measured"), batch == 32 && ranks <= 2);
  }
  std::set<Pair> expected;
  for (const int ranks : {1, 2, 4, 8, 16}) {
    for (const int batch : {8, 16, 32}) expected.insert({ranks, batch});
  }
  EXPECT_EQ(pairs, expected);
  const auto by = [](const char* key) {
    return [key](const Json& a, const Json& b) { return a.at(key) < b.at(key); };
  };
  EXPECT_EQ(metrics(folder, "plan", "fastest").at(0).at("seconds"),
            std::min_element(cells.begin(), cells.end(), by("seconds"))->at("seconds"));
  EXPECT_NEAR(metrics(folder, "plan", "cheapest").at(0).at("core_hours"),
              std::min_element(cells.begin(), cells.end(), by("core_hours"))->at("core_hours").get<double>(),
              1e-12);
}

TEST(PlanTest, PlansForNodesWithAGivenLink) {
  const TemporaryFolder folder;
  write_batch_study(folder);
  expect_study(0, Words{"scaling", "--run.dir", "scaling", "--rounds", "1"} + kTraining, folder);
  expect_study(0,
               {"plan", "--run.dir", "plan", "--batch-size", "batches", "--scaling", "scaling",
                "--most-ranks", "16", "--node-ranks", "4", "--link", "10", "--latency", "20"},
               folder);
  const Json model = metrics(folder, "scaling", "step_model").at(0);
  for (const Json& cell : metrics(folder, "plan", "plan")) {
    const double ranks = cell.at("ranks");
    const double batch = cell.at("batch_size");
    const double expected = cluster_seconds(model, std::max(1.0, ranks / 4), std::min(ranks, 4.0),
                                            std::ceil(batch / ranks), 2e-5, 10);
    EXPECT_NEAR(cell.at("step_seconds"), expected, 1e-9 * expected) << cell;
  }
  const Words again = {"plan", "--run.dir", "again", "--batch-size", "batches", "--scaling", "scaling"};
  expect_one_line(study(0, again + Words{"--link", "25"}, folder), 2,
                  "expected all of --node-ranks, --link and --latency, or none");
  expect_one_line(study(2, again + Words{"--link", "25,200", "--node-ranks", "8", "--latency", "10"}, folder),
                  2, "--link 25,200: expected one number");
}

// Studies were recorded without nodes and buckets once.
TEST(PlanTest, ReadsWhatKnowsNoNodes) {
  const TemporaryFolder folder;
  write_batch_study(folder);
  std::filesystem::create_directory(folder.path() / "scaling");
  std::filesystem::copy(folder.path() / "batches/config.cfg", folder.path() / "scaling/config.cfg");
  const Json model = {{"event", "step_model"},        {"step_seconds", 1e-3}, {"sample_seconds", 1e-5},
                      {"message_seconds", 1e-6},      {"byte_seconds", 1e-9}, {"parameters", 1000},
                      {"micro_batches", 8},           {"threads", 1},         {"serial_share", 0.1},
                      {"largest_held_out_error", 0.1}};
  const Json step = {{"event", "scaling"}, {"ranks", 1}, {"batch_size", 32}, {"seconds", 1e-3}};
  folder.write("scaling/metrics.jsonl", step.dump() + "\n" + model.dump() + "\n");
  expect_study(
      0,
      {"plan", "--run.dir", "plan", "--batch-size", "batches", "--scaling", "scaling", "--most-ranks", "8"},
      folder);
  const std::vector<Json> cells = metrics(folder, "plan", "plan");
  EXPECT_EQ(cells.size(), 12U) << "1, 2, 4 and 8 ranks at batch 8, 16 and 32";
  for (const Json& cell : cells) {
    const double ranks = cell.at("ranks");
    const double expected = model_seconds(model, ranks, cell.at("batch_size").get<double>() / ranks);
    EXPECT_NEAR(cell.at("step_seconds"), expected, 1e-9 * expected) << cell;
  }
}

TEST(PlanTest, RefusesWhatItCannotUse) {
  const TemporaryFolder folder;
  write_batch_study(folder, "linear 4");
  expect_study(0, Words{"scaling", "--run.dir", "scaling", "--rounds", "1"} + kTraining, folder);
  const std::vector<std::string> before = listing(folder);
  const auto refused = [&](const Words& words, const std::string& fragment) {
    for (const int ranks : {0, 2}) {
      expect_one_line(study(ranks, Words{"plan", "--run.dir", "plan"} + words, folder), 2, fragment);
    }
    EXPECT_EQ(listing(folder), before);
  };
  refused({"--scaling", "scaling"}, "--batch-size is missing");
  refused({"--batch-size", "batches"}, "--scaling is missing");
  refused({"--batch-size", "nowhere", "--scaling", "scaling"}, "nowhere/config.cfg: cannot be read");
  refused({"--batch-size", "scaling", "--scaling", "scaling"}, "has no line 'batch'");
  refused({"--batch-size", "batches", "--scaling", "scaling"}, "its layers is 'linear 16, relu, linear 4'");
  refused({"--batch-size", "batches", "--scaling", "scaling", "--train.seed", "2"},
          "study 'plan' does not use it");
}

}  // namespace
}  // namespace lockstep::test
