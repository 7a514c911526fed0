#pragma once

#include <filesystem>
#include <string>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "temporary_folder.hpp"

namespace lockstep::test {

using Json = nlohmann::ordered_json;

inline const std::string kStartLine =
    R"({"event":"start","version":"0.1.0","world_size":2,"cpu":"Z80","libraries":["A 1","B 2"],"threads":1,)"
    R"("micro_batches":8,"parameters":42,"training_samples":640})"
    "\n";
inline const std::string kEndLine =
    R"({"event":"end","steps":2,"samples_per_second":900.0,"weights_digest":"d1637"})"
    "\n";
inline const std::string kConfig =
    "[data]\nsource = blobs\n\n[train]\nbatch-size = 32\nseed = 7\n\n[optimizer]\nname = adam\n"
    "learning-rate = 1e-3\n";

/// A `step` line, `extra` included as it is.
inline std::string step_line(int step, double epoch, const std::string& loss, const std::string& extra = "") {
  return fmt::format(
      R"({{"event":"step","step":{},"epoch":{},"loss":{},"learning_rate":{},"gradient_norm":{},)"
      R"("samples_per_second":{}{}}})"
      "\n",
      step, epoch, loss, 0.5 * step, 0.25 * step, 100 * step, extra);
}

/// An `evaluation` line; `rest` holds loss, and accuracy if any.
inline std::string evaluation_line(const std::string& part, double epoch, int step, const std::string& rest) {
  return fmt::format(R"({{"event":"evaluation","part":"{}","epoch":{},"step":{},"samples":100,{}}})"
                     "\n",
                     part, epoch, step, rest);
}

/// Writes the run directory `name` in `folder`.
inline std::filesystem::path write_run(const TemporaryFolder& folder, const std::string& name,
                                       const std::string& metrics, const std::string& config = kConfig) {
  std::filesystem::create_directories(folder.path() / name);
  folder.write(name + "/config.cfg", config);
  folder.write(name + "/metrics.jsonl", metrics);
  return folder.path() / name;
}

/// The section of `document` with this title; null where there is none.
inline Json section(const Json& document, const std::string& title) {
  for (const Json& one : document.at("sections")) {
    if (one.at("title") == title) return one;
  }
  return {};
}

/// The series of a chart with this name; a failure where there is none.
inline Json series(const Json& document, const std::string& chart, const std::string& name) {
  const Json found = section(document, chart);
  for (const Json& one : found.value("series", Json::array())) {
    if (one.at("name") == name) return one;
  }
  ADD_FAILURE() << "no series '" << name << "' in " << found.dump();
  return {{"x", Json::array()}, {"y", Json::array()}};
}

/// The value of a fact of one run; null where there is none.
inline Json fact(const Json& document, const std::string& name) {
  const Json facts = section(document, "Run");
  for (const Json& item : facts.at("items")) {
    if (item.at("name") == name) return item.at("value");
  }
  return {};
}

}  // namespace lockstep::test
