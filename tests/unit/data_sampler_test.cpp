#include <algorithm>
#include <set>
#include <vector>

#include <gtest/gtest.h>

#include "lockstep/core/error.hpp"
#include "lockstep/data/sampler.hpp"

namespace lockstep {
namespace {

std::vector<Index> samples_of(const Sampler& sampler, const GlobalBatch& batch) {
  std::vector<Index> samples(static_cast<std::size_t>(batch.size));
  sampler.samples(batch, 0, samples);
  return samples;
}

std::vector<Index> epoch_of(const Sampler& sampler, std::uint64_t epoch) {
  std::vector<Index> all;
  const auto steps = static_cast<std::uint64_t>(sampler.steps_per_epoch());
  for (std::uint64_t step = epoch * steps; step < (epoch + 1) * steps; ++step) {
    const GlobalBatch batch = sampler.batch(step);
    EXPECT_EQ(batch.epoch, epoch);
    EXPECT_EQ(batch.first, std::ssize(all));
    const std::vector<Index> samples = samples_of(sampler, batch);
    all.insert(all.end(), samples.begin(), samples.end());
  }
  return all;
}

std::vector<Index> counted(Index size) {
  std::vector<Index> all;
  for (Index i = 0; i < size; ++i) all.push_back(i);
  return all;
}

TEST(Sampler, VisitsEverySampleOnceAnEpoch) {
  for (const Index size : {1, 2, 7, 64, 100}) {
    for (const Index batch_size : {1, 2, 3, 7, 64, 100}) {
      if (batch_size > size) continue;
      const Sampler sampler(5, size, batch_size);
      for (const std::uint64_t epoch : {0U, 1U, 9U}) {
        std::vector<Index> all = epoch_of(sampler, epoch);
        std::sort(all.begin(), all.end());
        EXPECT_EQ(all, counted(size)) << size << " samples in batches of " << batch_size;
      }
    }
  }
}

TEST(Sampler, LastBatchOfAnEpochHoldsTheRest) {
  const Sampler sampler(1, 100, 30);
  EXPECT_EQ(sampler.steps_per_epoch(), 4);
  EXPECT_EQ(sampler.batch(2).size, 30);
  EXPECT_EQ(sampler.batch(3).size, 10);
  EXPECT_EQ(sampler.batch(3).first, 90);
  EXPECT_EQ(sampler.batch(4).size, 30);
  EXPECT_EQ(sampler.batch(4).first, 0);
  EXPECT_EQ(sampler.batch(4).epoch, 1U);
  EXPECT_EQ(Sampler(1, 90, 30).steps_per_epoch(), 3);
  EXPECT_EQ(Sampler(1, 90, 90).steps_per_epoch(), 1);
}

TEST(Sampler, IsAPureFunctionOfSeedAndStep) {
  const Sampler sampler(1, 1000, 64);
  const auto batch = samples_of(sampler, sampler.batch(37));
  EXPECT_EQ(samples_of(Sampler(1, 1000, 64), sampler.batch(37)), batch);
  EXPECT_NE(samples_of(Sampler(2, 1000, 64), sampler.batch(37)), batch);
}

TEST(Sampler, EpochsHaveOrdersOfTheirOwn) {
  const Sampler sampler(1, 1000, 64);
  EXPECT_NE(epoch_of(sampler, 0), epoch_of(sampler, 1));
  EXPECT_NE(epoch_of(sampler, 0), counted(1000));
}

TEST(Sampler, OrderDoesNotDependOnTheBatchSize) {
  EXPECT_EQ(epoch_of(Sampler(1, 1000, 64), 3), epoch_of(Sampler(1, 1000, 7), 3));
}

TEST(Sampler, GivesAnyPartOfABatch) {
  const Sampler sampler(1, 1000, 64);
  const GlobalBatch batch = sampler.batch(3);
  const std::vector<Index> whole = samples_of(sampler, batch);
  std::vector<Index> part(10);
  sampler.samples(batch, 54, part);
  EXPECT_TRUE(std::equal(part.begin(), part.end(), whole.begin() + 54));
  sampler.samples(batch, 64, {});
  EXPECT_THROW(sampler.samples(batch, 55, part), Error);
}

TEST(Sampler, RefusesBatchesLargerThanTheSet) {
  EXPECT_THROW(Sampler(1, 10, 11), Error);
  EXPECT_THROW(Sampler(1, 10, 0), Error);
}

TEST(Split, PartsAreDisjointAndComplete) {
  for (const Index validation : {1, 10, 99}) {
    const Split split(1, 100, validation);
    EXPECT_EQ(split.training_size(), 100 - validation);
    EXPECT_EQ(split.validation_size(), validation);
    std::set<Index> all;
    for (Index i = 0; i < split.training_size(); ++i) all.insert(split.training(i));
    for (Index i = 0; i < split.validation_size(); ++i) all.insert(split.validation(i));
    EXPECT_EQ(std::vector<Index>(all.begin(), all.end()), counted(100));
  }
}

TEST(Split, WithoutValidationIsTheIdentity) {
  const Split split(1, 100, 0);
  for (Index i = 0; i < 100; ++i) EXPECT_EQ(split.training(i), i);
  EXPECT_THROW(static_cast<void>(split.validation(0)), Error);
}

TEST(Split, DependsOnTheSeed) {
  const auto held_out = [](std::uint64_t seed) {
    const Split split(seed, 1000, 10);
    std::set<Index> samples;
    for (Index i = 0; i < 10; ++i) samples.insert(split.validation(i));
    return samples;
  };
  EXPECT_EQ(held_out(1), held_out(1));
  EXPECT_NE(held_out(1), held_out(2));
}

TEST(Split, RefusesToHoldOutEverything) {
  EXPECT_THROW(Split(1, 10, 10), Error);
  EXPECT_THROW(Split(1, 10, -1), Error);
}

}  // namespace
}  // namespace lockstep
