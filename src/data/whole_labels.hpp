#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "lockstep/core/error.hpp"
#include "lockstep/data/dataset.hpp"

namespace lockstep {

/// Takes over labels that are the numbers of classes, of as many classes as content.description has, or,
/// where it has none yet, of the largest label + 1. Errors, with `file`: labels out of range.
template <typename Label>
void take_labels(const std::string& file, const std::vector<Label>& labels, DatasetContent& content) {
  Index& classes = content.description.classes;
  if (classes == 0) {
    const auto largest = static_cast<Index>(*std::max_element(labels.begin(), labels.end()));
    classes = std::clamp<Index>(largest, 0, kMostCategories - 1) + 1;
  }
  const auto wrong = std::find_if(labels.begin(), labels.end(), [&](Label label) {
    return static_cast<Index>(label) < 0 || static_cast<Index>(label) >= classes;
  });
  if (wrong != labels.end()) {
    fail_input(
        "{}: label {} of sample {} is out of range; expected 0 to {} for {} classes; is it the file "
        "of another data set?",
        file, *wrong, wrong - labels.begin(), classes - 1, classes);
  }
  content.labels.assign(labels.begin(), labels.end());
}

}  // namespace lockstep
