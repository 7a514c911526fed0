#pragma once

#include <string>
#include <string_view>

#include "lockstep/core/index.hpp"

namespace lockstep {

/// Refuses a table that has decimal points and decimal commas: one of them separates thousands.
class DecimalMarks {
 public:
  /// Takes the next number of `file`, which stands in `line`. Errors: see above.
  void add(const std::string& file, std::string_view number, Index line);

 private:
  struct Seen {
    Index line = 0;
    std::string number = {};
  };
  Seen comma_;
  Seen point_;
};

}  // namespace lockstep
