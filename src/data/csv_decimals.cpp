#include "data/csv_decimals.hpp"

#include "core/text.hpp"
#include "lockstep/core/error.hpp"

namespace lockstep {

void DecimalMarks::add(const std::string& file, std::string_view number, Index line) {
  const bool has_comma = number.find(',') != std::string_view::npos;
  if (!has_comma && number.find('.') == std::string_view::npos) return;
  Seen& seen = has_comma ? comma_ : point_;
  const Seen& other = has_comma ? point_ : comma_;
  if (seen.line == 0) seen = {line, std::string(trim(number))};
  if (other.line == 0) return;
  fail_input(
      "{}: a decimal comma in line {} ('{}'), and a decimal point in line {} ('{}'); expected one of them "
      "in the whole file, and no separators of thousands; columns that hold no numbers belong into "
      "`categories` or "
      "`ignore`",
      file, comma_.line, comma_.number, point_.line, point_.number);
}

}  // namespace lockstep
