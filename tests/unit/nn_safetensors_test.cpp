#include <cstdint>
#include <cstring>
#include <filesystem>
#include <iterator>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "core/file.hpp"
#include "data_helpers.hpp"
#include "lockstep/nn/safetensors.hpp"
#include "temporary_folder.hpp"

namespace lockstep {
namespace {

using test::is_bad_input;
using test::TemporaryFolder;

std::vector<std::byte> bytes_of(std::string_view text) {
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

StoredTensors sample() {
  return {.metadata = {{"format", "pt"}, {"quote", "a \"b\" ü \n"}},
          .tensors = {{"10.weight", "F32", {2, 3}, bytes_of("abcdefghijklmnopqrstuvwx")},
                      {"0.bias", "F64", {1}, bytes_of("12345678")},
                      {"scalar", "U8", {}, bytes_of("z")},
                      {"empty", "F32", {0, 4}, {}}}};
}

void write(const std::filesystem::path& file, const StoredTensors& content) {
  write_safetensors(file, content.metadata, views(content.tensors));
}

/// A file of this header and data, as the format's specification says.
std::string file_of(std::string_view header, std::string_view data, std::uint64_t length) {
  std::string bytes(sizeof length, '\0');
  std::memcpy(bytes.data(), &length, sizeof length);
  return bytes.append(header).append(data);
}
std::string file_of(std::string_view header, std::string_view data) {
  return file_of(header, data, header.size());
}

TEST(Safetensors, ReadsWhatTheSpecificationDescribes) {
  const TemporaryFolder folder;
  const std::string header =
      R"({"b":{"dtype":"F32","shape":[1],"data_offsets":[2,6]},"__metadata__":{"k":"v"},)"
      R"("a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}   )";
  const StoredTensors read = read_safetensors(folder.write("x", file_of(header, "xyabcd")));
  ASSERT_EQ(read.tensors.size(), 2U);
  EXPECT_EQ(read.metadata, (std::map<std::string, std::string>{{"k", "v"}}));
  EXPECT_EQ(read.tensors[0].name, "a");
  EXPECT_EQ(read.tensors[0].type, "U8");
  EXPECT_EQ(read.tensors[0].shape, (std::vector<Index>{2}));
  EXPECT_EQ(read.tensors[0].data, bytes_of("xy"));
  EXPECT_EQ(read.tensors[1].name, "b");
  EXPECT_EQ(read.tensors[1].data, bytes_of("abcd"));
}

TEST(Safetensors, ComeBackAsTheyWereWritten) {
  const TemporaryFolder folder;
  const StoredTensors written = sample();
  write(folder.path() / "x", written);
  const StoredTensors read = read_safetensors(folder.path() / "x");
  EXPECT_EQ(read.metadata, written.metadata);
  ASSERT_EQ(read.tensors.size(), written.tensors.size());
  for (std::size_t i = 0; i < read.tensors.size(); ++i) {
    EXPECT_EQ(read.tensors[i].name, written.tensors[i].name);
    EXPECT_EQ(read.tensors[i].type, written.tensors[i].type);
    EXPECT_EQ(read.tensors[i].shape, written.tensors[i].shape);
    EXPECT_EQ(read.tensors[i].data, written.tensors[i].data);
  }
  EXPECT_EQ(digest(views(read.tensors)), digest(views(written.tensors)));
}

TEST(Safetensors, DataStartsAligned) {
  const TemporaryFolder folder;
  for (const char* name : {"a", "ab", "abcdef", "abcdefgh"}) {
    write(folder.path() / name, {{}, {{name, "F32", {1}, bytes_of("data")}}});
    EXPECT_EQ((read_file(folder.path() / name).size() - 4) % 8, 0U) << name;
  }
}

TEST(Safetensors, CutAtAnyPlaceAreRefused) {
  const TemporaryFolder folder;
  write(folder.path() / "whole", sample());
  const auto whole = read_file(folder.path() / "whole");
  const std::string_view text(reinterpret_cast<const char*>(whole.data()), whole.size());
  for (std::size_t length = 0; length < whole.size(); ++length) {
    const auto file = folder.write("cut", text.substr(0, length));
    EXPECT_TRUE(is_bad_input([&] { read_safetensors(file); }, {"cut: not a safetensors file"})) << length;
  }
}

TEST(Safetensors, WithABitTurnedNeverCrash) {
  const TemporaryFolder folder;
  write(folder.path() / "whole", sample());
  const auto whole = read_file(folder.path() / "whole");
  const std::string text(reinterpret_cast<const char*>(whole.data()), whole.size());
  for (std::size_t position = 0; position < text.size(); ++position) {
    std::string damaged = text;
    damaged[position] = static_cast<char>(damaged[position] ^ (1 << (position % 8)));
    const auto file = folder.write("damaged", damaged);
    // Some changes, in a name for one, leave a file that is in order.
    try {
      read_safetensors(file);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::kBadInput) << error.what();
    }
  }
}

struct Damage {
  std::string what;
  std::string content;
};

std::string entry(const std::string& fields) { return "{\"t\":{" + fields + "}}"; }

TEST(Safetensors, WithDamageAreRefused) {
  const std::string f32 = R"("dtype":"F32",)";
  const std::string two =
      R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[2],"data_offsets":)";
  const std::string deep = std::string(100000, '[');
  const std::vector<Damage> table = {
      {"a header length beyond the file", file_of("{}", "", 3)},
      {"the largest header length", file_of("{}", "", ~std::uint64_t{0})},
      {"a header length that wraps", file_of("{}", "", ~std::uint64_t{0} - 7)},
      {"no header", file_of("", "")},
      {"text", "this is a text and no safetensors file at all"},
      {"a header that is a list", file_of("[1, 2]", "")},
      {"a header that is a number", file_of("1", "")},
      {"a header that is null", file_of("null", "")},
      {"a header that is no JSON", file_of("{\"t\":", "")},
      {"a header that is no UTF-8", file_of("{\"\xff\xfe\":1}", "")},
      {"a header of brackets", file_of(deep, "")},
      {"a tensor that is a number", file_of("{\"t\":1}", "")},
      {"metadata that are no texts", file_of(R"({"__metadata__":{"a":1}})", "")},
      {"metadata that are a list", file_of(R"({"__metadata__":[]})", "")},
      {"no type", file_of(entry(R"("shape":[1],"data_offsets":[0,4])"), "abcd")},
      {"no shape", file_of(entry(f32 + R"("data_offsets":[0,4])"), "abcd")},
      {"no offsets", file_of(entry(f32 + R"("shape":[1])"), "abcd")},
      {"an unknown type", file_of(entry(R"("dtype":"F33","shape":[1],"data_offsets":[0,4])"), "abcd")},
      {"a type that is a number", file_of(entry(R"("dtype":32,"shape":[1],"data_offsets":[0,4])"), "abcd")},
      {"another type's size", file_of(entry(R"("dtype":"F64","shape":[1],"data_offsets":[0,4])"), "abcd")},
      {"one offset", file_of(entry(f32 + R"("shape":[1],"data_offsets":[4])"), "abcd")},
      {"three offsets", file_of(entry(f32 + R"("shape":[1],"data_offsets":[0,4,4])"), "abcd")},
      {"offsets in text", file_of(entry(f32 + R"("shape":[1],"data_offsets":["0","4"])"), "abcd")},
      {"offsets that fall", file_of(entry(f32 + R"("shape":[1],"data_offsets":[4,0])"), "abcd")},
      {"negative offsets", file_of(entry(f32 + R"("shape":[1],"data_offsets":[-4,0])"), "abcd")},
      {"offsets beyond the file", file_of(entry(f32 + R"("shape":[2],"data_offsets":[0,8])"), "abcd")},
      {"a first byte of nobody", file_of(entry(f32 + R"("shape":[1],"data_offsets":[1,5])"), "abcde")},
      {"bytes after the last", file_of(entry(f32 + R"("shape":[1],"data_offsets":[0,4])"), "abcde")},
      {"data without tensors", file_of("{}", "abcd")},
      {"tensors that overlap", file_of(two + "[1,3]}}", "abc")},
      {"the same place twice", file_of(two + "[0,2]}}", "ab")},
      {"a gap between tensors", file_of(two + "[3,5]}}", "abcde")},
      {"a shape of other size", file_of(entry(f32 + R"("shape":[2],"data_offsets":[0,4])"), "abcd")},
      {"a shape in text", file_of(entry(f32 + R"("shape":"1","data_offsets":[0,4])"), "abcd")},
      {"a negative extent", file_of(entry(f32 + R"("shape":[-1],"data_offsets":[0,4])"), "abcd")},
      {"two negative extents", file_of(entry(f32 + R"("shape":[-1,-1],"data_offsets":[0,4])"), "abcd")},
      {"a broken extent", file_of(entry(f32 + R"("shape":[1.5],"data_offsets":[0,4])"), "abcd")},
      {"a negative extent of an empty tensor",
       file_of(entry(f32 + R"("shape":[0,-1],"data_offsets":[0,0])"), "")},
      // 2^32 · 2^32 · 4 = 2^66 and (2^62 + 1) · 4 = 4 in 64 bits.
      {"a shape that wraps to 0",
       file_of(entry(f32 + R"("shape":[4294967296,4294967296],"data_offsets":[0,0])"), "")},
      {"a shape that wraps to its size",
       file_of(entry(f32 + R"("shape":[4611686018427387905],"data_offsets":[0,4])"), "abcd")},
  };
  const TemporaryFolder folder;
  for (const Damage& damage : table) {
    const auto file = folder.write("damaged", damage.content);
    EXPECT_TRUE(is_bad_input([&] { read_safetensors(file); }, {"damaged: not a safetensors file"}))
        << damage.what;
  }
}

TEST(Safetensors, ThatAreNotThereAreRefused) {
  const TemporaryFolder folder;
  EXPECT_TRUE(is_bad_input([&] { read_safetensors(folder.path() / "none"); }, {"none", "cannot be read"}));
  EXPECT_TRUE(is_bad_input([&] { read_safetensors(folder.path()); }, {"folder"}));
}

std::size_t entries(const std::filesystem::path& folder) {
  return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder), {}));
}

TEST(Safetensors, ThatCannotBeWrittenLeaveNothing) {
  const TemporaryFolder folder;
  EXPECT_TRUE(
      is_bad_input([&] { write(folder.path() / "none" / "x", sample()); }, {"none/x", "cannot be written"}));
  EXPECT_EQ(entries(folder.path()), 0U);

  // The bytes can be written, but a folder with content stands where the file should go.
  std::filesystem::create_directories(folder.path() / "x" / "y");
  EXPECT_TRUE(is_bad_input([&] { write(folder.path() / "x", sample()); }, {"cannot be written"}));
  EXPECT_EQ(entries(folder.path()), 1U);
}

TEST(Safetensors, ThatAreWrittenReplaceTheOldWithoutALeftover) {
  const TemporaryFolder folder;
  const auto file = folder.write("x", "old");
  write(file, sample());
  EXPECT_EQ(read_safetensors(file).tensors.size(), 4U);
  EXPECT_EQ(entries(folder.path()), 1U);
}

}  // namespace
}  // namespace lockstep
