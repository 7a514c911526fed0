// NPY files: headers as numpy.lib.format describes them, and what their arrays become.

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <limits>
#include <numeric>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "data_helpers.hpp"
#include "gzip.hpp"
#include "lockstep/data/arrays.hpp"
#include "lockstep/data/source.hpp"
#include "npy_files.hpp"
#include "temporary_folder.hpp"

namespace lockstep {
namespace {

using test::gzip;
using test::is_bad_input;
using test::npy;
using test::npy_of;
using test::raw;
using test::TemporaryFolder;
using testing::ElementsAre;
using testing::IsEmpty;

class Npy : public testing::Test {
 protected:
  void write(const std::string& x, const std::string& y) {
    folder_.write("x_train.npy", x);
    folder_.write("y_train.npy", y);
  }

  DatasetContent read(Task task = Task::kClassification, Part part = Part::kTraining, Index classes = 0) {
    return read_arrays(folder_.path(), part, task, classes);
  }

  testing::AssertionResult fails(const std::vector<std::string>& fragments,
                                 Task task = Task::kClassification) {
    return is_bad_input([&] { read(task); }, fragments);
  }

  /// With this x beside good labels of two samples.
  testing::AssertionResult x_fails(const std::string& x, const std::vector<std::string>& fragments) {
    write(x, npy("|u1", "(2,)", raw<std::uint8_t>({0, 1})));
    return fails(fragments);
  }

  /// With this y beside a good table of two samples.
  testing::AssertionResult y_fails(const std::string& y, const std::vector<std::string>& fragments,
                                   Task task = Task::kClassification) {
    write(npy("<f4", "(2, 1)", raw<float>({0, 1})), y);
    return fails(fragments, task);
  }

  TemporaryFolder folder_;
};

/// Adds `bytes` zeros, which take no room on the disk, and then `end`.
void add_zeros(const std::filesystem::path& file, std::uintmax_t bytes, const std::string& end) {
  std::filesystem::resize_file(file, std::filesystem::file_size(file) + bytes);
  std::ofstream(file, std::ios::app | std::ios::binary) << end;
}

/// Bytes of memory that are this process's own, not a file's.
std::uint64_t own_memory() {
  std::ifstream status("/proc/self/status");
  std::string word;
  while (status >> word && word != "RssAnon:") continue;
  std::uint64_t kilobytes = 0;
  status >> kilobytes;
  return kilobytes << 10U;
}

TEST_F(Npy, LargeArraysAreMapped) {
  constexpr std::uintmax_t kBytes = std::uintmax_t{1} << 28U;
  write(npy("|u1", "(4096, 65536)", ""), npy("|u1", "(4096,)", std::string(4096, '\1')));
  add_zeros(folder_.path() / "x_train.npy", kBytes - 2, "\7\11");
  const std::uint64_t before = own_memory();
  const Dataset data = make_dataset(read());
  EXPECT_EQ(data.bytes().size(), kBytes);
  EXPECT_EQ(data.bytes()[kBytes - 2], 7);
  EXPECT_EQ(data.bytes()[kBytes - 1], 9);
  EXPECT_EQ(std::ranges::count_if(data.bytes(), [](std::uint8_t byte) { return byte != 0; }), 2);
  EXPECT_LT(own_memory(), before + (kBytes >> 3U));
}

TEST_F(Npy, MappedNumbersAreLookedAt) {
  constexpr std::uintmax_t kBytes = std::uintmax_t{1} << 28U;
  const std::string y = npy("|u1", "(64,)", std::string(64, '\1'));
  write(npy("<f4", "(64, 1048576)", ""), y);
  add_zeros(folder_.path() / "x_train.npy", kBytes - 4, raw<float>({2.5}));
  const std::uint64_t before = own_memory();
  EXPECT_EQ(make_dataset(read()).values()[(kBytes >> 2U) - 1], 2.5F);
  EXPECT_LT(own_memory(), before + (kBytes >> 3U));
  write(npy("<f4", "(64, 1048576)", ""), y);
  add_zeros(folder_.path() / "x_train.npy", kBytes - 4, raw<float>({std::numeric_limits<float>::infinity()}));
  EXPECT_TRUE(fails({"x_train.npy: sample 63 has inf in column 1048575"}));
}

TEST_F(Npy, ReadsTables) {
  write(npy("<f4", "(2, 3)", raw<float>({1, -2, 0.5, 3, 4, 5})),
        npy("<i8", "(2,)", raw<std::int64_t>({2, 0})));
  const DatasetContent content = read();
  EXPECT_EQ(content.description.name, folder_.path().string());
  EXPECT_EQ(content.description.task, Task::kClassification);
  EXPECT_EQ(content.description.storage, Storage::kFloats);
  EXPECT_EQ(content.description.samples, 2);
  EXPECT_THAT(content.description.feature_shape, ElementsAre(3));
  EXPECT_EQ(content.description.classes, 3);
  EXPECT_THAT(content.values, ElementsAre(1, -2, 0.5, 3, 4, 5));
  EXPECT_THAT(content.labels, ElementsAre(2, 0));
  EXPECT_THAT(content.bytes, IsEmpty());
}

TEST_F(Npy, ReadsPicturesAsBytes) {
  write(npy("|u1", "(2, 1, 3)", raw<std::uint8_t>({0, 1, 2, 253, 254, 255})),
        npy("|u1", "(2, 1)", raw<std::uint8_t>({4, 1})));
  const DatasetContent content = read();
  EXPECT_EQ(content.description.storage, Storage::kBytes);
  EXPECT_THAT(content.description.feature_shape, ElementsAre(1, 3));
  EXPECT_THAT(content.bytes, ElementsAre(0, 1, 2, 253, 254, 255));
  EXPECT_THAT(content.labels, ElementsAre(4, 1));
}

TEST_F(Npy, ChannelsStandFirstOrLast) {
  // Two channels of 1 x 5: 0 … 4 and 10 … 14.
  const std::string labels = npy("|u1", "(1,)", raw<std::uint8_t>({0}));
  write(npy("|u1", "(1, 2, 1, 5)", raw<std::uint8_t>({0, 1, 2, 3, 4, 10, 11, 12, 13, 14})), labels);
  EXPECT_THAT(read().description.feature_shape, ElementsAre(2, 1, 5));
  EXPECT_THAT(read().bytes, ElementsAre(0, 10, 1, 11, 2, 12, 3, 13, 4, 14));
  write(npy("<f8", "(1, 5, 1, 2)", raw<double>({0, 10, 1, 11, 2, 12, 3, 13, 4, 14})), labels);
  EXPECT_THAT(read().description.feature_shape, ElementsAre(2, 5, 1));
  EXPECT_THAT(read().values, ElementsAre(0, 10, 1, 11, 2, 12, 3, 13, 4, 14));
  write(npy("|u1", "(1, 1, 5, 2)", raw<std::uint8_t>({0, 10, 1, 11, 2, 12, 3, 13, 4, 14})), labels);
  EXPECT_TRUE(fails({"x_train.npy", "pictures of 1 x 5 x 2 values", "not as both"}));
}

TEST_F(Npy, LabelsAreOfAnyWholeType) {
  const std::string x = npy("<f8", "(3, 1)", raw<double>({1, 2, 3}));
  for (const std::string& y :
       {npy("|u1", "(3,)", raw<std::uint8_t>({0, 9, 3})), npy("|i1", "(3,)", raw<std::int8_t>({0, 9, 3})),
        npy("<i2", "(3,)", raw<std::int16_t>({0, 9, 3})), npy("<i4", "(3,)", raw<std::int32_t>({0, 9, 3})),
        npy("=i8", "(3, 1)", raw<std::int64_t>({0, 9, 3}))}) {
    write(x, y);
    EXPECT_THAT(read().labels, ElementsAre(0, 9, 3));
    EXPECT_EQ(read().description.classes, 10);
  }
}

TEST_F(Npy, ReadsTargetsOfARegression) {
  const std::string x = npy("<f4", "(2, 1)", raw<float>({1, 2}));
  write(x, npy("<f8", "(2,)", raw<double>({0.5, -1.25})));
  DatasetContent content = read(Task::kRegression);
  EXPECT_EQ(content.description.task, Task::kRegression);
  EXPECT_EQ(content.description.classes, 0);
  EXPECT_EQ(content.description.targets, 1);
  EXPECT_THAT(content.targets, ElementsAre(0.5, -1.25));
  write(x, npy("<i4", "(2, 2)", raw<std::int32_t>({1, 2, 3, -4})));
  content = read(Task::kRegression);
  EXPECT_EQ(content.description.targets, 2);
  EXPECT_THAT(content.targets, ElementsAre(1, 2, 3, -4));
}

TEST_F(Npy, ReadsEveryVersionAndSpellingOfTheHeader) {
  const std::string y = npy("|u1", "(2,)", raw<std::uint8_t>({0, 1}));
  const std::string x = raw<float>({7, 8});
  for (const char version : {1, 2, 3}) {
    write(npy_of("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 1), }", x, version), y);
    EXPECT_THAT(read().values, ElementsAre(7, 8)) << int{version};
  }
  write(npy_of("{ \"shape\":(2,1),\"fortran_order\":False,\"descr\":\"<f4\"}", x), y);
  EXPECT_THAT(read().values, ElementsAre(7, 8));
}

TEST_F(Npy, ReadsMoreValuesThanItConvertsTogether) {
  std::vector<double> values(100000);
  std::iota(values.begin(), values.end(), 0.0);
  write(npy("<f8", "(2, 50000)", raw(values)), npy("|u1", "(2,)", raw<std::uint8_t>({0, 1})));
  const DatasetContent content = read();
  ASSERT_EQ(content.values.size(), values.size());
  for (std::size_t i = 0; i < values.size(); ++i) ASSERT_EQ(content.values[i], static_cast<float>(i));
}

TEST_F(Npy, ASourceMayHaveATestPart) {
  DataSource source;
  source.source = folder_.path().string();
  write(npy("<f4", "(2, 1)", raw<float>({1, 2})), npy("|u1", "(2,)", raw<std::uint8_t>({0, 4})));
  EXPECT_FALSE(has_test_part(source));
  folder_.write("x_test.npy", npy("<f4", "(1, 1)", raw<float>({3})));
  folder_.write("y_test.npy", npy("|u1", "(1,)", raw<std::uint8_t>({1})));
  EXPECT_TRUE(has_test_part(source));
  const SourceParts parts = read_source(source);
  ASSERT_TRUE(parts.test.has_value());
  EXPECT_THAT(parts.test->values, ElementsAre(3));
  EXPECT_EQ(parts.test->description.classes, 5) << "those of the training part";
  folder_.write("y_test.npy", npy("|u1", "(1,)", raw<std::uint8_t>({5})));
  EXPECT_TRUE(is_bad_input([&] { read_source(source); }, {"y_test.npy: label 5 of sample 0", "0 to 4"}));
  source.task = Task::kRegression;
  EXPECT_THAT(read_source(source).training.targets, ElementsAre(0, 4));
  source.task = Task::kMultiLabel;
  EXPECT_TRUE(is_bad_input([&] { read_source(source); }, {"y_train.npy", "`task` = regression"}));
  folder_.write("test_batch.bin", "");
  EXPECT_TRUE(is_bad_input([&] { read_source(source); }, {"those of CIFAR and NPY files"}));
}

TEST_F(Npy, ATrainingPartMayBeXAndY) {
  folder_.write("x.npy", npy("<f4", "(1, 1)", raw<float>({3})));
  folder_.write("y.npy", npy("|u1", "(1,)", raw<std::uint8_t>({2})));
  DataSource source;
  source.source = folder_.path().string();
  EXPECT_FALSE(has_test_part(source));
  EXPECT_THAT(read_source(source).training.values, ElementsAre(3));
  EXPECT_THAT(read_source(source).training.labels, ElementsAre(2));
  write(npy("<f4", "(1, 1)", raw<float>({4})), npy("|u1", "(1,)", raw<std::uint8_t>({0})));
  EXPECT_THAT(read_source(source).training.values, ElementsAre(4)) << "x_train comes first";
}

TEST_F(Npy, NamesWhatIsMissing) {
  folder_.write("x_train.npy", npy("<f4", "(1, 1)", raw<float>({3})));
  EXPECT_TRUE(fails({"no array y_train; expected x_train and y_train", "it holds x_train"}));
  EXPECT_TRUE(is_bad_input([&] { read(Task::kRegression, Part::kTest); }, {"no array x_test", "x_train"}));
}

TEST_F(Npy, RefusesOtherOrders) {
  EXPECT_TRUE(x_fails(npy(">f4", "(2, 1)", std::string(8, '\0')), {"x_train.npy", ">f4", "astype('<f4')"}));
  EXPECT_TRUE(
      x_fails(npy_of("{'descr': '<f4', 'fortran_order': True, 'shape': (2, 1), }", std::string(8, '\0')),
              {"x_train.npy", "Fortran's order", "ascontiguousarray"}));
}

TEST_F(Npy, RefusesOtherTypes) {
  for (const std::string type : {"<f2", "<c8", "|b1", "<U3", "|O", "<u8", "", "<f16"}) {
    EXPECT_TRUE(x_fails(npy(type, "(2, 1)", std::string(8, '\0')),
                        {"x_train.npy", "type '" + type + "'", "u1, i1, i2, i4, i8, f4, f8"}));
  }
  EXPECT_TRUE(
      x_fails(npy("<i4", "(2, 1)", std::string(8, '\0')), {"x_train.npy", "i4", "type u1, f4 or f8"}));
  EXPECT_TRUE(x_fails(
      npy_of("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,), }", std::string(8, '\0')),
      {"x_train.npy", "records"}));
}

TEST_F(Npy, RefusesOtherShapes) {
  EXPECT_TRUE(x_fails(npy("<f4", "(2,)", std::string(8, '\0')), {"x_train.npy", "(2)", "2 axes"}));
  EXPECT_TRUE(x_fails(npy("|u1", "(2, 1, 1, 1, 1)", "xx"), {"x_train.npy", "3 or 4"}));
  EXPECT_TRUE(x_fails(npy("<f4", "()", std::string(4, '\0')), {"x_train.npy", "array of ()", "one sample"}));
  EXPECT_TRUE(x_fails(npy("<f4", "(0, 3)", ""), {"x_train.npy", "array of (0, 3)", "one sample"}));
  EXPECT_TRUE(x_fails(npy("<f4", "(3, 1)", std::string(12, '\0')), {"3 samples, but 2 in y_train.npy"}));
  EXPECT_TRUE(y_fails(npy("|u1", "(2, 2)", "\1\1\1\1"), {"y_train.npy", "one whole number a sample"}));
  EXPECT_TRUE(
      y_fails(npy("<f4", "(2,)", std::string(8, '\0')), {"y_train.npy", "f4", "`task` = regression"}));
}

TEST_F(Npy, RefusesLabelsOutOfRange) {
  EXPECT_TRUE(y_fails(npy("<i4", "(2,)", raw<std::int32_t>({3, -1})), {"y_train.npy: label -1 of sample 1"}));
  EXPECT_TRUE(y_fails(npy("<i8", "(2,)", raw<std::int64_t>({0, 1LL << 40U})),
                      {"y_train.npy: label 1099511627776 of sample 1", "0 to 16777215"}));
}

TEST_F(Npy, RefusesNumbersThatAreNotFinite) {
  const auto nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_TRUE(
      x_fails(npy("<f4", "(2, 3)", raw<float>({0, 0, 0, 0, nan, 0})), {"sample 1 has nan in column 1"}));
  EXPECT_TRUE(x_fails(npy("<f8", "(2, 1)", raw<double>({0, 1e300})),
                      {"sample 1 has 1e+300 in column 0", "single precision"}));
  EXPECT_TRUE(y_fails(npy("<f8", "(2,)", raw<double>({INFINITY, 0})), {"y_train.npy: sample 0 has inf"},
                      Task::kRegression));
}

TEST_F(Npy, RefusesDamagedFiles) {
  const std::string good = npy("<f4", "(2, 1)", raw<float>({1, 2}));
  EXPECT_FALSE(x_fails(good, {}));
  EXPECT_TRUE(x_fails("", {"x_train.npy: truncated"}));
  EXPECT_TRUE(x_fails(good.substr(0, 9), {"x_train.npy: truncated"}));
  EXPECT_TRUE(x_fails(good.substr(0, 60), {"x_train.npy: 60 bytes", "a header of 128 bytes"}));
  EXPECT_TRUE(x_fails(good + "x", {"promises 8 bytes", "holds 9"}));
  EXPECT_TRUE(x_fails(good.substr(0, good.size() - 1), {"promises 8 bytes", "holds 7"}));
  EXPECT_TRUE(x_fails("PNG and so on and so on", {"begins with 0x504e4720616e6420", "numpy.save"}));
  EXPECT_TRUE(x_fails(gzip(good), {"x_train.npy", "not compressed"}));
  EXPECT_TRUE(x_fails(npy_of("{}", "", 4), {"version 4", "1 to 3"}));
  // 2^64 + 8 bytes, which are 8 modulo 2^64.
  EXPECT_TRUE(x_fails(npy("<f8", "(2305843009213693953, 1)", std::string(8, '\0')), {"holds 8"}));
}

TEST_F(Npy, RefusesOtherHeaders) {
  for (const std::string header :
       {"", "{", "{}", "{'descr': '<f4', 'fortran_order': False, 'shape': (2, -1), }",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 1)", "{'descr': '<f4', 'shape': (2, 1), }",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 1), 'more': 1}",
        "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (2, 1), }",
        "{'descr': '<f4', 'fortran_order': 0, 'shape': (2, 1), }",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 1), } more",
        "{'descr': '<f4, 'fortran_order': False, 'shape': 2, }"}) {
    EXPECT_TRUE(x_fails(npy_of(header, std::string(8, '\0')), {"x_train.npy: its header is", "'descr'"}))
        << header;
  }
}

}  // namespace
}  // namespace lockstep
