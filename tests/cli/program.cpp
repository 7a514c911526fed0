#include "program.hpp"

#include <algorithm>
#include <fstream>
#include <sstream>
#include <utility>

#include <gtest/gtest.h>

namespace lockstep::test {

namespace fs = std::filesystem;

std::string study_ok(int ranks, const Words& words, const TemporaryFolder& folder) {
  const Outcome outcome = run_lockstep(ranks, Words{"study", "--run.dir", "study"} + words, folder);
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(outcome.err, "");
  return outcome.out;
}

Words operator+(Words a, const Words& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

namespace {

Words on_ranks(int ranks, const Words& words) {
  return Words{LOCKSTEP_MPIEXEC, LOCKSTEP_MPIEXEC_NUMPROC_FLAG, std::to_string(ranks)} + words;
}

/// `words` as a shell reads them.
std::string quoted(const Words& words) {
  std::string text;
  for (const std::string& word : words) {
    text += " '";
    for (const char c : word) text += c == '\'' ? std::string("'\\''") : std::string(1, c);
    text += "'";
  }
  return text;
}

}  // namespace

std::string one_line(const Words& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

Words command_line(int ranks, const Words& words) {
  const Words program = Words{LOCKSTEP_PROGRAM} + words;
  return ranks == 0 ? program : on_ranks(ranks, program);
}

// Each rank's shell chooses: mpirun's own way, "others : last", is broken in Debian 13's.
Words command_line(int ranks, const Words& others, const Words& last) {
  const std::string is_last = "[ \"$OMPI_COMM_WORLD_RANK\" = " + std::to_string(ranks - 1) + " ]";
  return on_ranks(
      ranks, {"sh", "-c", "if " + is_last + "; then exec" + quoted(last) + "; fi; exec" + quoted(others)});
}

Outcome run_lockstep(int ranks, const Words& words, const TemporaryFolder& folder, double seconds) {
  // After an error mpirun gives its ranks a second before and after SIGTERM, though they have ended. Here
  // nobody sends them a signal, and what a rank has to say it has said before its end.
  const Words at_once = {"env", "OMPI_MCA_odls_base_sigkill_timeout=0",
                         "PRTE_MCA_odls_base_sigkill_timeout=0"};
  Process process(at_once + command_line(ranks, words), folder.path());
  Outcome outcome = process.wait(seconds);
  EXPECT_FALSE(outcome.timed_out) << "still running after " << seconds << " seconds on " << ranks << " ranks";
  return outcome;
}

Words small_training(const std::string& run_dir) {
  return {"train",
          "--run.dir",
          run_dir,
          "--data.source",
          "blobs",
          "--data.samples",
          "90",
          "--model.layers",
          "linear 8, relu, dropout 0.2, linear 4",
          "--train.batch-size",
          "32",
          "--train.epochs",
          "2",
          "--optimizer.momentum",
          "0.9"};
}

std::vector<std::string> lines_of(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

std::vector<nlohmann::json> metrics(const TemporaryFolder& folder, const std::string& run_dir,
                                    const std::string& event) {
  std::ifstream file(folder.path() / run_dir / "metrics.jsonl");
  std::vector<nlohmann::json> found;
  for (std::string line; std::getline(file, line);) {
    nlohmann::json json = nlohmann::json::parse(line);
    json.erase("time");  // of no two runs the same
    if (event.empty() || json.at("event") == event) found.push_back(std::move(json));
  }
  return found;
}

std::vector<std::string> listing(const TemporaryFolder& folder) {
  std::vector<std::string> found;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(folder.path())) {
    const std::string size = entry.is_regular_file() ? std::to_string(entry.file_size()) : "folder";
    found.push_back(fs::relative(entry.path(), folder.path()).string() + " " + size);
  }
  std::sort(found.begin(), found.end());
  return found;
}

void expect_one_line(const Outcome& outcome, int exit_code, const std::string& fragment) {
  EXPECT_EQ(outcome.exit_code, exit_code) << outcome.err << outcome.out;
  EXPECT_TRUE(outcome.err.starts_with("lockstep: ")) << outcome.err;
  EXPECT_EQ(lines_of(outcome.err).size(), 1U) << outcome.err;
  EXPECT_NE(outcome.err.find(fragment), std::string::npos) << outcome.err << "without '" << fragment << "'";
}

}  // namespace lockstep::test
