#pragma once

#include <cstdint>
#include <cstring>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace lockstep::test {

/// The fields of a message of protocol buffers, by number: whole numbers, and what has a length. Read after
/// https://protobuf.dev/programming-guides/encoding, and not by what writes it.
class ReadMessage {
 public:
  explicit ReadMessage(std::string_view bytes) {
    while (!bytes.empty()) {
      const std::uint64_t tag = varint(bytes);
      const auto field = static_cast<int>(tag >> 3U);
      switch (tag & 7U) {
        case 0:
          numbers_[field].push_back(static_cast<std::int64_t>(varint(bytes)));
          break;
        case 1:
          texts_[field].emplace_back(take(bytes, 8));
          break;
        case 2:
          texts_[field].emplace_back(take(bytes, varint(bytes)));
          break;
        case 5:
          texts_[field].emplace_back(take(bytes, 4));
          break;
        default:
          throw std::runtime_error("a wire type that nothing here needs");
      }
    }
  }

  std::vector<std::int64_t> numbers(int field) const { return all(numbers_, field); }
  std::vector<std::string> texts(int field) const { return all(texts_, field); }
  std::int64_t number(int field) const { return numbers(field).at(0); }
  std::string text(int field) const { return texts(field).at(0); }
  std::vector<ReadMessage> messages(int field) const {
    std::vector<ReadMessage> messages;
    for (const std::string& text : texts(field)) messages.emplace_back(text);
    return messages;
  }
  ReadMessage message(int field) const { return messages(field).at(0); }

 private:
  static std::uint64_t varint(std::string_view& bytes) {
    std::uint64_t value = 0;
    for (unsigned shift = 0;; shift += 7) {
      const auto byte = static_cast<unsigned char>(take(bytes, 1).at(0));
      value |= std::uint64_t{byte & 127U} << shift;
      if (byte < 128) return value;
    }
  }
  static std::string_view take(std::string_view& bytes, std::size_t count) {
    if (count > bytes.size()) throw std::runtime_error("a message that ends early");
    const std::string_view taken = bytes.substr(0, count);
    bytes.remove_prefix(count);
    return taken;
  }
  template <typename Value>
  static std::vector<Value> all(const std::map<int, std::vector<Value>>& fields, int field) {
    const auto found = fields.find(field);
    return found == fields.end() ? std::vector<Value>() : found->second;
  }

  std::map<int, std::vector<std::int64_t>> numbers_;
  std::map<int, std::vector<std::string>> texts_;
};

template <typename Value>
std::vector<Value> values_of(const std::string& bytes) {
  std::vector<Value> values(bytes.size() / sizeof(Value));
  std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

}  // namespace lockstep::test
