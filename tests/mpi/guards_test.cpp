// Runs that have to stop do so on every rank, with the same message.

#include <algorithm>
#include <limits>
#include <utility>

#include <fmt/format.h>

#include "mpi_test.hpp"
#include "train_helpers.hpp"

namespace lockstep::test {
namespace {

class GuardTest : public MpiTest {
 protected:
  void SetUp() override {
    MpiTest::SetUp();
    need_ranks(2);
  }
};

/// Passes everything on; changes one value of what arrives, as bad memory may.
class FaultyCommunicator final : public Communicator {
 public:
  explicit FaultyCommunicator(Communicator& inner) : inner_(inner) {}

  void break_next_exchange() { breaks_ = true; }

  int rank() const override { return inner_.rank(); }
  int size() const override { return inner_.size(); }
  void barrier() override { inner_.barrier(); }
  bool idle_barrier(double seconds) override { return inner_.idle_barrier(seconds); }
  void broadcast(std::span<std::byte> bytes, int root) override { inner_.broadcast(bytes, root); }
  void all_gather(std::span<const std::byte> mine, std::span<std::byte> all) override {
    inner_.all_gather(mine, all);
  }
  void begin_exchange(std::size_t number, std::span<const OutgoingMessage> outgoing,
                      std::span<const IncomingMessage> incoming) override {
    inner_.begin_exchange(number, outgoing, incoming);
    if (number == kParameters && !incoming.empty()) arriving_ = incoming.front().bytes;
    if (number != kParameters && rounds_ > 0) rounds_of_step_ = std::exchange(rounds_, 0);
  }
  bool test_exchange(std::size_t number) override {
    if (!inner_.test_exchange(number)) return false;
    // After the last round nothing of it is sent on.
    if (number != kParameters || ++rounds_ != rounds_of_step_ || !breaks_ || arriving_.empty()) return true;
    arriving_.front() ^= std::byte{1};  // the last bit of a value
    breaks_ = false;
    return true;
  }
  void wait_exchange(std::size_t number) override { inner_.wait_exchange(number); }
  void all_reduce_sum(std::span<float> values) override {
    inner_.all_reduce_sum(values);
    if (breaks_) values.front() += 0.125F;
    breaks_ = false;
  }
  void all_reduce_sum(std::span<double> values) override { inner_.all_reduce_sum(values); }
  std::unique_ptr<Communicator> split(int color) override { return inner_.split(color); }
  std::unique_ptr<Communicator> split_by_node() override { return inner_.split_by_node(); }
  void abort(int code) override { inner_.abort(code); }

 private:
  // Of the only bucket: a trainer makes the replica first, then what sums gradients.
  static constexpr std::size_t kParameters = 1;

  Communicator& inner_;
  bool breaks_ = false;
  std::span<std::byte> arriving_;
  int rounds_ = 0;  // of the exchange of the parameters that are done
  int rounds_of_step_ = -1;
};

/// Trains with a fault on `broken` in step 2; replicas are compared every second step.
Caught train_with_fault(int broken, const std::string& reduction, const std::string& check_every = "2") {
  Config config = make_test_config({{"train.reduction", reduction},
                                    {"train.exchange", "messages"},
                                    {"train.check-every", check_every},
                                    {"train.epochs", "4"}});
  config.training.compression = Compression::kOff;  // what arrives has to be values
  FaultyCommunicator communicator(world());
  const Problem problem = make_problem(config, communicator);
  Trainer trainer(communicator, make_model(config, problem), problem, config.training);
  trainer.step();
  if (world().rank() == broken) communicator.break_next_exchange();
  return catch_error([&] {
    while (trainer.steps_done() < trainer.plan().total_steps) trainer.step();
  });
}

TEST_F(GuardTest, OneWrongValueOnOneRankIsFoundAndTheRankNamed) {
  // Of two ranks either may be the wrong one.
  const bool is_known = world().size() > 2;
  for (int broken = 0; broken < world().size(); ++broken) {
    const std::string who =
        is_known ? fmt::format("weights of rank {} differ from those of the other", broken)
                 : "weights of rank 0 and those of rank 1 differ, and it can't be told which are wrong";
    for (const std::string reduction : {"reproducible", "fast"}) {
      expect_same_error(train_with_fault(broken, reduction), ExitCode::kGuard, {"step 2:", who});
    }
  }
}

TEST_F(GuardTest, ARankWithAnotherConfigurationIsFound) {
  const int stranger = world().size() - 1;
  const Config config =
      make_test_config({{"optimizer.learning-rate", world().rank() == stranger ? "0.02" : "0.01"}});
  expect_same_error(
      catch_error([&] { train(config, world()); }), ExitCode::kBadInput,
      {world().size() == 2
           ? "optimizer.learning-rate is 0.01 on rank 0, 0.02 on rank 1;"
           : fmt::format("optimizer.learning-rate is 0.02 on rank {}, 0.01 elsewhere;", stranger)});
}

TEST_F(GuardTest, ARankWithAnotherSeedIsFoundThoughOwnersAloneDrawTheWeights) {
  const int stranger = world().size() - 1;
  const Config config = make_test_config({});
  TrainingOptions options = config.training;
  options.seed = world().rank() == stranger ? 9 : 8;
  const Problem problem = make_problem(config, world());
  expect_same_error(catch_error([&] { Trainer(world(), make_model(config, problem), problem, options); }),
                    ExitCode::kBadInput,
                    {world().size() == 2 ? "the seed is 8 on rank 0, 9 on rank 1;"
                                         : fmt::format("the seed is 9 on rank {}, 8 elsewhere;", stranger)});
}

TEST_F(GuardTest, ComparingTheReplicasMayBeTurnedOff) {
  EXPECT_FALSE(train_with_fault(1, "reproducible", "0").code.has_value());
}

TEST_F(GuardTest, ADivergingRunIsTheSameErrorOnAllRanks) {
  for (const std::string reduction : {"reproducible", "fast"}) {
    const Config config = make_test_config({{"data.source", "linear"},
                                            {"model.layers", "linear 4, linear 1"},
                                            {"train.reduction", reduction},
                                            {"train.epochs", "50"},
                                            {"optimizer.learning-rate", "1000"}});
    expect_same_error(catch_error([&] { train(config, world()); }), ExitCode::kGuard, {"step "});
  }
}

/// One sample of a regression whose target is no number.
Problem make_bad_problem(const Config& config, Index bad_sample) {
  Problem problem = make_problem(config, world());
  DatasetContent content = make_synthetic("linear", Part::kTraining, config.data.source.synthetic);
  content.targets[static_cast<std::size_t>(bad_sample)] = std::numeric_limits<float>::quiet_NaN();
  problem.training = make_dataset(std::move(content));
  return problem;
}

TEST_F(GuardTest, ANonFiniteLossNamesStepMicroBatchRankAndSamples) {
  const Config config = make_test_config({{"data.source", "linear"},
                                          {"data.samples", "64"},
                                          {"model.layers", "linear 1"},
                                          {"train.batch-size", "16"},
                                          {"train.micro-batches", "8"}});
  for (const Index bad_sample : {0, 31, 63}) {
    const Problem problem = make_bad_problem(config, bad_sample);
    Trainer trainer(world(), make_model(config, problem), problem, config.training);
    const Caught caught = catch_error([&] {
      while (trainer.steps_done() < trainer.plan().total_steps) trainer.step();
    });

    // Where the sample stands, found one by one.
    const Sampler sampler(config.training.seed, problem.training.size(), config.training.batch_size);
    Index at = -1;
    std::uint64_t step = 0;
    for (; at < 0; ++step) {
      const GlobalBatch batch = sampler.batch(step);
      std::vector<Index> samples(static_cast<std::size_t>(batch.size));
      sampler.samples(batch, 0, samples);
      const auto found = std::find(samples.begin(), samples.end(), bad_sample);
      if (found != samples.end()) at = found - samples.begin();
    }
    const BatchPlan plan(config.training.batch_size, config.training.micro_batches, world().size());
    Index m = 0;
    while (plan.rows(m).last <= at) ++m;
    expect_same_error(
        caught, ExitCode::kGuard,
        {fmt::format("step {}: the loss of micro-batch {} on rank {} is nan", step, m, plan.owner(m)),
         std::to_string(bad_sample)});
    EXPECT_EQ(trainer.steps_done(), step - 1) << "the weights are those before the bad step";
  }
}

}  // namespace
}  // namespace lockstep::test
