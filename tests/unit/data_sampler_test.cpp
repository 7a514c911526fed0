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

/// What is held out, and what is left.
struct Parts {
  std::vector<Index> held_out;
  std::vector<Index> rest;
};

Parts parts_of(const Split& split) {
  Parts parts;
  for (Index i = 0; i < split.validation_size(); ++i) parts.held_out.push_back(split.validation(i));
  for (Index i = 0; i < split.training_size(); ++i) parts.rest.push_back(split.training(i));
  return parts;
}

void expect_all(const Parts& parts, Index size) {
  std::vector<Index> all = parts.held_out;
  all.insert(all.end(), parts.rest.begin(), parts.rest.end());
  std::sort(all.begin(), all.end());
  EXPECT_EQ(all, counted(size));
}

/// So many samples of each class, 0, 1, …, in turn as long as there are any.
std::vector<std::int32_t> labels_of(std::vector<Index> counts) {
  std::vector<std::int32_t> labels;
  while (std::any_of(counts.begin(), counts.end(), [](Index count) { return count > 0; })) {
    for (std::size_t c = 0; c < counts.size(); ++c) {
      if (counts[c]-- > 0) labels.push_back(static_cast<std::int32_t>(c));
    }
  }
  return labels;
}

/// How many of `samples` each of `classes` has.
std::vector<Index> counts_of(const std::vector<Index>& samples, const std::vector<std::int32_t>& labels,
                             std::size_t classes) {
  std::vector<Index> counts(classes);
  for (const Index sample : samples) {
    ++counts[static_cast<std::size_t>(labels[static_cast<std::size_t>(sample)])];
  }
  return counts;
}

TEST(Split, StratifiedHoldsOutOfEachClassItsPart) {
  struct Case {
    std::vector<Index> counts;
    Index held_out;
    std::vector<Index> expected;
  };
  // 0.2 of each; 2.5, 1.25 and 0.25, of which the largest remainder is rounded up; 1.5 and 1.5, of which the
  // first is; 0.9 and 0.1.
  for (const auto& [counts, held_out, expected] :
       {Case{{50, 30, 20}, 20, {10, 6, 4}}, Case{{10, 5, 1}, 4, {3, 1, 0}}, Case{{3, 3}, 3, {2, 1}},
        Case{{9, 1}, 1, {1, 0}}}) {
    const std::vector<std::int32_t> labels = labels_of(counts);
    const Parts parts = parts_of(Split::stratified(3, labels, held_out));
    EXPECT_EQ(counts_of(parts.held_out, labels, counts.size()), expected);
    expect_all(parts, std::ssize(labels));
  }
}

TEST(Split, StratifiedIsAPureFunctionOfTheSeed) {
  const std::vector<std::int32_t> labels = labels_of({500, 100, 7});
  const auto held_out = [&](std::uint64_t seed) {
    return parts_of(Split::stratified(seed, labels, 60)).held_out;
  };
  EXPECT_EQ(held_out(1), held_out(1));
  EXPECT_NE(held_out(1), held_out(2));
  std::vector<Index> sorted = held_out(1);
  std::sort(sorted.begin(), sorted.end());
  EXPECT_NE(held_out(1), sorted) << "the first ones are a random choice of them";
}

// The first of five folds of 20 is what a fifth holds out; sizes as those of scikit-learn's KFold.
TEST(Split, FoldsAreDisjointAndComplete) {
  EXPECT_EQ(parts_of(Split(1, 20, Fold{0, 5})).held_out, parts_of(Split(1, 20, 4)).held_out);
  EXPECT_EQ(parts_of(Split(1, 20, Fold{0, 5})).rest, parts_of(Split(1, 20, 4)).rest);
  for (const Index count : {2, 3, 5, 11}) {
    std::vector<Index> all;
    for (Index number = 0; number < count; ++number) {
      const Parts parts = parts_of(Split(7, 11, Fold{number, count}));
      EXPECT_EQ(std::ssize(parts.held_out), 11 / count + (number < 11 % count ? 1 : 0));
      expect_all(parts, 11);
      all.insert(all.end(), parts.held_out.begin(), parts.held_out.end());
    }
    std::sort(all.begin(), all.end());
    EXPECT_EQ(all, counted(11)) << count;
  }
}

// The numbers are what sklearn.model_selection.StratifiedKFold gives for these labels.
TEST(Split, StratifiedFoldsHoldOutAsManyOfEachClassAsThoseOfScikitLearn) {
  struct Case {
    std::vector<Index> counts;
    std::vector<std::vector<Index>> expected;
  };
  for (const auto& [counts, expected] :
       {Case{{7, 4, 2}, {{3, 1, 1}, {2, 2, 0}, {2, 1, 1}}}, Case{{5, 5}, {{3, 2}, {2, 3}}}}) {
    const std::vector<std::int32_t> labels = labels_of(counts);
    std::set<Index> all;
    for (Index number = 0; number < std::ssize(expected); ++number) {
      const Parts parts = parts_of(Split::stratified(5, labels, Fold{number, std::ssize(expected)}));
      EXPECT_EQ(counts_of(parts.held_out, labels, counts.size()), expected[static_cast<std::size_t>(number)]);
      expect_all(parts, std::ssize(labels));
      all.insert(parts.held_out.begin(), parts.held_out.end());
    }
    EXPECT_EQ(all.size(), labels.size());
  }
}

TEST(Split, RefusesFoldsThatAreNone) {
  for (const Fold& fold : {Fold{0, 0}, Fold{0, 1}, Fold{-1, 5}, Fold{5, 5}, Fold{0, 11}}) {
    EXPECT_THROW(Split(1, 10, fold), Error);
  }
}

}  // namespace
}  // namespace lockstep
