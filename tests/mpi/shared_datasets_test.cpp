#include "parallel/shared_datasets.hpp"

#include <algorithm>
#include <utility>

#include "data/scratch_file.hpp"
#include "lockstep/data/source.hpp"
#include "lockstep/data/synthetic.hpp"
#include "mpi_test.hpp"
#include "picture_writers.hpp"
#include "temporary_folder.hpp"

namespace lockstep::test {
namespace {

class SharedDatasetsTest : public MpiTest {};

DatasetContent images(Index samples) {
  DatasetContent content;
  content.description = {.name = "images \"ä\"\n",
                         .task = Task::kClassification,
                         .storage = Storage::kBytes,
                         .samples = samples,
                         .feature_shape = {3, 5},
                         .classes = 3,
                         .class_names = {"red", "grün", "a, b"}};
  for (Index i = 0; i < samples * 15; ++i) content.bytes.push_back(static_cast<std::uint8_t>(i * 7));
  for (Index i = 0; i < samples; ++i) content.labels.push_back(static_cast<std::int32_t>(i % 3));
  return content;
}

DatasetContent several_targets() {
  DatasetContent content;
  content.description = {.name = "table",
                         .task = Task::kRegression,
                         .storage = Storage::kFloats,
                         .samples = 2,
                         .feature_shape = {1},
                         .class_names = {},
                         .targets = 3,
                         .target_names = {"höhe", "a, b", "\"c\""},
                         .feature_names = {"größe"},
                         .units = {{1699999950.5, 0x1p-130}},
                         .sample_names = {"a.png", "no UTF-8: \xff"},
                         .groups = 2,
                         .group_name = "who",
                         .has_sample_weights = true,
                         .weight_name = "w"};
  content.sample_weights = {0.5F, 2};
  content.groups = {1, 0};
  content.values = {1, 2};
  content.targets = {1, 2, 3, 4, 5, 6};
  return content;
}

/// Files of `count` pictures of 2 x 3 pixels, all different, in `folder`.
DatasetContent pictures_in(const TemporaryFolder& folder, Index count) {
  DatasetContent content;
  content.description = {.name = "pictures", .samples = count, .feature_shape = {2, 3}, .classes = 2};
  for (Index i = 0; i < count; ++i) {
    Bytes values;
    for (Index value = 0; value < 6; ++value) values.push_back(static_cast<std::uint8_t>(i * 31 + value));
    content.picture_files.push_back(folder.write(std::to_string(i), plain_png(2, 3, values)).string());
    content.labels.push_back(static_cast<std::int32_t>(i % 2));
  }
  return content;
}

void expect_same(const Dataset& found, const Dataset& expected) {
  const DatasetDescription& a = found.description();
  const DatasetDescription& b = expected.description();
  EXPECT_EQ(a.name, b.name);
  EXPECT_EQ(a.task, b.task);
  EXPECT_EQ(a.storage, b.storage);
  EXPECT_EQ(a.samples, b.samples);
  EXPECT_EQ(a.feature_shape, b.feature_shape);
  EXPECT_EQ(a.classes, b.classes);
  EXPECT_EQ(a.class_names, b.class_names);
  EXPECT_EQ(a.targets, b.targets);
  EXPECT_EQ(a.target_names, b.target_names);
  EXPECT_EQ(a.feature_names, b.feature_names);
  EXPECT_EQ(a.units, b.units);
  EXPECT_EQ(a.sample_names, b.sample_names);
  EXPECT_EQ(a.groups, b.groups);
  EXPECT_EQ(a.group_name, b.group_name);
  EXPECT_EQ(a.has_sample_weights, b.has_sample_weights);
  EXPECT_EQ(a.weight_name, b.weight_name);
  EXPECT_TRUE(std::ranges::equal(found.memory().features, expected.memory().features));
  EXPECT_TRUE(std::ranges::equal(found.memory().targets, expected.memory().targets));
  EXPECT_TRUE(std::ranges::equal(found.memory().groups, expected.memory().groups));
  EXPECT_TRUE(std::ranges::equal(found.memory().sample_weights, expected.memory().sample_weights));
}

TEST_F(SharedDatasetsTest, EveryRankSeesWhatOneRead) {
  const auto read = [] {
    std::vector<DatasetContent> contents;
    contents.push_back(make_synthetic("blobs", Part::kTraining, {}));
    contents.push_back(make_synthetic("linear", Part::kTest, {.samples = 77, .features = 3}));
    contents.push_back(make_synthetic("tags", Part::kTest, {.features = 3, .test_samples = 5}));
    contents.push_back(several_targets());
    contents.push_back(images(11));
    contents.push_back(images(1));
    return contents;
  };
  int calls = 0;
  const std::vector<Dataset> shared = share_datasets(world(), [&] {
    ++calls;
    return read();
  });
  EXPECT_EQ(calls, world().rank() == 0 ? 1 : 0) << "one rank of a node reads";

  std::vector<DatasetContent> expected = read();
  EXPECT_EQ(shared.size(), expected.size());
  for (std::size_t i = 0; i < std::min(shared.size(), expected.size()); ++i) {
    expect_same(shared[i], make_dataset(std::move(expected[i])));
  }
}

TEST_F(SharedDatasetsTest, EachPartBeginsALineOfTheCache) {
  const std::vector<Dataset> shared = share_datasets(world(), [] {
    std::vector<DatasetContent> contents;
    contents.push_back(images(1));  // 15 bytes before its labels
    contents.push_back(several_targets());
    return contents;
  });
  // One rank alone has the vectors that were read.
  const std::uintptr_t line = world().split_by_node()->size() > 1 ? 64 : alignof(std::int32_t);
  for (const Dataset& data : shared) {
    const DatasetMemory& memory = data.memory();
    for (const auto part : {memory.features, memory.targets, memory.groups, memory.sample_weights}) {
      EXPECT_EQ(reinterpret_cast<std::uintptr_t>(part.data()) % line, 0U) << data.description().name;
    }
  }
}

TEST_F(SharedDatasetsTest, PicturesAreTheSameWhoeverDecodesThem) {
  const TemporaryFolder folder;  // every rank has one, and those of rank 0 count
  for (const Index count : {11, 1}) {
    const DatasetContent content = pictures_in(folder, count);
    const std::vector<Dataset> shared = share_datasets(world(), [&] {
      std::vector<DatasetContent> contents(1, content);
      contents.push_back(images(2));
      return contents;
    });
    EXPECT_EQ(shared.size(), 2U);
    expect_same(shared[0], make_dataset(content));
    EXPECT_EQ(shared[0].bytes()[static_cast<std::size_t>(6 * count - 1)], (count - 1) * 31 % 256 + 5);
    expect_same(shared[1], make_dataset(images(2)));
  }
}

TEST_F(SharedDatasetsTest, WhatStandsInAFileIsMappedByAll) {
  const TemporaryFolder folder;  // every rank has one, and that of rank 0 counts
  const DatasetContent expected = images(11);
  std::string bytes = "begin";
  for (const std::uint8_t byte : expected.bytes) bytes += static_cast<char>(byte);
  DatasetContent content = expected;
  content.bytes.clear();
  content.feature_file = FilePlace{folder.write("a b", bytes), 5};
  const auto share = [&] {
    return share_datasets(world(), [&] { return std::vector<DatasetContent>(1, content); });
  };
  expect_same(share().front(), make_dataset(expected));
  world().barrier();
  bytes.pop_back();
  folder.write("a b", bytes);
  expect_same_error(catch_error(share), ExitCode::kBadInput, {"a b: 169 bytes, but 170 a moment ago"});
}

TEST_F(SharedDatasetsTest, WhatStandsInScratchIsSeenByAll) {
  const Scratch scratch = {.folder = "/var/tmp", .limit = 0};
  const DatasetContent expected = images(11);
  for (const Readers readers : {Readers::kOneOfEachNode, Readers::kRankZero}) {
    const std::vector<Dataset> shared = share_datasets(
        world(),
        [&] {
          DatasetContent content = expected;
          ScratchFile file(scratch);
          file.append(std::as_bytes(std::span(content.bytes)));
          content.bytes.clear();
          content.feature_file = file.place();
          return std::vector<DatasetContent>(1, content);
        },
        readers);
    expect_same(shared.front(), make_dataset(expected));
  }

  const TemporaryFolder folder;
  const DatasetContent pictures = pictures_in(folder, 11);
  const std::vector<Dataset> shared = share_datasets(world(), [&] {
    std::vector<DatasetContent> contents(1, pictures);
    contents.front().feature_file = room_in_scratch(scratch, pictures.description.feature_bytes());
    return contents;
  });
  expect_same(shared.front(), make_dataset(pictures));
}

TEST_F(SharedDatasetsTest, ThePictureThatCannotBeDecodedIsNamedOnAll) {
  const TemporaryFolder folder;
  const DatasetContent content = pictures_in(folder, 20);
  const auto share = [&] {
    share_datasets(world(), [&] { return std::vector<DatasetContent>(1, content); });
  };
  world().barrier();
  folder.write("19", "no picture");
  expect_same_error(catch_error(share), ExitCode::kBadInput, {"/19: begins with 0x6e6f2070"});
  world().barrier();
  folder.write("3", "");
  expect_same_error(catch_error(share), ExitCode::kBadInput, {"/3: 0 bytes"});
}

TEST_F(SharedDatasetsTest, RankZeroReadsForAll) {
  int calls = 0;
  const std::vector<Dataset> shared = share_datasets(
      world(),
      [&] {
        ++calls;
        return std::vector<DatasetContent>(1, images(100));
      },
      Readers::kRankZero);
  EXPECT_EQ(calls, world().rank() == 0 ? 1 : 0);
  EXPECT_EQ(shared.size(), 1U);
  expect_same(shared.front(), make_dataset(images(100)));
}

TEST_F(SharedDatasetsTest, CopiesKeepTheMemory) {
  Dataset copy;
  {
    const std::vector<Dataset> shared =
        share_datasets(world(), [] { return std::vector<DatasetContent>(1, images(100)); });
    copy = shared.front();
  }
  expect_same(copy, make_dataset(images(100)));
}

TEST_F(SharedDatasetsTest, NoDataSetIsNoneEverywhere) {
  EXPECT_TRUE(share_datasets(world(), [] { return std::vector<DatasetContent>(); }).empty());
}

TEST_F(SharedDatasetsTest, AnErrorWhileReadingReachesAll) {
  const auto fail = [&]() -> std::vector<DatasetContent> { fail_input("/data/x.csv:3: broken"); };
  expect_same_error(catch_error([&] { share_datasets(world(), fail); }), ExitCode::kBadInput,
                    {"/data/x.csv:3: broken"});

  DataSource missing;
  missing.source = "/nowhere/at/all.csv";
  const auto read = [&] {
    std::vector<DatasetContent> contents;
    contents.push_back(read_source(missing).training);
    return contents;
  };
  expect_same_error(catch_error([&] { share_datasets(world(), read); }), ExitCode::kBadInput,
                    {"/nowhere/at/all.csv"});
  EXPECT_EQ(share_datasets(world(), [] { return std::vector<DatasetContent>(1, images(2)); }).size(), 1U);
}

}  // namespace
}  // namespace lockstep::test
