// Events for TensorBoard, read independently of what writes them.

#include <cmath>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "core/checksum.hpp"
#include "protobuf_reader.hpp"
#include "temporary_folder.hpp"
#include "train/run/event_file.hpp"
#include "train/run/run_directory.hpp"

namespace lockstep {
namespace {

namespace fs = std::filesystem;
using test::ReadMessage;
using test::TemporaryFolder;

// Of the processors with the smaller byte first that the tests run on.
template <typename T>
T value_of(std::string_view bytes) {
  T value{};
  if (bytes.size() < sizeof value) throw std::runtime_error("bytes that end early");
  std::memcpy(&value, bytes.data(), sizeof value);
  return value;
}

/// As the reader undoes it: TensorFlow's Unmask, tensorflow/core/lib/hash/crc32c.h.
std::uint32_t unmasked(std::uint32_t checksum) {
  const std::uint32_t rotated = checksum - 0xa282ead8U;
  return (rotated >> 17U) | (rotated << 15U);
}

std::vector<ReadMessage> events_of(std::string_view bytes) {
  std::vector<ReadMessage> events;
  while (!bytes.empty()) {
    const auto length = value_of<std::uint64_t>(bytes);
    EXPECT_EQ(unmasked(value_of<std::uint32_t>(bytes.substr(8))), crc32c(bytes.substr(0, 8)));
    const std::string_view data = bytes.substr(12, length);
    EXPECT_EQ(unmasked(value_of<std::uint32_t>(bytes.substr(12 + length))), crc32c(data));
    events.emplace_back(data);
    bytes.remove_prefix(16 + length);
  }
  return events;
}

/// By step and tag. A failure where one comes twice.
using Numbers = std::map<std::pair<std::int64_t, std::string>, float>;
Numbers numbers_of(const std::vector<ReadMessage>& events) {
  Numbers numbers;
  for (const ReadMessage& event : events) {
    for (const ReadMessage& summary : event.messages(5)) {
      for (const ReadMessage& value : summary.messages(1)) {
        const auto place = std::make_pair(event.number(2), value.text(1));
        EXPECT_TRUE(numbers.emplace(place, value_of<float>(value.text(2))).second) << place.second;
      }
    }
  }
  return numbers;
}

std::vector<fs::path> event_files(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    if (entry.path().filename().string().find("tfevents") != std::string::npos) files.push_back(entry);
  }
  return files;
}

/// Those of the one file in `folder`.
std::vector<ReadMessage> events_in(const fs::path& folder) {
  const std::vector<fs::path> files = event_files(folder);
  EXPECT_EQ(files.size(), 1U);
  std::ifstream stream(files.at(0));
  return events_of(std::string(std::istreambuf_iterator<char>(stream), {}));
}

nlohmann::ordered_json step_of(int step) {
  return {
      {"event", "step"},      {"step", step},          {"epoch", step / 2.0},         {"loss", 1.0 / step},
      {"learning_rate", 0.5}, {"gradient_norm", 0.25}, {"samples_per_second", 1000.0}};
}

TEST(EventFile, BeginsAsThoseOfTensorFlow) {
  const TemporaryFolder folder;
  { const EventFile file(folder.path(), ""); }
  std::ifstream stream(event_files(folder.path()).at(0));
  const std::string bytes(std::istreambuf_iterator<char>(stream), {});
  // The length 24 and its checksum, with which every such file begins, and the tag of the wall time.
  EXPECT_EQ(bytes.substr(0, 13), std::string("\x18\0\0\0\0\0\0\0\xa3\x7f\x4b\x22\x09", 13));
  const std::vector<ReadMessage> events = events_of(bytes);
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].text(3), "brain.Event:2");
}

TEST(EventFile, HoldsEveryNumberAtItsStepAndTime) {
  nlohmann::ordered_json step = step_of(4);
  step["noise_scale"] = 64.0;
  step["time"] = 1.5e9;
  const nlohmann::ordered_json evaluation = {
      {"event", "evaluation"}, {"part", "test"},  {"weights", "average"}, {"epoch", 2.0}, {"step", 4},
      {"samples", 9},          {"loss", nullptr}, {"accuracy", 0.75},     {"time", 1.5e9}};
  const std::vector<ReadMessage> of_step = events_of(event_record(step));
  ASSERT_EQ(of_step.size(), 1U);
  EXPECT_EQ(value_of<double>(of_step[0].text(1)), 1.5e9);
  const Numbers expected = {{{4, "loss/training"}, 0.25F},
                            {{4, "learning_rate"}, 0.5F},
                            {{4, "gradient_norm"}, 0.25F},
                            {{4, "samples_per_second"}, 1000.0F},
                            {{4, "noise_scale"}, 64.0F}};
  EXPECT_EQ(numbers_of(of_step), expected);
  const Numbers evaluated = numbers_of(events_of(event_record(evaluation)));
  ASSERT_EQ(evaluated.size(), 2U);
  EXPECT_EQ(evaluated.at({4, "accuracy/test_average"}), 0.75F);
  EXPECT_TRUE(std::isnan(evaluated.at({4, "loss/test_average"})));
  EXPECT_EQ(event_record({{"event", "start"}, {"threads", 1}}), "");
}

TEST(EventFile, OfARunThatGoesOnHasNoStepTwiceAndNoneTooFew) {
  const TemporaryFolder folder;
  const fs::path path = folder.path() / "run";
  {
    RunDirectory run(path);
    run.write_events();
    for (int step = 1; step <= 5; ++step) run.metric(step_of(step));
  }
  EXPECT_EQ(numbers_of(events_in(path)).size(), 5U * 4);
  {
    RunDirectory run(path, 3);
    run.write_events();
    for (int step = 4; step <= 6; ++step) run.metric(step_of(step));
  }
  const Numbers numbers = numbers_of(events_in(path));
  EXPECT_EQ(numbers.size(), 6U * 4);
  for (int step = 1; step <= 6; ++step) {
    EXPECT_EQ(numbers.at({step, "loss/training"}), static_cast<float>(1.0 / step));
  }
}

TEST(EventFile, DoesNotStayWhereARunGoesOnWithoutIt) {
  const TemporaryFolder folder;
  const fs::path path = folder.path() / "run";
  {
    RunDirectory run(path);
    run.write_events();
    run.metric(step_of(1));
  }
  { const RunDirectory run(path, 1); }
  EXPECT_TRUE(event_files(path).empty());
}

TEST(EventFile, LeavesOutALineThatIsNotWhole) {
  const TemporaryFolder folder;
  { const EventFile file(folder.path(), step_of(1).dump() + "\n" + step_of(2).dump().substr(0, 20)); }
  EXPECT_EQ(numbers_of(events_in(folder.path())).size(), 4U);
}

}  // namespace
}  // namespace lockstep
