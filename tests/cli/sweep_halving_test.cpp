// Successive halving as a person starts it: a survivor's training is that of the whole grid, bit for bit,
// wherever it was cut.

#include <set>
#include <utility>

#include "sweep_helpers.hpp"

namespace lockstep::test {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

/// Nine points of 27 steps, three an epoch of 72 samples; all that a training can carry from step to step.
const Words kGrid = {"--sweep",
                     "optimizer.learning-rate=0.001:0.3:log9",
                     "--data.source",
                     "blobs",
                     "--data.samples",
                     "90",
                     "--data.validation",
                     "0.2",
                     "--model.layers",
                     "linear 8, batch-norm, relu, dropout 0.2, linear 4",
                     "--optimizer.name",
                     "adam",
                     "--schedule.name",
                     "cosine",
                     "--train.batch-size",
                     "32",
                     "--train.epochs",
                     "9"};
const Words kHalving = {"--halving", "3"};

std::vector<Json> table(const TemporaryFolder& folder) {
  std::vector<Json> rows;
  for (const std::string& line : lines_of(text_of(folder.path() / "sweep/table.jsonl")))
    rows.push_back(Json::parse(line));
  return rows;
}

/// The trainings of the journal as rung and point.
std::vector<std::pair<int, int>> trained(const TemporaryFolder& folder) {
  std::vector<std::pair<int, int>> tasks;
  for (const Json& line : metrics(folder, "sweep", "point"))
    tasks.emplace_back(line.at("rung"), line.at("point"));
  std::sort(tasks.begin(), tasks.end());
  return tasks;
}

TEST(SweepHalvingTest, ASurvivorEndsAsInTheWholeGrid) {
  const TemporaryFolder whole;
  sweep_ok(0, kGrid, whole);
  const TemporaryFolder halved;
  const std::string out = sweep_ok(0, kHalving + kGrid, halved);
  const std::vector<Json> expected = table(whole);
  std::vector<int> of_rung(4);
  for (const Json& row : table(halved)) {
    const int rung = row.at("rung");
    ++of_rung.at(static_cast<std::size_t>(rung));
    EXPECT_EQ(row.at("step"), rung == 1 ? 3 : rung == 2 ? 9 : 27);
    if (rung < 3) {
      EXPECT_TRUE(row.at("test_loss").is_null()) << "nothing is chosen by it";
      continue;
    }
    Json same = row;
    same.erase("rung");
    EXPECT_EQ(same, expected.at(row.at("point").get<std::size_t>() - 1));
  }
  EXPECT_EQ(of_rung, (std::vector<int>{0, 6, 2, 1}));
  // 9 x 72 + 3 x (216 - 72) + (648 - 216) of 9 x 648
  EXPECT_NE(out.find("1512 samples, 25.9 % of the 5832 that all points would take"), std::string::npos)
      << out;
  EXPECT_FALSE(fs::exists(halved.path() / "sweep/states"));
}

TEST(SweepHalvingTest, ChoosesTheSameOnAnyRanksAndGroups) {
  const TemporaryFolder one;
  sweep_ok(0, kHalving + kGrid, one);
  const std::vector<std::string> expected = results_of(one);
  for (const auto& [ranks, groups] : {std::pair(3, 1), {3, 3}, {5, 2}}) {
    const TemporaryFolder other;
    sweep_ok(ranks, kHalving + kGrid + Words{"--groups", std::to_string(groups)}, other);
    EXPECT_TRUE(results_of(other) == expected) << ranks << " ranks in " << groups << " groups";
  }
}

TEST(SweepHalvingTest, APointThatStopsEarlyGoesOnWithItsPatience) {
  const Words words = Words{"--sweep", "optimizer.learning-rate=0.05,1e-5,1e-6", "--train.patience", "5"} +
                      impatient_training();
  const TemporaryFolder whole;
  sweep_ok(0, words, whole);
  const TemporaryFolder halved;
  sweep_ok(2, kHalving + words, halved);
  const Json row = table(halved).at(0);
  EXPECT_EQ(row.at("rung"), 2);
  EXPECT_LT(row.at("step"), 900);
  for (const char* const key : {"step", "weights_digest", "validation_loss", "test_loss"}) {
    EXPECT_EQ(row.at(key), table(whole).at(0).at(key)) << key;
  }
}

/// Long enough to be killed in every rung: of 3600 steps, 400 in the first.
const Words kLong =
    Words{"--halving", "3", "--sweep", "optimizer.learning-rate=0.001:0.3:log9", "--data.validation", "0.1"} +
    long_training("3600");

TEST(SweepHalvingTest, GoesOnAfterAKillWhereEachRungWas) {
  const TemporaryFolder whole;
  sweep_ok(2, kLong, whole);

  const TemporaryFolder folder;
  for (const int enough : {2, 10, 12}) {
    kill_sweep(3, Words{"--groups", "2"} + kLong, enough, folder);
    EXPECT_LT(finished(folder), 13) << "killed too late to show anything";
  }
  sweep_ok(1, kLong, folder);
  EXPECT_TRUE(results_of(folder) == results_of(whole));
  EXPECT_EQ(trained(folder), trained(whole)) << "each point through each rung once";
  EXPECT_EQ(trained(folder).size(), 13U);

  const std::size_t claims = metrics(folder, "sweep", "claim").size();
  sweep_ok(2, kLong, folder);
  EXPECT_EQ(metrics(folder, "sweep", "claim").size(), claims) << "nothing is left to train";
}

TEST(SweepHalvingTest, MakesStatesThatAreLostAgain) {
  const TemporaryFolder whole;
  sweep_ok(2, kLong, whole);
  const TemporaryFolder folder;
  kill_sweep(2, kLong, 10, folder);
  EXPECT_FALSE(fs::is_empty(folder.path() / "sweep/states/1"));
  fs::remove_all(folder.path() / "sweep/states");
  const Outcome outcome = run_lockstep(3, sweep(kLong), folder);
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_NE(outcome.err.find("is trained again from its first step"), std::string::npos) << outcome.err;
  EXPECT_TRUE(results_of(folder) == results_of(whole));
}

TEST(SweepHalvingTest, AnotherHalvingIsAnotherSweep) {
  const TemporaryFolder folder;
  sweep_ok(0, kHalving + kGrid, folder);
  expect_one_line(run_lockstep(0, sweep(kGrid), folder), 2,
                  "holds another sweep (halving/eta: 3 there, nothing here)");
}

}  // namespace
}  // namespace lockstep::test
