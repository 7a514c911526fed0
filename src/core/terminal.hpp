#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace lockstep {

/// What a person sees of a standard stream; under mpirun, where that of mpirun itself goes, which gives its
/// processes a pseudo-terminal even where its own output is a file. Asked for once. Local.
struct Terminal {
  bool is_one = false;  ///< a terminal on which lines can be renewed; false with TERM=dumb, or without TERM
  bool has_colours = false;  ///< false where NO_COLOR is set (no-color.org)

  /// `descriptor`: STDOUT_FILENO or STDERR_FILENO.
  static Terminal of(int descriptor);
};

/// The columns of the terminal at standard output as it is now; 80 where it does not tell.
std::size_t terminal_columns();

/// What takes away the line that has been begun, and moves to its start.
inline constexpr std::string_view kClearLine = "\r\x1b[K";

/// `line` with its label in bold: "lockstep:" at the front of what should worry, in red; the word in the
/// first of several columns; "epoch 3:".
std::string with_colours(std::string_view line);

/// `text` as far as it fits into `columns`, one for each character of UTF-8.
std::string_view cut_to(std::string_view text, std::size_t columns);

}  // namespace lockstep
