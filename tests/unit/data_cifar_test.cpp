#include <cstdint>
#include <gmock/gmock.h>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "data_helpers.hpp"
#include "gzip.hpp"
#include "lockstep/data/cifar.hpp"
#include "temporary_folder.hpp"

namespace lockstep {
namespace {

using test::gzip;
using test::is_bad_input;
using test::TemporaryFolder;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr int kSide = 32;
const std::string kTenNames = "airplane\nautomobile\nbird\ncat\ndeer\ndog\nfrog\nhorse\nship\ntruck\n\n";

/// What a picture has in a place; all places of a picture differ, and so do its channels and mirror images.
std::uint8_t value(int picture, int channel, int row, int column) {
  return static_cast<std::uint8_t>(101 * picture + 67 * channel + 7 * row + column);
}

/// A record as the sets' page describes it: labels, then the red, green and blue plane, row by row.
std::string record(const std::string& labels, int picture) {
  std::string result = labels;
  for (int channel = 0; channel < 3; ++channel) {
    for (int row = 0; row < kSide; ++row) {
      for (int column = 0; column < kSide; ++column) {
        result.push_back(static_cast<char>(value(picture, channel, row, column)));
      }
    }
  }
  return result;
}

/// The pictures of these numbers, one after another, with their channels last.
std::vector<std::uint8_t> channels_last(const std::vector<int>& pictures) {
  std::vector<std::uint8_t> result;
  for (const int picture : pictures) {
    for (int row = 0; row < kSide; ++row) {
      for (int column = 0; column < kSide; ++column) {
        for (int channel = 0; channel < 3; ++channel) result.push_back(value(picture, channel, row, column));
      }
    }
  }
  return result;
}

std::string labels(std::initializer_list<int> values) { return {values.begin(), values.end()}; }

class Cifar : public testing::Test {
 protected:
  DatasetContent read(Part part = Part::kTraining) { return read_cifar(folder_.path(), part); }

  testing::AssertionResult fails(const std::vector<std::string>& fragments, Part part = Part::kTraining) {
    return is_bad_input([&] { read(part); }, fragments);
  }

  /// Batches 1 to `count` of CIFAR-10, of one record each, whose picture and label have the batch's number.
  void write_batches(int count) {
    for (int i = 1; i <= count; ++i) {
      folder_.write("data_batch_" + std::to_string(i) + ".bin", record(labels({i}), i));
    }
  }

  TemporaryFolder folder_;
};

TEST_F(Cifar, ReadsThePartsOfCifar10) {
  write_batches(5);
  folder_.write("test_batch.bin", record(labels({9}), 9) + record(labels({0}), 0));
  const DatasetContent training = read();
  EXPECT_EQ(training.description.name, folder_.path().string());
  EXPECT_EQ(training.description.task, Task::kClassification);
  EXPECT_EQ(training.description.storage, Storage::kBytes);
  EXPECT_EQ(training.description.samples, 5);
  EXPECT_THAT(training.description.feature_shape, ElementsAre(3, 32, 32));
  EXPECT_EQ(training.description.classes, 10);
  EXPECT_THAT(training.description.class_names, IsEmpty());
  EXPECT_THAT(training.labels, ElementsAre(1, 2, 3, 4, 5));
  EXPECT_EQ(training.bytes, channels_last({1, 2, 3, 4, 5}));
  const DatasetContent test = read(Part::kTest);
  EXPECT_EQ(test.description.samples, 2);
  EXPECT_THAT(test.labels, ElementsAre(9, 0));
  EXPECT_EQ(test.bytes, channels_last({9, 0}));
}

TEST_F(Cifar, ReadsTheFineLabelsOfCifar100) {
  folder_.write("train.bin", record(labels({19, 99}), 1) + record(labels({0, 7}), 2));
  folder_.write("test.bin", record(labels({3, 0}), 3));
  const DatasetContent training = read();
  EXPECT_EQ(training.description.classes, 100);
  EXPECT_THAT(training.description.feature_shape, ElementsAre(3, 32, 32));
  EXPECT_THAT(training.labels, ElementsAre(99, 7));
  EXPECT_EQ(training.bytes, channels_last({1, 2}));
  EXPECT_THAT(read(Part::kTest).labels, ElementsAre(0));
}

TEST_F(Cifar, ReadsGzipFiles) {
  folder_.write("train.bin.gz", gzip(record(labels({1, 2}), 1) + record(labels({3, 4}), 2)));
  const DatasetContent content = read();
  EXPECT_THAT(content.labels, ElementsAre(2, 4));
  EXPECT_EQ(content.bytes, channels_last({1, 2}));
}

TEST_F(Cifar, ReadsManyRecords) {
  std::string records;
  std::vector<int> pictures;
  for (int i = 0; i < 1000; ++i) {
    records += record(labels({i % 10}), i);
    pictures.push_back(i);
  }
  for (const std::string name : {"data_batch_1.bin", "data_batch_1.bin.gz"}) {
    const TemporaryFolder folder;
    folder.write(name, name.ends_with("gz") ? gzip(records) : records);
    const DatasetContent content = read_cifar(folder.path(), Part::kTraining);
    EXPECT_EQ(content.labels.size(), 1000U);
    EXPECT_EQ(content.labels[999], 9);
    EXPECT_EQ(content.bytes, channels_last(pictures));
  }
}

TEST_F(Cifar, TakesBatchesInTheOrderOfTheirNumbers) {
  // By their names, the tenth would come before the second.
  for (int i = 1; i <= 10; ++i) {
    folder_.write("data_batch_" + std::to_string(i) + ".bin", record(labels({10 - i}), i));
  }
  EXPECT_THAT(read().labels, ElementsAre(9, 8, 7, 6, 5, 4, 3, 2, 1, 0));
}

TEST_F(Cifar, WarnsOfFewerBatchesThanPublished) {
  write_batches(4);
  testing::internal::CaptureStderr();
  EXPECT_EQ(read().description.samples, 4);
  EXPECT_THAT(testing::internal::GetCapturedStderr(), testing::HasSubstr("4 of the 5 batches"));
}

TEST_F(Cifar, KeepsTheNamesOfClasses) {
  write_batches(5);
  folder_.write("batches.meta.txt", kTenNames);
  const DatasetDescription description = read().description;
  EXPECT_EQ(description.class_names.size(), 10U);
  EXPECT_EQ(description.class_name(0), "airplane");
  EXPECT_EQ(description.class_name(9), "truck");

  const TemporaryFolder folder;
  std::string names;
  for (int i = 0; i < 100; ++i) names += "fine " + std::to_string(i) + "\r\n";
  folder.write("fine_label_names.txt", names);
  folder.write("coarse_label_names.txt", "coarse");
  folder.write("train.bin", record(labels({0, 42}), 1));
  EXPECT_EQ(read_cifar(folder.path(), Part::kTraining).description.class_name(42), "fine 42");
}

TEST_F(Cifar, RefusesAnotherNumberOfNames) {
  write_batches(5);
  folder_.write("batches.meta.txt", "airplane\nautomobile\n");
  EXPECT_TRUE(fails({"batches.meta.txt", "2 names", "10 classes", "remove it"}));
}

TEST_F(Cifar, TellsPartsThatAreThere) {
  EXPECT_FALSE(has_cifar_files(folder_.path()));
  folder_.write("data_batch_0.bin", "");
  folder_.write("data_batch_1", "");
  folder_.write("data_batch_one.bin", "");
  folder_.write("data_batch_01.bin", "");
  EXPECT_FALSE(has_cifar_files(folder_.path()));
  folder_.write("test_batch.bin.gz", "");
  EXPECT_TRUE(has_cifar_files(folder_.path()));
  EXPECT_TRUE(has_cifar_part(folder_.path(), Part::kTest));
  EXPECT_FALSE(has_cifar_part(folder_.path(), Part::kTraining));
}

TEST_F(Cifar, NamesWhatIsMissing) {
  folder_.write("test_batch.bin", record(labels({1}), 1));
  EXPECT_TRUE(
      fails({folder_.path().string(), "no training pictures", "data_batch_1.bin", ".gz", "`source`"}));
  write_batches(2);
  folder_.write("data_batch_4.bin.gz", gzip(record(labels({4}), 4)));
  EXPECT_TRUE(fails({"data_batch_3.bin is missing", "data_batch_4.bin is there", "get the missing file"}));
  EXPECT_TRUE(is_bad_input([&] { read_cifar(folder_.path() / "no", Part::kTraining); },
                           {"`source`", "/no", "No such file"}));
}

TEST_F(Cifar, RefusesFilesOfBothSets) {
  write_batches(5);
  folder_.write("test.bin", record(labels({1, 1}), 1));
  EXPECT_TRUE(fails({"both CIFAR-10 and CIFAR-100", "move the other away"}));
  EXPECT_TRUE(fails({"both CIFAR-10 and CIFAR-100"}, Part::kTest));
}

TEST_F(Cifar, RefusesLabelsOutOfRange) {
  folder_.write("test_batch.bin", record(labels({9}), 1) + record(labels({10}), 1));
  EXPECT_TRUE(fails({"test_batch.bin", "label 10 of sample 1", "0 to 9", "CIFAR-10"}, Part::kTest));
  const TemporaryFolder folder;
  const auto refuses = [&](const std::string& both, const std::vector<std::string>& fragments) {
    folder.write("train.bin", record(both, 1));
    return is_bad_input([&] { read_cifar(folder.path(), Part::kTraining); }, fragments);
  };
  EXPECT_TRUE(
      refuses(labels({19, 100}), {"train.bin", "fine label 100 of sample 0", "0 to 99", "CIFAR-100"}));
  EXPECT_TRUE(refuses(labels({20, 99}), {"train.bin", "coarse label 20 of sample 0", "0 to 19"}));
}

TEST_F(Cifar, RefusesWhatIsNoWholeNumberOfRecords) {
  const std::string whole = record(labels({1}), 1) + record(labels({2}), 2);
  for (const std::string& content : {whole.substr(0, 6145), whole + "x", whole.substr(0, 1)}) {
    const std::vector<std::string> fragments = {"data_batch_1.bin", std::to_string(content.size()) + " bytes",
                                                "records of 3073 bytes", "CIFAR-10"};
    folder_.write("data_batch_1.bin", content);
    EXPECT_TRUE(fails(fragments));
    const TemporaryFolder folder;
    folder.write("data_batch_1.bin.gz", gzip(content));
    EXPECT_TRUE(is_bad_input([&] { read_cifar(folder.path(), Part::kTraining); }, fragments));
  }
  folder_.write("data_batch_1.bin", "");
  EXPECT_TRUE(fails({"data_batch_1.bin: 0 bytes", "one or more", "3073"}));
  const TemporaryFolder folder;
  folder.write("train.bin", record(labels({1}), 1));
  EXPECT_TRUE(is_bad_input([&] { read_cifar(folder.path(), Part::kTraining); },
                           {"train.bin", "3073 bytes", "records of 3074 bytes", "CIFAR-100"}));
}

TEST_F(Cifar, RefusesDamagedGzipFiles) {
  const std::string good = gzip(record(labels({1}), 1) + record(labels({2}), 2));
  folder_.write("data_batch_1.bin.gz", good.substr(0, good.size() - 8));
  EXPECT_TRUE(fails({"data_batch_1.bin.gz", "truncated"}));
  std::string wrong_checksum = good;
  wrong_checksum[good.size() - 8] ^= 1;
  folder_.write("data_batch_1.bin.gz", wrong_checksum);
  EXPECT_TRUE(fails({"data_batch_1.bin.gz", "corrupt"}));
}

}  // namespace
}  // namespace lockstep
