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

/// What the labels say of the first line, if that was taken for a sample.
enum class FirstLabel {
  kOrdinary,
  kOnlyText,  ///< its label is no number, all others are
  kOnlyOnce   ///< its label is no number and occurs once, while others occur more often
};

/// Turns the texts of a label column into classes; for the rules see CsvOptions.
class LabelEncoder {
 public:
  /// The classes of the training file, or none to find them.
  explicit LabelEncoder(const std::optional<DatasetDescription>& training);

  /// Takes the label of the next sample. Why it cannot be one, or nothing.
  std::optional<std::string> add(std::string_view text);

  FirstLabel first_label() const;

  /// Fills labels, classes and class names. Why the labels cannot be told apart, or nothing.
  std::optional<std::string> finish(DatasetContent& content) &&;

 private:
  std::optional<std::string> add_known(const std::string& text);
  std::vector<std::string> texts() const;
  static std::optional<std::string> put_in_order(std::vector<std::string>& names);

  std::vector<std::string> class_names_;
  Index classes_;
  std::map<std::string, std::int32_t, std::less<>> codes_;  // of the texts, in the order they came
  std::vector<std::int32_t> labels_;                        // codes; of a known class the class itself
};

}  // namespace lockstep
