#include "train/run/event_file.hpp"

#include <cerrno>
#include <cstdint>
#include <ctime>
#include <fcntl.h>
#include <system_error>
#include <unistd.h>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/checksum.hpp"
#include "core/file.hpp"
#include "core/json.hpp"
#include "core/lines.hpp"
#include "core/protobuf.hpp"
#include "core/refusal.hpp"
#include "lockstep/core/error.hpp"
#include "lockstep/core/log.hpp"
#include "report/run_record.hpp"

namespace lockstep {

namespace fs = std::filesystem;

namespace {

using Json = nlohmann::ordered_json;

constexpr auto kEventFiles = "events.out.tfevents.";

// Fields of event.proto and summary.proto.
namespace event {
constexpr std::uint32_t kWallTime = 1;
constexpr std::uint32_t kStep = 2;
constexpr std::uint32_t kFileVersion = 3;
constexpr std::uint32_t kSummary = 5;
}  // namespace event
namespace summary {
constexpr std::uint32_t kValue = 1;
constexpr std::uint32_t kTag = 1;
constexpr std::uint32_t kSimpleValue = 2;
}  // namespace summary

std::string masked_checksum(std::string_view bytes) {
  const std::uint32_t crc = crc32c(bytes);
  return little_endian(((crc >> 15U) | (crc << 17U)) + 0xA282EAD8U);
}

void add_value(ProtobufMessage& made, const std::string& tag, double value) {
  made.add_message(summary::kValue, ProtobufMessage()
                                        .add_bytes(summary::kTag, tag)
                                        .add_float(summary::kSimpleValue, static_cast<float>(value)));
}

/// The numbers of `line`; nothing where it has none.
ProtobufMessage summary_of(const Json& line) {
  ProtobufMessage made;
  const Json kind = line.value("event", Json());
  if (kind == "step") {
    add_value(made, "loss/training", number(line, "loss"));
    for (const char* const name : {"learning_rate", "gradient_norm", "samples_per_second", "noise_scale"}) {
      if (line.contains(name)) add_value(made, name, number(line, name));
    }
  }
  if (kind == "evaluation") {
    const EvaluationRecord evaluation = evaluation_record(line);
    for (const auto& [name, value] : evaluation.values) {
      add_value(made, fmt::format("{}/{}", name, evaluation.part_word), value);
    }
  }
  return made;
}

/// Every file begins with it.
std::string version_record() {
  return framed(ProtobufMessage()
                    .add_double(event::kWallTime, static_cast<double>(std::time(nullptr)))
                    .add_bytes(event::kFileVersion, "brain.Event:2")
                    .bytes());
}

std::string records_of(std::string_view metrics) {
  std::string records = version_record();
  for_each_line(metrics, [&](std::string_view text, std::size_t /*number*/) {
    const Json line = parse_json_or_nothing<Json>(text);
    if (line.is_object()) records += event_record(line);
  });
  return records;
}

bool is_event_file(const fs::path& file) { return file.filename().string().starts_with(kEventFiles); }

}  // namespace

std::string framed(std::string_view data) {
  const std::string length = little_endian(std::uint64_t{data.size()});
  return length + masked_checksum(length) + std::string(data) + masked_checksum(data);
}

std::string event_record(const Json& line) {
  const ProtobufMessage values = summary_of(line);
  if (values.bytes().empty()) return "";
  return framed(ProtobufMessage()
                    .add_double(event::kWallTime, line.value("time", 0.0))
                    .add_number(event::kStep, line.at("step").get<std::int64_t>())
                    .add_message(event::kSummary, values)
                    .bytes());
}

EventFile::EventFile(const fs::path& folder, std::string_view metrics)
    : file_(folder / fmt::format("{}{:010}.lockstep", kEventFiles, std::time(nullptr))) {
  write_file(file_, records_of(metrics));
  descriptor_ = open(file_.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
  if (descriptor_ < 0) {
    fail_input("{}: cannot be written {}", file_.string(), because(errno, "check its permissions"));
  }
}

EventFile::~EventFile() { close(descriptor_); }

void EventFile::append(const Json& line) {
  if (append_whole(descriptor_, event_record(line), false) || std::exchange(warned_, true)) return;
  log::warn(fmt::format("lockstep: {}: cannot be written {}; the run goes on, numbers are lost there",
                        file_.string(), because(errno, "check the disk")));
}

void remove_event_files(const fs::path& folder) {
  std::error_code error;
  std::vector<fs::path> found;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, error)) {
    if (is_event_file(entry.path())) found.push_back(entry.path());
  }
  for (const fs::path& file : found) fs::remove(file, error);
}

}  // namespace lockstep
