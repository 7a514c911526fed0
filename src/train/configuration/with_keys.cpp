#include "lockstep/train/with_keys.hpp"

#include <functional>
#include <map>

#include "lockstep/train/config.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

namespace {

/// The keys by their names without the section, those of names that several sections have left out.
std::map<std::string, std::string, std::less<>> keys_by_name() {
  std::map<std::string, std::string, std::less<>> keys;
  for (const SettingHelp& setting : setting_help()) {
    const auto [entry, is_new] = keys.emplace(setting.key.substr(setting.key.find('.') + 1), setting.key);
    if (!is_new) entry->second.clear();
  }
  std::erase_if(keys, [](const auto& entry) { return entry.second.empty(); });
  return keys;
}

/// The key of the option called `name`, or null.
const std::string* find_key(std::string_view name) {
  static const auto keys = keys_by_name();
  const auto found = keys.find(name);
  return found == keys.end() ? nullptr : &found->second;
}

/// Whether what reaches from `first` to `last` is a word, and no part of a longer one, such as the name of a
/// file.
bool is_word(std::string_view text, std::size_t first, std::size_t last) {
  const std::string_view rest = text.substr(last + 1);
  const bool begins = first == 0 || text[first - 1] == ' ' || text[first - 1] == '(';
  const bool ends_sentence = rest == "." || rest.starts_with(". ");
  return begins && (rest.empty() || ends_sentence || rest.find_first_of(" ,;:)") == 0);
}

}  // namespace

std::string with_keys(std::string_view message) {
  std::string text;
  std::size_t done = 0;
  for (std::size_t open = message.find('`'); open != std::string_view::npos;
       open = message.find('`', open + 1)) {
    const std::size_t close = message.find('`', open + 1);
    if (close == std::string_view::npos) break;
    const std::string* const key = find_key(message.substr(open + 1, close - open - 1));
    if (key == nullptr || !is_word(message, open, close)) continue;
    text.append(message.substr(done, open - done)).append(*key);
    done = close + 1;
    open = close;
  }
  return text.append(message.substr(done));
}

}  // namespace lockstep::inline LOCKSTEP_REAL
