#pragma once

#include <map>
#include <string>

#include "lockstep/train/config.hpp"

namespace lockstep::test {

/// Settings by their keys, as somebody writes them.
using Texts = std::map<std::string, std::string>;

inline Config config_of(const Texts& texts, const std::string& origin = "on the command line",
                        GivenBy by = GivenBy::kPerson) {
  std::map<std::string, GivenValue> given;
  for (const auto& [key, text] : texts) given[key] = {text, origin, by};
  return make_config(given);
}

/// `defaults` with `changes`, which win, but without what would have no effect beside those and so must not
/// be given.
inline Texts changed(Texts defaults, const Texts& changes) {
  for (const auto& [key, text] : changes) defaults[key] = text;
  if (is_path(defaults.at("data.source"))) {
    for (const char* const key : {"data.samples", "data.features", "data.classes"}) defaults.erase(key);
  }
  const auto reduction = defaults.find("train.reduction");
  if (reduction != defaults.end() && reduction->second == "fast") defaults.erase("train.micro-batches");
  return defaults;
}

}  // namespace lockstep::test
