#include <algorithm>
#include <array>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "core/digest.hpp"
#include "core/file.hpp"
#include "data_helpers.hpp"
#include "lockstep/nn/safetensors.hpp"
#include "temporary_folder.hpp"
#include "train/checkpoint/checkpoint.hpp"

namespace lockstep {
namespace {

using test::is_bad_input;
using test::TemporaryFolder;
using Bytes = std::vector<std::byte>;

ParameterLayout layout() {
  ParameterLayout layout;
  layout.add(0, "0.weight", {.shape = {2, 3}, .role = TensorRole::kWeight});
  layout.add(0, "0.bias", {.shape = {2}, .role = TensorRole::kBias});
  return layout;
}

constexpr std::array<Real, 24> kValues = {1, -2,    3.5, 1e-30F, 5, 6, 7, 8,   // the parameters
                                          0, -0.0F, 1,   2,      3, 4, 5, 6,   // a moment
                                          8, 7,     6,   5,      4, 3, 2, 1};  // the average
constexpr std::span<const Real> kAll = kValues;

Checkpoint sample() {
  return {.state = {.steps_done = 37,
                    .skipped = {5, 2},
                    .vectors = {{"parameters", kAll.first(8)},
                                {"optimizer.m", kAll.subspan(8, 8)},
                                {"average", kAll.last(8)}},
                    .digest = DigestBlocks(std::as_bytes(kAll)).digest()},
          .run = {.config = {{"train.seed", "1"}, {"data.source", "a \"b\" ü.csv"}},
                  .data_digest = "abc",
                  .version = "0"},
          .epoch = 1.85,
          .loss_sum = 0.1 + 0.2,
          .loss_weight = 64.5,
          .standing = {.best = BestEvaluation{20, 1.0 / 7, 1.0 / 3}, .since = 3}};
}

Bytes bytes_of(const Checkpoint& checkpoint, const TemporaryFolder& folder) {
  write_checkpoint(folder.path() / "c", checkpoint, layout(), {{"layers", "linear 2"}});
  return read_file(folder.path() / "c");
}

bool is_refused(const Bytes& bytes) {
  return is_bad_input([&] { parse_checkpoint(bytes, "file"); }, {"file: no checkpoint"});
}

TEST(Checkpoint, ComesBackAsItWasWritten) {
  const TemporaryFolder folder;
  const Checkpoint written = sample();
  const Checkpoint read = parse_checkpoint(bytes_of(written, folder), "file");
  EXPECT_EQ(read.state.steps_done, written.state.steps_done);
  EXPECT_EQ(read.state.skipped.total, 5U);
  EXPECT_EQ(read.state.skipped.in_a_row, 2U);
  ASSERT_EQ(read.state.vectors.size(), written.state.vectors.size());
  for (std::size_t i = 0; i < read.state.vectors.size(); ++i) {
    EXPECT_EQ(read.state.vectors[i].name, written.state.vectors[i].name);
    ASSERT_EQ(read.state.vectors[i].values.size(), written.state.vectors[i].values.size());
    EXPECT_EQ(std::memcmp(read.state.vectors[i].values.data(), written.state.vectors[i].values.data(),
                          read.state.vectors[i].values.size() * sizeof(Real)),
              0);
  }
  EXPECT_EQ(read.run.config, written.run.config);
  EXPECT_EQ(read.run.data_digest, written.run.data_digest);
  EXPECT_EQ(read.run.version, written.run.version);
  EXPECT_EQ(read.epoch, written.epoch);
  EXPECT_EQ(read.loss_sum, written.loss_sum);
  EXPECT_EQ(read.loss_weight, written.loss_weight);
  ASSERT_TRUE(read.standing.best.has_value());
  EXPECT_EQ(read.standing.best->step, 20U);
  EXPECT_EQ(read.standing.best->epoch, 1.0 / 7);
  EXPECT_EQ(read.standing.best->value, 1.0 / 3);
  EXPECT_EQ(read.standing.since, 3U);
}

TEST(Checkpoint, MayHaveNoBest) {
  const TemporaryFolder folder;
  Checkpoint checkpoint = sample();
  checkpoint.standing.best.reset();
  const Standing read = parse_checkpoint(bytes_of(checkpoint, folder), "file").standing;
  EXPECT_FALSE(read.best.has_value());
  EXPECT_EQ(read.since, 3U);
}

// Which chose its best by other evaluations.
TEST(Checkpoint, OfAnOlderVersionHasNoBest) {
  std::map<std::string, std::string> metadata = to_metadata(sample());
  metadata.erase("evaluations_since_best");
  metadata.erase("best_epoch");
  metadata.erase("best_value");
  metadata["best_loss"] = "0.25";
  const Standing standing = checkpoint_from_metadata(metadata, "file").standing;
  EXPECT_FALSE(standing.best.has_value());
  EXPECT_EQ(standing.since, 0U);
}

TEST(Checkpoint, IsASafetensorsFileOfNamedTensors) {
  const TemporaryFolder folder;
  bytes_of(sample(), folder);
  const StoredTensors stored = read_safetensors(folder.path() / "c");
  EXPECT_EQ(stored.metadata.at("layers"), "linear 2");
  std::vector<std::string> names;
  for (const StoredTensor& tensor : stored.tensors) names.push_back(tensor.name);
  EXPECT_EQ(names, (std::vector<std::string>{"parameters/0.weight", "parameters/0.bias",
                                             "optimizer.m/0.weight", "optimizer.m/0.bias", "average/0.weight",
                                             "average/0.bias", "checksums"}));
  EXPECT_EQ(stored.tensors[2].shape, (std::vector<Index>{2, 3}));
}

// A vector may have values for some tensors only, in shapes of their own.
TEST(Checkpoint, KeepsStateOfAnyShape) {
  const TemporaryFolder folder;
  StateLayout rows;
  rows.add(layout().tensors()[0], {2});
  StateLayout moments;
  moments.add(layout().tensors()[1], {3, 2});
  Checkpoint checkpoint = sample();
  checkpoint.state.vectors = {{"parameters", kAll.first(8)},
                              {"optimizer.rows", kAll.subspan(8, 2), &rows},
                              {"optimizer.moments", kAll.subspan(10, 6), &moments}};
  checkpoint.state.digest = DigestBlocks(std::as_bytes(kAll.first(16))).digest();
  const Bytes bytes = bytes_of(checkpoint, folder);
  const StoredTensors stored = parse_safetensors(bytes, "file");
  ASSERT_EQ(stored.tensors.size(), 5U);
  EXPECT_EQ(stored.tensors[2].name, "optimizer.rows/0.weight");
  EXPECT_EQ(stored.tensors[2].shape, (std::vector<Index>{2}));
  EXPECT_EQ(stored.tensors[3].name, "optimizer.moments/0.bias");
  EXPECT_EQ(stored.tensors[3].shape, (std::vector<Index>{3, 2}));
  const Checkpoint read = parse_checkpoint(bytes, "file");
  ASSERT_EQ(read.state.vectors.size(), 3U);
  EXPECT_EQ(read.state.vectors[1].name, "optimizer.rows");
  EXPECT_TRUE(std::ranges::equal(read.state.vectors[1].values, kAll.subspan(8, 2)));
  EXPECT_TRUE(std::ranges::equal(read.state.vectors[2].values, kAll.subspan(10, 6)));
}

TEST(Checkpoint, EndsWithTheDigestsOfHeaderAndData) {
  const TemporaryFolder folder;
  const Bytes bytes = bytes_of(sample(), folder);
  std::uint64_t length = 0;
  std::memcpy(&length, bytes.data(), sizeof length);
  constexpr std::size_t kChecksums = 64;
  constexpr std::size_t kData = std::size_t{3} * 8 * sizeof(Real);
  ASSERT_EQ(bytes.size(), sizeof length + length + kData + kChecksums);
  const std::span<const std::byte> all(bytes);
  const std::string block = digest_of(all.subspan(sizeof length + length, kData));
  const std::string expected =
      digest_of(all.first(sizeof length + length)) + digest_of(std::as_bytes(std::span(block)));
  EXPECT_EQ(std::memcmp(all.last(kChecksums).data(), expected.data(), kChecksums), 0);
}

TEST(Checkpoint, CutAtAnyPlaceIsRefused) {
  const TemporaryFolder folder;
  const Bytes whole = bytes_of(sample(), folder);
  for (std::size_t length = 0; length < whole.size(); ++length) {
    EXPECT_TRUE(is_refused(Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length))))
        << length;
  }
}

TEST(Checkpoint, WithMoreBytesIsRefused) {
  const TemporaryFolder folder;
  const Bytes whole = bytes_of(sample(), folder);
  for (const std::size_t more : {1U, 8U, 64U, 4096U}) {
    Bytes longer = whole;
    longer.resize(whole.size() + more);
    EXPECT_TRUE(is_refused(longer)) << more;
    // As a file system may leave it: the old tail once more.
    std::copy(whole.end() - 64, whole.end(), longer.end() - std::min<std::ptrdiff_t>(64, longer.size()));
    EXPECT_TRUE(is_refused(longer)) << more;
  }
}

TEST(Checkpoint, WithAByteChangedIsRefused) {
  const TemporaryFolder folder;
  const Bytes whole = bytes_of(sample(), folder);
  std::mt19937 random(1);
  for (int change = 0; change < 1000; ++change) {
    Bytes damaged = whole;
    const std::size_t at = random() % whole.size();
    damaged[at] ^= static_cast<std::byte>(1 + random() % 255);
    EXPECT_TRUE(is_refused(damaged)) << "byte " << at;
  }
}

TEST(Checkpoint, ThatIsNoneIsRefused) {
  const TemporaryFolder folder;
  const Bytes bytes(64);
  write_safetensors(folder.path() / "w", {}, std::vector<TensorView>{{"a", "U8", {64}, bytes}});
  EXPECT_TRUE(is_refused(read_file(folder.path() / "w")));
  EXPECT_TRUE(is_refused(Bytes(1000)));
  EXPECT_TRUE(is_refused(Bytes(1000, std::byte{0xff})));
}

TEST(Checkpoint, ThatCannotBeWrittenLeavesNothing) {
  const TemporaryFolder folder;
  EXPECT_TRUE(is_bad_input([&] { write_checkpoint(folder.path() / "none" / "c", sample(), layout(), {}); },
                           {"none/c", "cannot be written"}));
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

}  // namespace
}  // namespace lockstep
