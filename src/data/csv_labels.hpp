#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lockstep/data/csv.hpp"

namespace lockstep {

/// Turns the texts of a label column into classes; for the rules see CsvOptions.
class LabelEncoder {
 public:
  /// The classes of the training file, or none to find them.
  LabelEncoder(const std::vector<std::string>& class_names, Index classes);

  /// Takes the label of the next sample. Why it cannot be one, or nothing.
  std::optional<std::string> add(std::string_view text);

  /// Fills labels, classes and class names.
  void finish(DatasetContent& content) &&;

 private:
  std::optional<std::string> add_known(std::string_view text);
  void number_by_value(std::vector<std::int32_t>& number, DatasetDescription& description) const;
  void number_by_order(std::vector<std::int32_t>& number, DatasetDescription& description) const;

  std::vector<std::string> class_names_;
  Index classes_;
  std::map<std::string, std::int32_t, std::less<>> codes_;  // of the texts, in the order they came
  std::vector<std::int32_t> labels_;                        // codes; of a known class the class itself
};

}  // namespace lockstep
