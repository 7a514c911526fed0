// Runs over several hosts, which hosts.sh makes of network namespaces.

#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>
#include <regex>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "long_run.hpp"
#include "program.hpp"

namespace lockstep::test {
namespace {

/// Hosts with so many ranks each, and how the ranks are dealt out.
struct Layout {
  std::vector<int> ranks;
  std::string by = "slot";
};

std::string name_of(const Layout& layout) {
  return fmt::format("{}_by_{}", fmt::join(layout.ranks, "_"), layout.by);
}

/// By slot a host gets all its ranks before the next one gets its first; by node each gets one in turn. They
/// are named one by one, as Open MPI 5 starts nothing by node where hosts have different numbers.
Words hosts_of_ranks(const Layout& layout) {
  Words hosts;
  const int most = *std::ranges::max_element(layout.ranks);
  for (int turn = 0; turn < (layout.by == "node" ? most : 1); ++turn) {
    for (std::size_t host = 0; host < layout.ranks.size(); ++host) {
      const int in_turn = layout.by == "node" ? int{turn < layout.ranks[host]} : layout.ranks[host];
      hosts.insert(hosts.end(), static_cast<std::size_t>(in_turn), fmt::format("host{}", host + 1));
    }
  }
  return hosts;
}

const Layout kTwoHosts{.ranks = {2, 2}};

class HostsTest : public testing::Test {
 protected:
  Outcome on_hosts(const Layout& layout, const Words& command) {
    const Words start = {LOCKSTEP_HOSTS,
                         std::to_string(layout.ranks.size()),
                         LOCKSTEP_MPIEXEC,
                         "--map-by",
                         "seq",
                         "--host",  // of one rank after another
                         fmt::format("{}", fmt::join(hosts_of_ranks(layout), ","))};
    return start_hosts(start + command);
  }

  /// Runs `command`, which begins with hosts.sh and has mpirun start ranks on other hosts.
  Outcome start_hosts(const Words& command) {
    Process process(command, folder_.path());
    Outcome outcome = process.wait(60);
    EXPECT_FALSE(outcome.timed_out);
    // mpirun says so where what it starts on a host is faster than itself.
    static const std::regex warning("\\[host1:[0-9]+\\] plm:(rsh|ssh): Warning: setpgid.*\n");
    outcome.err = std::regex_replace(outcome.err, warning, "");
    return outcome;
  }

  Outcome lockstep_on_hosts(const Layout& layout, const Words& words) {
    return on_hosts(layout, Words{LOCKSTEP_PROGRAM} + words);
  }

  std::string digest(const std::string& run_dir) {
    const auto ends = metrics(folder_, run_dir, "end");
    return ends.empty() ? "none" : ends.back().at("weights_digest").get<std::string>();
  }

  void SetUp() override {
    constexpr int kNotHere = 77;
    Process process({LOCKSTEP_HOSTS, "1", "true"}, folder_.path());
    const Outcome outcome = process.wait(20);
    if (outcome.exit_code == kNotHere) GTEST_SKIP() << outcome.err;
    ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  }

  TemporaryFolder folder_;
};

/// A network of several buckets.
Words large_training(const std::string& run_dir) {
  return {"train",
          "--run.dir",
          run_dir,
          "--data.source",
          "blobs",
          "--data.samples",
          "200",
          "--model.layers",
          "linear 300, relu, dropout 0.2, linear 300, relu, linear 4",
          "--train.batch-size",
          "50",
          "--train.epochs",
          "2"};
}

// Standard input is rank 0's alone; its node sends what it has read to the others.
TEST_F(HostsTest, PredictWhatStandsOnStandardInput) {
  std::string table = "x,y\n";
  for (int i = 0; i < 3000; ++i) table += fmt::format("{},{}\n", i % 31, i % 2);
  folder_.write("t.csv", table);
  ASSERT_EQ(run_lockstep(0,
                         {"train", "--run.dir", "run", "--data.source", "t.csv", "--model.layers", "linear 2",
                          "--train.batch-size", "100", "--train.epochs", "1"},
                         folder_)
                .exit_code,
            0);
  const std::string expected =
      run_lockstep(0, {"predict", "--weights", "run", "--data.source", "t.csv"}, folder_).out;
  EXPECT_EQ(lines_of(expected).size(), 3001U);
  folder_.write("predict.sh", fmt::format("exec \"$@\" {} predict --weights run --data.source - < t.csv\n",
                                          LOCKSTEP_PROGRAM));
  const Outcome outcome = start_hosts({LOCKSTEP_HOSTS, "2", "sh", "predict.sh", LOCKSTEP_MPIEXEC, "--map-by",
                                       "seq", "--host", "host1,host1,host2,host2"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_TRUE(outcome.out == expected) << outcome.err;
}

TEST_F(HostsTest, GiveTheDigestOfOneRank) {
  const std::map<std::string, Words> methods = {
      {"adamw", {"--optimizer.name", "adamw", "--optimizer.clip-norm", "0.5", "--optimizer.average", "0.9"}},
      {"lamb", {"--optimizer.name", "lamb", "--optimizer.clip-norm", "0.5"}}};
  const std::vector<Layout> layouts = {kTwoHosts,
                                       {.ranks = {2, 2}, .by = "node"},
                                       {.ranks = {3, 1}},
                                       {.ranks = {1, 3}, .by = "node"},
                                       {.ranks = {1, 1, 1}},
                                       {.ranks = {2, 1, 2}, .by = "node"},
                                       {.ranks = {1, 1, 1, 1}},
                                       {.ranks = {2, 2, 2, 2}, .by = "node"}};
  for (const auto& [method, settings] : methods) {
    ASSERT_EQ(run_lockstep(0, large_training(method) + settings, folder_).exit_code, 0);
    for (const Layout& layout : layouts) {
      for (const std::string compression : {"off", "on"}) {
        const std::string run_dir = fmt::format("{}_{}_{}", method, name_of(layout), compression);
        const Outcome outcome = lockstep_on_hosts(
            layout, large_training(run_dir) + settings + Words{"--train.compression", compression});
        EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
        EXPECT_EQ(outcome.err, "");
        EXPECT_EQ(digest(run_dir), digest(method)) << run_dir;
      }
    }
  }
}

// The Hessian's exchange is under way together with the gradient's.
TEST_F(HostsTest, GiveTheDigestOfOneRankWithNewtonsMethod) {
  const auto newton = [](const std::string& run_dir) {
    return Words{"train",    "--run.dir",        run_dir,  "--data.source",      "linear", "--model.layers",
                 "linear 1", "--optimizer.name", "newton", "--train.batch-size", "full",   "--train.steps",
                 "3"};
  };
  ASSERT_EQ(run_lockstep(0, newton("alone"), folder_).exit_code, 0);
  for (const Layout& layout : {kTwoHosts, Layout{.ranks = {1, 1, 1, 1}}}) {
    const Outcome outcome = lockstep_on_hosts(layout, newton(name_of(layout)));
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    EXPECT_EQ(digest(name_of(layout)), digest("alone"));
  }
}

// Half the bytes, and still the bits of one rank: also where a run goes on from what another number of hosts
// has saved.
TEST_F(HostsTest, GiveTheDigestOfOneRankWithWhatTravelsRounded) {
  for (const std::string precision : {"float32", "bf16"}) {
    const Words settings = {"--train.wire",     "bf16", "--train.precision", precision,
                            "--optimizer.name", "adamw"};
    const std::string alone = precision + "-alone";
    const Outcome one = run_lockstep(0, large_training(alone) + settings, folder_);
    ASSERT_EQ(one.exit_code, 0) << one.err;
    const std::string run = precision + "-run";
    const Words half = Words{"--checkpoint.every", "3", "--train.epochs", "1", "--train.compression", "off"};
    EXPECT_EQ(lockstep_on_hosts({.ranks = {2, 1}}, large_training(run) + settings + half).exit_code, 0);
    const Outcome outcome =
        lockstep_on_hosts({.ranks = {1, 2, 1}, .by = "node"},
                          {"train", "--resume", run, "--train.epochs", "2", "--train.compression", "on"});
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    EXPECT_NE(outcome.out.find("of the gradient; "), std::string::npos) << outcome.out;
    EXPECT_NE(outcome.out.find("all in bfloat16; compressed without loss\n"), std::string::npos)
        << outcome.out;
    EXPECT_EQ(digest(run), digest(alone));
  }
}

// Eight micro-batches on three hosts: two and three of them are no subtree of 4 + 4; two of six are.
TEST_F(HostsTest, SayWhatTheMicroBatchesCost) {
  EXPECT_NE(lockstep_on_hosts({.ranks = {1, 1, 1}}, small_training("eight"))
                .out.find("nodes    3; each sends at most 2 sums of the gradient; with train.micro-batches = "
                          "6 it would be one"),
            std::string::npos);
  EXPECT_NE(
      lockstep_on_hosts({.ranks = {1, 1, 1}}, small_training("six") + Words{"--train.micro-batches", "6",
                                                                            "--train.compression", "off"})
          .out.find("nodes    3; each sends at most 1 sum of the gradient\n"),
      std::string::npos);
}

TEST_F(HostsTest, ARunGoesOnOnOtherHosts) {
  ASSERT_EQ(run_lockstep(0, large_training("alone"), folder_).exit_code, 0);
  const Words half = Words{"--checkpoint.every", "3", "--train.epochs", "1"};
  EXPECT_EQ(lockstep_on_hosts({.ranks = {2, 1}}, large_training("run") + half).exit_code, 0);
  const Outcome outcome = lockstep_on_hosts({.ranks = {1, 2, 1}, .by = "node"},
                                            {"train", "--resume", "run", "--train.epochs", "2"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(digest("run"), digest("alone"));
}

// No file system is shared here: each host has a folder of its own for relative paths.
TEST_F(HostsTest, ARunGoesOnOnlyWhereRank0HasItsFolder) {
  const auto train_on = [&](const std::string& hosts, const Words& words) {
    const Words in_own_folder = {
        "sh", "-c",
        fmt::format("mkdir -p $(hostname) && cd $(hostname) && exec '{}' \"$@\"", LOCKSTEP_PROGRAM), "sh"};
    return start_hosts(Words{LOCKSTEP_HOSTS, "3", LOCKSTEP_MPIEXEC, "--host", hosts} + in_own_folder + words);
  };
  const Words begin = large_training("run") + Words{"--checkpoint.every", "3"};
  EXPECT_EQ(train_on("host3:1", begin).exit_code, 0);
  const Words go_on = large_training("run") + Words{"--run.resume", "true", "--train.epochs", "3"};
  expect_one_line(
      train_on("host2:1,host3:1", go_on), 2,
      "run.dir = run: is on host3 and not on host2, where rank 0 would write it; name host3 first");
  EXPECT_EQ(train_on("host3:1", go_on).exit_code, 0);
  expect_one_line(train_on("host2:1,host3:1", {"train", "--resume", "other"}), 2,
                  "--resume other: holds no checkpoint on host2, where rank 0 is; give");
}

// The weights are 390 KB, all else a few; the script prints what is left running on any host.
TEST_F(HostsTest, AFullDiskOfRank0EndsAllWithOneLine) {
  const std::string script = fmt::format(
      "mkdir small && mount -t tmpfs -o size=100k small small\n"
      "'{}' --host host1:2,host2:1 '{}' \"$@\"\n"
      "code=$?\n"
      "for host in host1 host2; do ip netns pids $host | xargs -rI X readlink /proc/X/exe; done\n"
      "exit $code",
      LOCKSTEP_MPIEXEC, LOCKSTEP_PROGRAM);
  const Outcome outcome =
      start_hosts(Words{LOCKSTEP_HOSTS, "2", "bash", "-c", script, "sh"} + large_training("small/run"));
  expect_one_line(outcome, 2, "small/run/weights.safetensors: cannot be written (No space left on device)");
  EXPECT_EQ(outcome.out.find(LOCKSTEP_PROGRAM), std::string::npos) << outcome.out;
}

TEST_F(HostsTest, EvaluateAndVerifyAsOneDoes) {
  ASSERT_EQ(run_lockstep(0, large_training("run"), folder_).exit_code, 0);
  const Words evaluate = {"evaluate", "--weights", "run/weights.safetensors", "--data.source", "blobs"};
  const Outcome alone = run_lockstep(0, evaluate, folder_);
  ASSERT_EQ(alone.exit_code, 0) << alone.err;
  const Outcome outcome = lockstep_on_hosts(kTwoHosts, evaluate);
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(outcome.out, alone.out);

  const Outcome verified =
      lockstep_on_hosts({.ranks = {2, 2}, .by = "node"},
                        {"verify", "--data.source", "blobs", "--model.layers", "linear 200, relu, linear 4"});
  EXPECT_EQ(verified.exit_code, 0) << verified.err << verified.out;
}

TEST_F(HostsTest, SweepsHaveTheSameTableWithGroupsOverHosts) {
  const auto sweep = [](const std::string& run_dir, const std::string& groups) {
    Words words = small_training(run_dir);
    words[0] = "sweep";
    return words + Words{"--sweep", "optimizer.learning-rate=0.01,0.1,0.2", "--groups", groups};
  };
  const auto table = [&](const std::string& run_dir) {
    std::ifstream file(folder_.path() / run_dir / "table.csv");
    return std::string(std::istreambuf_iterator<char>(file), {});
  };
  const Outcome outcome = lockstep_on_hosts({.ranks = {2, 2}, .by = "node"}, sweep("hosts", "2"));
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err << outcome.out;
  EXPECT_EQ(run_lockstep(0, sweep("one", "1"), folder_).exit_code, 0);
  EXPECT_EQ(lines_of(table("hosts")).size(), 4U);
  EXPECT_EQ(table("hosts"), table("one"));
}

TEST_F(HostsTest, BenchTellsTheExchangeOfEachNode) {
  const Outcome outcome =
      lockstep_on_hosts({.ranks = {2, 1}}, {"bench", "--data.source", "blobs", "--model.layers",
                                            "linear 300, relu, linear 4", "--rounds", "3", "--json"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  const auto nodes = nlohmann::json::parse(outcome.out).at("nodes");
  ASSERT_EQ(nodes.size(), 2U);
  EXPECT_EQ(nodes[0].at("host"), "host1");
  EXPECT_EQ(nodes[0].at("ranks"), 2);
  EXPECT_EQ(nodes[1].at("host"), "host2");
  for (const auto& node : nodes) {
    EXPECT_GT(node.at("exposed_exchange_seconds"), node.at("waiting_seconds"));
    EXPECT_GE(node.at("overlapped_exchange_seconds"), 0);
  }
}

// 2 (H - 1) / H times 4 bytes for each of 20 · 300 + 300 + 300 · 4 + 4 parameters.
TEST_F(HostsTest, BenchTellsWhatANodeSends) {
  const auto step_with = [&](const std::string& compression) {
    const Outcome outcome = lockstep_on_hosts(
        {.ranks = {1, 1}}, {"bench", "--data.source", "blobs", "--model.layers", "linear 300, relu, linear 4",
                            "--rounds", "3", "--json", "--train.compression", compression});
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    return nlohmann::json::parse(outcome.out).at("step");
  };
  const nlohmann::json plain = step_with("off");
  constexpr double kBytes = 4 * 7504;
  EXPECT_EQ(plain.at("node_sent_bytes"), kBytes);
  EXPECT_EQ(plain.at("is_compressed"), false);
  const nlohmann::json compressed = step_with("on");
  EXPECT_EQ(compressed.at("is_compressed"), true);
  EXPECT_LT(compressed.at("node_sent_bytes"), 0.9 * kBytes);
  EXPECT_GT(compressed.at("node_sent_bytes"), 0.2 * kBytes);
}

// One rank and both of the first host, then two hosts and three; all are one machine, whose cores they share.
TEST_F(HostsTest, AreMeasuredInTurnByTheStudyOfScaling) {
  Words words = small_training("run");
  words[0] = "study";
  words.insert(words.begin() + 1, "scaling");
  const Outcome outcome = lockstep_on_hosts(
      {.ranks = {2, 1, 2}, .by = "node"},
      words + Words{"--rounds", "1", "--batches", "16", "--rank-batch", "8", "--train.compression", "off"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(outcome.err, "");
  std::map<int, int> nodes;
  for (const nlohmann::json& line : metrics(folder_, "run", "scaling")) {
    const int ranks = line.at("ranks");
    nodes[ranks] = line.at("nodes");
    EXPECT_DOUBLE_EQ(line.at("ranks_a_core"),
                     std::max(1.0, static_cast<double>(ranks) / std::thread::hardware_concurrency()));
  }
  EXPECT_EQ(nodes, (std::map<int, int>{{1, 1}, {2, 1}, {3, 2}, {5, 3}}));
  EXPECT_EQ(metrics(folder_, "run", "step_model").at(0).at("compressed"), 1);
  EXPECT_EQ(metrics(folder_, "run", "message").size(), 2U);
  const auto from_two = metrics(folder_, "run", "from_two_nodes");
  EXPECT_FALSE(from_two.empty());
  for (const nlohmann::json& line : from_two) EXPECT_EQ(line.at("ranks"), 5);
  const nlohmann::json model = metrics(folder_, "run", "step_model").at(0);
  EXPECT_EQ(model.at("node_ranks"), 2);
  EXPECT_GT(model.at("link_message_seconds").get<double>() + model.at("link_byte_seconds").get<double>(), 0);
}

// The launcher's number, though host 1's ranks stand next to each other inside: of four ranks dealt out by
// node, rank 1 is the first of host 2.
TEST_F(HostsTest, AreNamedWithTheLaunchersRanks) {
  const std::string program = fmt::format(
      "seed=1; [ \"${{OMPI_COMM_WORLD_RANK}}\" = 1 ] && seed=2; exec '{}' \"$@\" --train.seed $seed",
      LOCKSTEP_PROGRAM);
  const Outcome outcome =
      on_hosts({.ranks = {2, 2}, .by = "node"}, Words{"sh", "-c", program, "sh"} + small_training("run"));
  expect_one_line(outcome, 2, "seed is 2 on rank 1 (host2), 1 elsewhere");
}

/// A fault on one of several hosts, as hosts.sh does it; what is said of it; what is not said.
struct HostFault {
  std::string name;
  std::string action;
  std::map<std::string, int> lines;  // and how many there may be
  std::string other_line;
  bool is_always_told = true;
};

int count_of(const std::string& fragment, const std::string& text) {
  int count = 0;
  for (std::size_t at = text.find(fragment); at != std::string::npos; at = text.find(fragment, at + 1))
    ++count;
  return count;
}

class FaultOfAHost : public HostsTest, public testing::WithParamInterface<HostFault> {};

// One line names the host; the run goes on where hosts answer, and comes to the same weights.
TEST_P(FaultOfAHost, IsNamedAndGoneThrough) {
  const Words settings = {"--train.steps", "2000", "--run.timeout", "3"};
  ASSERT_EQ(run_lockstep(0, long_training("undisturbed") + settings, folder_).exit_code, 0);
  folder_.write("hosts", "host1 slots=2\nhost2 slots=2  # is lost\n\nhost3 slots=1");
  const std::string script = fmt::format(
      "'{}' --hosts hosts --program '{}' \"$@\" & run=$!\n"
      "until compgen -G 'run/checkpoints/step-*.safetensors' >/dev/null; do sleep 0.05; done\n"
      "'{}' {}\n"
      "wait $run",
      LOCKSTEP_SUPERVISE, LOCKSTEP_PROGRAM, LOCKSTEP_HOSTS, GetParam().action);
  Words train = long_training("run") + settings;
  train[0] = "supervise";  // the name of the script
  Process process(Words{LOCKSTEP_HOSTS, "3", "bash", "-c", script} + train, folder_.path());
  const Outcome outcome = process.wait(90);
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  for (const auto& [line, most] : GetParam().lines) {
    EXPECT_GE(count_of(line, outcome.err), GetParam().is_always_told ? 1 : 0) << outcome.err;
    EXPECT_LE(count_of(line, outcome.err), most) << outcome.err;
  }
  EXPECT_EQ(count_of(GetParam().other_line, outcome.err), 0) << outcome.err;
  EXPECT_EQ(metrics(folder_, "run", "resume").size(), 1U) << outcome.err;
  EXPECT_EQ(digest("run"), digest("undisturbed"));
}

// Of what stands still there is a warning before the end.
const std::string kSilent = "lockstep: no sign of life from ";
const std::string kEnds = "the timeout of 3 s ends the run; ";

INSTANTIATE_TEST_SUITE_P(
    Faults, FaultOfAHost,
    testing::Values(
        HostFault{"itsLinkGoesDown",
                  "cut 2",
                  {{kSilent + "host2 for ", 2}, {kEnds, 1}, {"supervise.sh: no answer from host2", 1}},
                  "is gone"},
        HostFault{"oneHostHearsItNoMore", "mute 2 3 4", {{kSilent + "host2 for ", 1}, {kEnds, 1}}, "is gone"},
        HostFault{"itStandsStill", "stop 2", {{kSilent + "host2 for ", 2}, {kEnds, 1}}, "is gone"},
        HostFault{"itsRanksAreKilled",
                  "kill 2 '" LOCKSTEP_PROGRAM "'",
                  {{" is gone; ", 1}, {" on host2", 1}},
                  kEnds,
                  !LOCKSTEP_OPEN_MPI_5},  // its ranks may abort as soon as the connection is closed
        HostFault{"itsLastRankIsKilled",
                  "signal-rank KILL 3 '" LOCKSTEP_PROGRAM "'",
                  {{" on host2) is gone; it had finished step ", 1}, {"is gone", 1}},
                  kEnds},
        HostFault{"itsFirstRankIsStopped",
                  "signal-rank STOP 2 '" LOCKSTEP_PROGRAM "'",
                  {{": nothing done for ", 2}, {kEnds, 1}},
                  kSilent}),
    [](const auto& fault) { return fault.param.name; });

}  // namespace
}  // namespace lockstep::test
