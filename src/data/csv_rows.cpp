#include "data/csv_rows.hpp"

#include <algorithm>
#include <bit>
#include <csv.h>
#include <exception>
#include <new>
#include <system_error>
#include <utility>
#include <vector>

#include "data/byte_reader.hpp"
#include "data/csv_separator.hpp"
#include "lockstep/core/error.hpp"

namespace lockstep {

namespace fs = std::filesystem;

namespace {

using Visit = std::function<void(const CsvRow&)>;

constexpr std::size_t kChunk = std::size_t{1} << 18U;
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

bool is_continuation(char character) { return (static_cast<unsigned char>(character) & 0xC0U) == 0x80U; }

/// Whether every lead byte is followed by as many continuation bytes as it announces.
bool is_utf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto ones = static_cast<std::size_t>(std::countl_one(static_cast<unsigned char>(text[i])));
    const std::size_t size = ones == 0 ? 1 : ones;
    if (ones == 1 || ones > 4 || size > text.size() - i) return false;
    const std::string_view rest = text.substr(i + 1, size - 1);
    if (!std::all_of(rest.begin(), rest.end(), is_continuation)) return false;
    i += size;
  }
  return true;
}

/// Puts the fields that libcsv reports together into rows, and counts lines.
class RowCollector {
 public:
  RowCollector(std::string name, char separator, const Visit& visit)
      : name_(std::move(name)), separator_(separator), visit_(visit) {
    csv_init(&parser_, CSV_STRICT | CSV_STRICT_FINI | CSV_REPALL_NL);
    csv_set_delim(&parser_, static_cast<unsigned char>(separator));
  }
  ~RowCollector() { csv_free(&parser_); }
  RowCollector(const RowCollector&) = delete;
  RowCollector& operator=(const RowCollector&) = delete;

  void parse(std::string_view text) {
    const std::size_t parsed = csv_parse(&parser_, text.data(), text.size(), on_field, on_row, this);
    finish_call(parsed == text.size());
  }

  void finish() { finish_call(csv_fini(&parser_, on_field, on_row, this) == 0); }

 private:
  // No exception may pass through libcsv, which is C: it waits here until libcsv has returned.
  template <typename Action>
  void keep_exception(const Action& action) {
    if (exception_) return;
    try {
      action();
    } catch (...) {
      exception_ = std::current_exception();
    }
  }

  static void on_field(void* text, std::size_t size, void* self) {
    auto* collector = static_cast<RowCollector*>(self);
    collector->keep_exception([&] { collector->add_field({static_cast<const char*>(text), size}); });
  }

  static void on_row(int end, void* self) {
    auto* collector = static_cast<RowCollector*>(self);
    collector->keep_exception([&] { collector->end_row(end); });
  }

  void finish_call(bool complete) {
    if (exception_) std::rethrow_exception(exception_);
    if (!complete && csv_error(&parser_) == CSV_ENOMEM) throw std::bad_alloc();
    if (!complete) {
      fail_input("{}:{}: broken quotes; expected \"…\" around a whole field and \"\" for a quote in it",
                 name_, line_);
    }
  }

  void add_field(std::string_view field) {
    if (!is_utf8(field)) {
      fail_input("{}:{}: text that is not UTF-8; expected a CSV file in UTF-8; save it in that encoding",
                 name_, line_);
    }
    text_.append(field);
    ends_.push_back(text_.size());
    after_return_ = false;
    for (const char character : field) count_line_end(character, lines_in_fields_);
    after_return_ = false;
  }

  void end_row(int end) {
    if (!ends_.empty()) {
      fields_.clear();
      std::size_t begin = 0;
      for (const std::size_t field_end : ends_) {
        fields_.push_back(std::string_view(text_).substr(begin, field_end - begin));
        begin = field_end;
      }
      visit_({line_, fields_, separator_});
      text_.clear();
      ends_.clear();
    }
    line_ += lines_in_fields_;
    lines_in_fields_ = 0;
    count_line_end(end, line_);
  }

  /// CR LF is one end of a line.
  void count_line_end(int character, Index& count) {
    if (character == '\r' || (character == '\n' && !after_return_)) ++count;
    after_return_ = character == '\r';
  }

  std::string name_;
  char separator_;
  const Visit& visit_;
  csv_parser parser_{};
  std::exception_ptr exception_;
  std::string text_;               // the fields of the row, one after the other
  std::vector<std::size_t> ends_;  // of the fields in text_
  std::vector<std::string_view> fields_;
  Index line_ = 1;
  Index lines_in_fields_ = 0;
  bool after_return_ = false;
};

/// What a file that is no text is, as far as its first bytes say.
std::string_view kind_of_binary(std::string_view text) {
  using namespace std::string_view_literals;
  if (text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF")) {
    return "text in UTF-16; expected a CSV file in UTF-8; save it in that encoding";
  }
  if (text.starts_with("PK\x03\x04")) {
    return "a ZIP archive, as Excel's files are; expected a CSV file; unpack it, or export it as CSV";
  }
  if (text.starts_with("\0\0\x08"sv)) return "an IDX file; expected a CSV file; give the folder of IDX files";
  return "binary data; expected a CSV file: text in UTF-8, fields separated by commas";
}

}  // namespace

void for_each_csv_row(const fs::path& path, std::optional<char> separator, const Visit& visit) {
  std::error_code error;
  if (fs::is_directory(path, error)) fail_input("{}: a folder; expected a CSV file", path.string());
  ByteReader file(path, "a CSV file");
  std::optional<RowCollector> collector;
  std::vector<char> buffer(kChunk);
  while (true) {
    std::string_view text(buffer.data(), file.read(std::as_writable_bytes(std::span(buffer))));
    if (text.empty()) break;
    const bool first = !collector;
    const bool is_archive = first && text.starts_with("PK\x03\x04");
    if (is_archive || text.find('\0') != std::string_view::npos) {
      fail_input("{}: {}", file.name(), kind_of_binary(first ? text : ""));
    }
    if (first && text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
    if (first && text.size() > 5 && text.starts_with("sep=") && (text[5] == '\r' || text[5] == '\n')) {
      if (!separator) separator = text[4];  // as Excel writes it; the line that is left is empty
      text.remove_prefix(5);
    }
    if (first) {
      const bool is_whole = text.size() < kChunk / 2;
      collector.emplace(file.name(), separator.value_or(find_separator(text, is_whole)), visit);
    }
    collector->parse(text);
  }
  if (collector) collector->finish();
}

}  // namespace lockstep
