// What readers make more of than memory should hold: the same numbers, in a file of the scratch folder.

#include <cmath>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <string>
#include <sys/resource.h>
#include <unistd.h>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "data/csv_cells.hpp"
#include "data/scratch_file.hpp"
#include "data_helpers.hpp"
#include "gzip.hpp"
#include "idx_files.hpp"
#include "lockstep/data/csv.hpp"
#include "lockstep/data/idx.hpp"
#include "lockstep/data/normalization.hpp"
#include "lockstep/data/source.hpp"
#include "npy_files.hpp"
#include "picture_writers.hpp"
#include "temporary_folder.hpp"
#include "zip_files.hpp"

namespace lockstep {
namespace {

using test::idx_header;
using test::is_bad_input;
using test::npy;
using test::raw;
using test::TemporaryFolder;

/// On the disk of the machine, wherever its folder of temporary files is.
const std::string kFolder = "/var/tmp";

// The address sanitizer takes memory of its own, and waits for ever where it gets none.
#ifdef __SANITIZE_ADDRESS__
constexpr bool kBoundsMemory = false;
#else
constexpr bool kBoundsMemory = true;
#endif

/// Lowers a limit of this process while it lives, whose signal is no end of it.
class Limit {
 public:
  Limit(__rlimit_resource_t resource, rlim_t value) : resource_(resource) {
    std::signal(SIGXFSZ, SIG_IGN);
    getrlimit(resource_, &before_);
    const rlimit lower{value, before_.rlim_max};
    if (resource_ != RLIMIT_DATA || kBoundsMemory) setrlimit(resource_, &lower);
  }
  ~Limit() {
    setrlimit(resource_, &before_);
    std::signal(SIGXFSZ, SIG_DFL);
  }
  Limit(const Limit&) = delete;
  Limit& operator=(const Limit&) = delete;

 private:
  __rlimit_resource_t resource_;
  rlimit before_{};
};

/// Bytes that this process has for itself, touched or not.
std::uint64_t own_room() {
  std::ifstream status("/proc/self/status");
  std::string word;
  while (status >> word && word != "VmData:") continue;
  std::uint64_t kilobytes = 0;
  status >> kilobytes;
  return kilobytes << 10U;
}

/// The training part of `source` with so many bytes in memory, and whether its features are in scratch.
struct Read {
  std::string digest;
  bool in_scratch = false;
};
Read read(DataSource source, std::uint64_t limit) {
  source.scratch = {.folder = kFolder, .limit = limit};
  DatasetContent content = read_source(source).training;
  const bool in_scratch = content.feature_file && content.feature_file->owner;
  EXPECT_EQ(in_scratch, content.bytes.empty() && content.values.empty() && content.feature_file.has_value());
  return {digest(make_dataset(std::move(content))), in_scratch};
}

void expect_same_in_scratch(const DataSource& source) {
  const Read memory = read(source, std::uint64_t{1} << 30U);
  EXPECT_FALSE(memory.in_scratch);
  for (const std::uint64_t limit : {0, 40}) {
    const Read scratch = read(source, limit);
    EXPECT_TRUE(scratch.in_scratch);
    EXPECT_EQ(scratch.digest, memory.digest);
  }
}

class InScratch : public testing::Test {
 protected:
  DataSource source() const {
    DataSource source;
    source.source = folder_.path().string();
    return source;
  }
  DataSource table(const std::string& text) const {
    DataSource source;
    source.source = folder_.write("a.csv", text).string();
    return source;
  }

  TemporaryFolder folder_;
};

/// More rows than stand together, with all that columns may hold.
std::string people() {
  std::string text = "age,town,day,code,time,size,y\n";
  for (int i = 0; i < 9001; ++i) {
    text += fmt::format("{},{},20{:02}-0{}-1{},{},{},{},{}\n", i % 7 == 0 ? "" : fmt::format("{}", 0.5 * i),
                        i % 3 == 0 ? "Rome" : "Oslo", i % 90 + 10, i % 9 + 1, i % 8,
                        fmt::format("{}{}", i % 5 > 0 ? "x" : "", i % 4), 1.7e9 + 0.25 * i, 1e-40 * i, i % 2);
  }
  return text;
}

TEST_F(InScratch, TablesAreTheSame) {
  DataSource source = table(people());
  expect_same_in_scratch(source);
  source.csv.label = "age,time";
  source.task = Task::kRegression;
  source.csv.missing = "x";
  source.source = folder_
                      .write(
                          "b.csv", "age,time,b\n" +
                                       [] {
                                         std::string rows;
                                         for (int i = 0; i < 5000; ++i)
                                           rows += fmt::format("{},{},{}\n", i, 3.25 * i, i * i % 101);
                                         return rows;
                                       }())
                      .string();
  expect_same_in_scratch(source);
}

TEST_F(InScratch, NumbersOfAWideTableStandInTheirRowsAndColumns) {
  constexpr int kColumns = 300;
  std::string text;
  const auto value = [](int row, int column) { return (row * 31 + column * 17) % 1009; };
  for (int row = 0; row < 1000; ++row) {
    for (int column = 0; column < kColumns; ++column) text += fmt::format("{},", value(row, column));
    text += fmt::format("{}\n", row % 2);
  }
  DataSource source = table(text);
  source.csv.header = Header::kNo;
  source.scratch = {.folder = kFolder, .limit = 1000};
  const Dataset data = make_dataset(read_source(source).training);
  ASSERT_EQ(data.values().size(), 1000U * kColumns);
  for (int row = 0; row < 1000; ++row) {
    for (int column = 0; column < kColumns; ++column) {
      ASSERT_EQ(data.values()[static_cast<std::size_t>(row * kColumns + column)], value(row, column));
    }
  }
}

TEST_F(InScratch, ImagesOfIdxFilesAreTheSame) {
  std::string images = idx_header({50, 2, 3});
  for (int i = 0; i < 300; ++i) images += static_cast<char>(i * 7);
  folder_.write("train-images-idx3-ubyte.gz", test::gzip(images));
  folder_.write("train-labels-idx1-ubyte", idx_header({50}) + std::string(50, '\1'));
  DataSource pictures = source();
  expect_same_in_scratch(pictures);
  pictures.transpose = true;
  expect_same_in_scratch(pictures);
}

TEST_F(InScratch, ArraysAreTheSame) {
  const std::string labels = npy("|u1", "(2,)", raw<std::uint8_t>({0, 1}));
  const std::string numbers =
      raw<double>({1.5, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24});
  folder_.write("x_train.npy", npy("<f8", "(2, 2, 1, 6)", numbers));
  folder_.write("y_train.npy", labels);
  expect_same_in_scratch(source());
  DataSource archive;
  archive.source =
      folder_
          .write("a.npz", test::zip_of({{"x.npy", npy("<f8", "(2, 12)", numbers)}, {"y.npy", labels}},
                                       test::ZipMethod::kDeflated))
          .string();
  expect_same_in_scratch(archive);
}

TEST_F(InScratch, RecordsOfCifarAreTheSame) {
  std::string records;
  for (int i = 0; i < 3 * 3073; ++i) records += static_cast<char>(i % 3073 == 0 ? i % 10 : i % 251);
  folder_.write("data_batch_1.bin", records);
  expect_same_in_scratch(source());
}

TEST_F(InScratch, PicturesAreDecodedThere) {
  for (const std::string name : {"a", "b"}) {
    std::filesystem::create_directories(folder_.path() / name);
    for (int i = 0; i < 20; ++i) {
      const auto pixel = static_cast<std::uint8_t>(10 * i + name[0]);
      folder_.write(fmt::format("{}/{}.png", name, i), test::plain_png(2, 1, {pixel, 3}));
    }
  }
  const auto decoded = [&](std::uint64_t limit) {
    DataSource pictures = source();
    pictures.scratch = {.folder = kFolder, .limit = limit};
    DatasetContent content = read_source(pictures).training;
    EXPECT_EQ(content.feature_file.has_value(), limit == 79);
    return digest(make_dataset(std::move(content)));
  };
  EXPECT_EQ(decoded(79), decoded(80));  // 40 pictures of two bytes
}

TEST_F(InScratch, ATableTakesLittleMemoryOfTheProcess) {
  constexpr int kColumns = 128;
  constexpr int kRows = 1 << 17;
  constexpr std::uint64_t kBytes = std::uint64_t{4} * kColumns * kRows;  // 64 MiB
  const std::filesystem::path file = folder_.path() / "a.csv";
  {
    std::string row;
    for (int i = 0; i < kColumns; ++i) row += static_cast<char>('0' + i % 10) + std::string(",");
    std::ofstream stream(file);
    for (int i = 0; i < kRows; ++i) stream << row << i % 2 << '\n';
  }
  CsvOptions options;
  options.header = Header::kNo;
  options.scratch = {.folder = kFolder, .limit = 1 << 18};
  const Limit data(RLIMIT_DATA, own_room() + kBytes / 8);
  const Dataset table = make_dataset(read_csv(file, options));
  ASSERT_EQ(table.values().size() * sizeof(float), kBytes);
  EXPECT_EQ(table.values().back(), (kColumns - 1) % 10);
  // Means are of whole numbers, and exact.
  const auto all = [](Index i) { return i; };
  EXPECT_EQ(compute_normalization(NormalizationKind::kStandard, table, kRows, all).shift[7], 7);
}

TEST_F(InScratch, APackedIdxFileTakesLittleMemoryOfTheProcess) {
  constexpr std::uint32_t kImages = 1 << 14;
  constexpr std::uint64_t kBytes = std::uint64_t{64} * 64 * kImages;  // 64 MiB
  folder_.write("train-labels-idx1-ubyte", idx_header({kImages}) + std::string(kImages, '\1'));
  folder_.write("train-images-idx3-ubyte.gz",
                test::gzip(idx_header({kImages, 64, 64}) + std::string(kBytes, '\5')));
  const Limit data(RLIMIT_DATA, own_room() + kBytes / 8);
  const Scratch scratch = {.folder = kFolder, .limit = 1 << 20};
  const Dataset images = make_dataset(read_idx(folder_.path(), Part::kTraining, "", 0, false, scratch));
  ASSERT_EQ(images.bytes().size(), kBytes);
  EXPECT_EQ(images.bytes().back(), 5);
}

TEST_F(InScratch, ALargePlainIdxFileIsMapped) {
  constexpr std::uint32_t kImages = 1 << 12;
  constexpr std::uint64_t kBytes =
      std::uint64_t{256} * 256 * kImages;  // 256 MiB, of which the disk holds few
  folder_.write("train-labels-idx1-ubyte", idx_header({kImages}) + std::string(kImages, '\1'));
  const auto file = folder_.write("train-images-idx3-ubyte", idx_header({kImages, 256, 256}));
  std::filesystem::resize_file(file, 16 + kBytes - 1);
  std::ofstream(file, std::ios::app | std::ios::binary) << '\5';
  const Limit data(RLIMIT_DATA, own_room() + kBytes / 8);
  DatasetContent content = read_idx(folder_.path(), Part::kTraining, "", 0);
  ASSERT_TRUE(content.feature_file);
  EXPECT_EQ(content.feature_file->file, file);
  const Dataset images = make_dataset(std::move(content));
  ASSERT_EQ(images.bytes().size(), kBytes);
  EXPECT_EQ(images.bytes().front(), 0);
  EXPECT_EQ(images.bytes().back(), 5);
}

TEST_F(InScratch, AFullDiskIsAnErrorThatNamesTheFolder) {
  DataSource source = table(people());
  source.scratch = {.folder = kFolder, .limit = 0};
  {
    const Limit size(RLIMIT_FSIZE, 100000);
    EXPECT_TRUE(is_bad_input([&] { read_source(source); },
                             {"/var/tmp: no room for data that are too large for memory", "(File too large)",
                              "which is 100000 bytes", "set `scratch` to another folder"}));
    EXPECT_TRUE(is_bad_input([&] { room_in_scratch(source.scratch, 100001); },
                             {"/var/tmp: no room", "100001 more (File too large)"}));
    EXPECT_TRUE(room_in_scratch(source.scratch, 100000));
  }
  source.scratch.folder = "/nowhere/at/all";
  EXPECT_TRUE(is_bad_input([&] { read_source(source); },
                           {"/nowhere/at/all: no file can be made here", "set `scratch` to a folder"}));
}

TEST_F(InScratch, NoFileIsLeftInTheFolder) {
  const auto folder = std::filesystem::path(kFolder) / fmt::format("lockstep-test-{}", getpid());
  std::filesystem::create_directory(folder);
  ScratchFile file({.folder = folder.string(), .limit = 0});
  file.append(std::as_bytes(std::span("some bytes")));
  EXPECT_EQ(std::filesystem::file_size(file.place().file), 11U);
  EXPECT_TRUE(std::filesystem::remove(folder)) << "it is not empty";
}

TEST(ACell, IsWhatWasPutIntoIt) {
  EXPECT_TRUE(Cell::number(2.5).is_number());
  EXPECT_EQ(Cell::number(2.5).as_number(), 2.5);
  EXPECT_EQ(Cell::number(2.5).as_text(), -1);
  EXPECT_FALSE(Cell::gap().is_number());
  EXPECT_TRUE(std::isnan(Cell::gap().as_number()));
  EXPECT_EQ(Cell::gap().as_text(), -1);
  for (const std::int32_t place : {0, 1, 2147483647}) {
    EXPECT_FALSE(Cell::text(place).is_number());
    EXPECT_TRUE(std::isnan(Cell::text(place).as_number()));
    EXPECT_EQ(Cell::text(place).as_text(), place);
  }
}

}  // namespace
}  // namespace lockstep
