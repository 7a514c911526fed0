#include "long_run.hpp"

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <sys/stat.h>

#include <gtest/gtest.h>

namespace lockstep::test {

namespace fs = std::filesystem;

std::string content_of(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  EXPECT_TRUE(stream) << file;
  return {std::istreambuf_iterator<char>(stream), {}};
}

std::vector<nlohmann::json> what_was_computed(const TemporaryFolder& folder, const std::string& run_dir) {
  std::vector<nlohmann::json> lines = metrics(folder, run_dir);
  std::erase_if(lines, [](const auto& line) {
    const auto& event = line.at("event");
    return event == "start" || event == "resume" || event == "stop";
  });
  for (nlohmann::json& line : lines) {
    line.erase("seconds");
    line.erase("samples_per_second");
  }
  return lines;
}

Words long_training(const std::string& run_dir) {
  return {"train",
          "--run.dir",
          run_dir,
          "--data.source",
          "blobs",
          "--data.samples",
          "210",
          "--data.validation",
          "0.1",
          "--model.layers",
          "linear 400, relu, dropout 0.2, linear 4",
          "--train.batch-size",
          "8",
          "--train.micro-batches",
          "8",
          "--train.steps",
          "5000",
          "--optimizer.name",
          "adamw",
          "--optimizer.learning-rate",
          "0.05",
          "--optimizer.average",
          "0.9",
          "--checkpoint.every",
          "50"};
}

bool wait_for_step(const fs::path& run_dir, std::uint64_t step) {
  return wait_until(20, [&] {
    std::ifstream file(run_dir / "metrics.jsonl");
    return std::count(std::istreambuf_iterator<char>(file), {}, '\n') > static_cast<std::ptrdiff_t>(step);
  });
}

fs::path newest_checkpoint(const fs::path& run_dir) {
  fs::path newest;
  std::error_code error;
  for (fs::directory_iterator entry(run_dir / "checkpoints", error), end; !error && entry != end;
       entry.increment(error)) {
    if (entry->path().extension() == ".safetensors") newest = std::max(newest, entry->path());
  }
  return newest;
}

bool wait_for_checkpoint(const fs::path& run_dir, const fs::path& last) {
  return wait_until(20, [&] { return newest_checkpoint(run_dir) > last; });
}

std::vector<pid_t> ranks_of(pid_t launcher, const fs::path& folder) {
  std::vector<pid_t> found = processes_with(LOCKSTEP_PROGRAM);
  std::erase_if(found, [&](pid_t process) {
    std::error_code error;
    return process == launcher ||
           fs::read_symlink("/proc/" + std::to_string(process) + "/cwd", error) != folder;
  });
  return found;
}

bool is_running(const fs::path& run_dir) {
  struct stat status {};
  if (stat((run_dir / "metrics.jsonl").c_str(), &status) != 0) return false;
  // "1: OFDLCK ADVISORY  WRITE -1 08:01:123456 0 0": looked at, so that nobody finds a lock of this test.
  const std::string file = ":" + std::to_string(status.st_ino) + " ";
  std::ifstream locks("/proc/locks");
  for (std::string line; std::getline(locks, line);) {
    if (line.find("OFDLCK") != std::string::npos && line.find(file) != std::string::npos) return true;
  }
  return false;
}

std::string file_name_of(std::uint64_t step) {
  const std::string digits = std::to_string(step);
  return "step-" + std::string(9 - digits.size(), '0') + digits + ".safetensors";
}

void expect_same_metrics(const TemporaryFolder& folder, const std::string& run_dir) {
  if (!fs::exists(folder.path() / "undisturbed")) {
    const Outcome outcome =
        run_lockstep(0, long_training("undisturbed") + Words{"--checkpoint.every", "0"}, folder);
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  }
  const std::vector<nlohmann::json> expected = what_was_computed(folder, "undisturbed");
  const std::vector<nlohmann::json> found = what_was_computed(folder, run_dir);
  EXPECT_EQ(found.size(), expected.size());
  const auto [a, b] = std::mismatch(found.begin(), found.end(), expected.begin(), expected.end());
  if (a != found.end() && b != expected.end()) ADD_FAILURE() << *a << "\nin place of\n" << *b;
  EXPECT_TRUE(content_of(folder.path() / run_dir / "best.safetensors") ==
              content_of(folder.path() / "undisturbed/best.safetensors"));
}

}  // namespace lockstep::test
