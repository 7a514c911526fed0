#include "data/npy_header.hpp"

#include <algorithm>
#include <set>

#include "core/text.hpp"
#include "lockstep/core/error.hpp"

namespace lockstep {

namespace {

class NpyHeaderParser {
 public:
  NpyHeaderParser(const std::string& file, std::string_view text) : file_(file), text_(text), rest_(text) {}

  NpyHeader parse() {
    NpyHeader header;
    std::set<std::string> keys;
    expect('{');
    while (!take('}')) {
      const std::string key = quoted();
      if (!keys.insert(key).second) fail();
      expect(':');
      if (key == "descr") {
        header.type = type();
      } else if (key == "fortran_order") {
        header.fortran_order = truth();
      } else if (key == "shape") {
        header.sizes = sizes();
      } else {
        fail();
      }
      if (!take(',') && !is_next('}')) fail();
    }
    if (keys.size() != 3 || !trim(rest_).empty()) fail();
    return header;
  }

 private:
  [[noreturn]] void fail() const {
    constexpr std::size_t kMostShown = 100;
    fail_input(
        "{}: its header is '{}'; expected a dictionary of 'descr', 'fortran_order' and 'shape'; save the "
        "array again",
        file_, trim(text_.substr(0, kMostShown)));
  }

  void skip_space() { rest_.remove_prefix(std::min(rest_.find_first_not_of(" \n"), rest_.size())); }

  bool is_next(char character) {
    skip_space();
    return rest_.starts_with(character);
  }

  bool take(char character) {
    if (!is_next(character)) return false;
    rest_.remove_prefix(1);
    return true;
  }

  void expect(char character) {
    if (!take(character)) fail();
  }

  std::string quoted() {
    skip_space();
    if (rest_.empty() || (rest_.front() != '\'' && rest_.front() != '"')) fail();
    const std::size_t end = rest_.find(rest_.front(), 1);
    if (end == std::string_view::npos) fail();
    std::string result(rest_.substr(1, end - 1));
    rest_.remove_prefix(end + 1);
    return result;
  }

  std::string type() {
    if (is_next('[')) {
      fail_input("{}: an array of records; expected numbers of one type; save its columns as one array",
                 file_);
    }
    return quoted();
  }

  /// The characters up to one of `ends`.
  std::string_view word(std::string_view ends) {
    skip_space();
    const std::string_view result = rest_.substr(0, rest_.find_first_of(ends));
    rest_.remove_prefix(result.size());
    return trim(result);
  }

  bool truth() {
    const std::string_view value = word(",}");
    if (value != "True" && value != "False") fail();
    return value == "True";
  }

  std::vector<Index> sizes() {
    std::vector<Index> result;
    expect('(');
    while (!take(')')) {
      const auto size = parse_integer(word(",)"));
      if (!size || *size < 0) fail();
      result.push_back(*size);
      if (!take(',') && !is_next(')')) fail();
    }
    return result;
  }

  const std::string& file_;
  std::string_view text_;
  std::string_view rest_;
};

}  // namespace

NpyHeader parse_npy_header(const std::string& file, std::string_view text) {
  return NpyHeaderParser(file, text).parse();
}

}  // namespace lockstep
