// A step must not ask the system for memory: it takes time, and a run of days must not grow. This is a
// program of its own, because it counts every allocation of the process.

#include <atomic>
#include <cstdlib>
#include <new>
#include <string>

#include <gtest/gtest.h>

#include "idx_files.hpp"
#include "train_helpers.hpp"

namespace {
std::atomic<long> allocations = 0;
}  // namespace

// Not inlined: GCC would see malloc beside delete, or new beside free, and warn of what belongs together
// here.
[[gnu::noinline]] void* operator new(std::size_t size, const std::nothrow_t& /*tag*/) noexcept {
  ++allocations;
  return std::malloc(size);
}
[[gnu::noinline]] void* operator new(std::size_t size) {
  void* const memory = operator new(size, std::nothrow);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t /*size*/) noexcept { std::free(memory); }

namespace lockstep {
namespace {

/// Allocations in the second epoch, whose last batch is smaller than the others.
long count_allocations(const test::Texts& changes) {
  const test::Texts texts = test::changed({{"data.source", "blobs"},
                                           {"data.samples", "205"},
                                           {"train.batch-size", "32"},
                                           {"train.micro-batches", "8"},
                                           {"train.epochs", "2"},
                                           {"train.check-every", "0"},
                                           {"model.layers", "linear 16, relu, linear 4"}},
                                          changes);
  test::TrainingRun run(test::config_of(texts));
  const Index steps = run.trainer.plan().steps_per_epoch;
  for (Index step = 0; step < steps; ++step) run.trainer.step();
  const long before = allocations;
  // The run's last step looks at the weights once more.
  for (Index step = 0; step + 1 < steps; ++step) run.trainer.step();
  return allocations - before;
}

TEST(Allocation, IsCountedHere) {
  const long before = allocations;
  const std::string text(1000, 'x');
  EXPECT_EQ(allocations - before, 1) << text;
}

TEST(Allocation, HasNoPlaceInAStepAfterTheFirst) {
  EXPECT_EQ(count_allocations({}), 0);
  EXPECT_EQ(count_allocations({{"model.layers", "linear 16, gelu, dropout 0.2, linear 4"},
                               {"optimizer.name", "adamw"},
                               {"optimizer.clip-norm", "1"},
                               {"optimizer.average", "0.9"},
                               {"train.timeline", "true"},
                               {"schedule.name", "cosine"}}),
            0);
  EXPECT_EQ(count_allocations(
                {{"model.layers",
                  "batch-norm micro, linear 16, layer-norm, silu, batch-norm, group-norm 2, linear 4"}}),
            0);
  for (const std::string optimizer : {"muon", "sam-adamw"}) {
    EXPECT_EQ(count_allocations({{"optimizer.name", optimizer}}), 0) << optimizer;
  }
  const test::TemporaryFolder folder;
  test::write_pictures(folder);
  EXPECT_EQ(
      count_allocations({{"data.source", folder.path().string()},
                         {"data.augment", "crop 2, flip, brightness 0.2, contrast 0.2, cutout 2, mixup 0.2"},
                         {"model.layers", "conv 4 3, relu, flatten, linear 3"}}),
      0);
}

}  // namespace
}  // namespace lockstep
