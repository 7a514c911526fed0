#include "train/run/verify.hpp"

#include <cmath>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "core/digest.hpp"
#include "core/statistics.hpp"
#include "core/text.hpp"
#include "lockstep/core/error.hpp"
#include "lockstep/core/log.hpp"
#include "lockstep/nn/weights.hpp"
#include "lockstep/parallel/agreement.hpp"
#include "lockstep/train/trainer.hpp"

namespace lockstep {

namespace {

/// The largest |a - b| of one tensor over the largest |b| of it, or over 1e-4 of the largest of all tensors
/// if that is more, as the gradient by a tensor may be nothing but rounding errors. NaN where one of them is
/// not finite.
struct Difference {
  double value = 0;
  std::uint64_t step = 0;
  std::string tensor;
};

/// What a group of ranks did: digests[step][tensor] after each step.
struct Trace {
  std::vector<std::vector<std::string>> digests;
  std::string weights_digest;
  std::uint64_t skipped = 0;  ///< steps
  bool moved = false;         ///< whether any step changed the weights
  Difference from_one_piece;
};

std::vector<std::string> tensor_names(const Network& model) {
  std::vector<std::string> names;
  for (const ParameterLayout* layout : {&model.layout(), &model.statistics_layout()}) {
    for (const ParameterTensor& tensor : layout->tensors()) names.push_back(tensor.name);
  }
  return names;
}

std::vector<std::string> tensor_digests(const Network& model) {
  std::vector<std::string> digests;
  for_each_tensor(model, [&](const ParameterTensor& /*tensor*/, std::span<const Real> values) {
    digests.push_back(digest_of(std::as_bytes(values)));
  });
  return digests;
}

void compare(std::span<const Real> gradient, std::span<const Real> plain, const Network& model,
             std::uint64_t step, Difference& largest) {
  double largest_of_all = 0;
  for (const Real value : plain)
    largest_of_all = larger(largest_of_all, std::abs(static_cast<double>(value)));
  for (const ParameterTensor& tensor : model.layout().tensors()) {
    double difference = 0;
    double scale = 1e-4 * largest_of_all;
    for (Index i = tensor.range.offset; i < tensor.range.offset + tensor.range.size; ++i) {
      const auto at = static_cast<std::size_t>(i);
      difference = larger(difference, std::abs(static_cast<double>(gradient[at]) - plain[at]));
      scale = larger(scale, std::abs(static_cast<double>(plain[at])));
    }
    const double relative = scale == 0 ? difference : difference / scale;
    if (relative > largest.value || std::isnan(relative)) largest = {relative, step, tensor.name};
  }
}

/// Trains on `group`; `in_one_piece` asks for the comparison with the plain gradient. Collective over
/// `group`.
Trace train(const Config& config, const Problem& problem, Communicator& group, std::uint64_t steps,
            bool in_one_piece) {
  Trace trace;
  Trainer trainer(group, make_model(config, problem), problem, config.training);
  std::vector<std::string> before = tensor_digests(trainer.network());
  std::vector<Real> plain;
  std::vector<Real> gradient;
  const bool compares = in_one_piece && group.rank() == 0;
  const auto before_update = [&] {
    // Together, as other ranks would step weights that this one still reads.
    together(group, [&] {
      if (compares) plain = trainer.plain_gradient();
    });
    gradient = trainer.whole_gradient();
  };
  const auto after_step = [&](const StepReport& report) {
    if (report.skipped) ++trace.skipped;
    if (compares && !report.skipped) {
      compare(gradient, plain, trainer.network(), report.step, trace.from_one_piece);
    }
    std::vector<std::string> digests = tensor_digests(trainer.whole_network());
    trace.moved = trace.moved || digests != before;
    before = digests;
    trace.digests.push_back(std::move(digests));
  };
  trainer.run(steps, {.after_step = after_step, .before_update = before_update});
  trainer.check_weights();
  trace.weights_digest = weights_digest(trainer.whole_network());
  return trace;
}

/// "same", or the first step and tensor where `trace` leaves `reference`.
std::string first_difference(const Trace& trace, const Trace& reference,
                             const std::vector<std::string>& tensors) {
  for (std::size_t step = 0; step < trace.digests.size(); ++step) {
    for (std::size_t tensor = 0; tensor < tensors.size(); ++tensor) {
      if (trace.digests[step][tensor] == reference.digests[step][tensor]) continue;
      return fmt::format("differs from step {} on, first in {}", step + 1, tensors[tensor]);
    }
  }
  return "same";
}

/// The trace of the first `ranks` ranks of `world`, on rank 0; the other ranks sleep meanwhile. Collective.
Trace train_on(int ranks, const Config& config, const Problem& problem, Communicator& world,
               std::uint64_t steps, bool in_one_piece) {
  const std::unique_ptr<Communicator> group = world.split(world.rank() < ranks ? 0 : 1);
  Trace trace;
  in_groups(world, *group, [&] {
    if (world.rank() < ranks) trace = train(config, problem, *group, steps, in_one_piece);
  });
  return trace;
}

/// Errors (exit code 3): steps that show nothing, though all rank counts agree in them. On rank 0.
void check_that_it_trained(const Trace& trace, std::uint64_t steps) {
  if (trace.skipped > 0) {
    fail_guard(
        "verify: {} of {} were skipped, as a loss or the gradient was not finite: they prove nothing; look "
        "at the "
        "data there, or lower optimizer.learning-rate",
        trace.skipped, count_of(static_cast<std::int64_t>(steps), "step"));
  }
  if (!trace.moved) {
    fail_guard(
        "verify: no step changed the weights, which proves nothing: the learning rate or the gradient is 0 "
        "in all {}; "
        "look at optimizer.learning-rate, the schedule and the data",
        count_of(static_cast<std::int64_t>(steps), "step"));
  }
}

void check_rank_counts(const std::vector<int>& rank_counts, int started, bool compares_alone) {
  for (const int ranks : rank_counts) {
    if (ranks >= 1 && ranks <= started) continue;
    fail_input("--ranks {}: mpirun started {} ranks; expected rank counts from 1 to that, or start more",
               ranks, started);
  }
  if (compares_alone && std::set<int>(rank_counts.begin(), rank_counts.end()).size() < 2) {
    fail_input(
        "verify: there is only one rank count to compare, which proves nothing; start more ranks, as mpirun "
        "-np 8 "
        "does, and give --ranks several counts, or give the --digest of another machine");
  }
}

}  // namespace

void verify(Config config, Communicator& communicator, const std::vector<int>& rank_counts,
            std::uint64_t steps, const std::string& expected) {
  resolve_micro_batches(config, communicator.size());
  check_rank_counts(rank_counts, communicator.size(), expected.empty());
  const Problem problem = make_problem(config, communicator);
  const Network model = make_model(config, problem);

  log::info("ranks  steps  weights_digest                    compared with the first");
  std::optional<Trace> reference;
  bool all_agree = true;
  for (const int ranks : rank_counts) {
    const Trace trace = train_on(ranks, config, problem, communicator, steps, !reference);
    if (!reference) reference = trace;
    // Only rank 0 holds traces.
    const std::string comparison =
        communicator.rank() == 0 ? first_difference(trace, *reference, tensor_names(model)) : "same";
    log::info(fmt::format("{:5}  {:5}  {}  {}", ranks, steps, trace.weights_digest, comparison));
    all_agree = all_agree && comparison == "same";
  }
  const Difference& d = reference->from_one_piece;
  log::info(fmt::format("largest relative difference from the gradient {}: {:.2e}{}",
                        model.mixes_samples() ? "micro-batch by micro-batch" : "in one piece", d.value,
                        d.tensor.empty() ? "" : fmt::format(" ({}, step {})", d.tensor, d.step)));
  together(communicator, [&] {
    if (!all_agree) {
      fail_guard("verify: the weights depend on the rank count (see the table); {}",
                 config.training.reduction == Reduction::kFast ? "train.reduction = fast promises no more"
                                                               : "please report it with this configuration");
    }
    if (communicator.rank() == 0 && !expected.empty() && reference->weights_digest != expected) {
      fail_guard(
          "verify: the weights_digest is {} after {}, expected {}; compare version, configuration, data, "
          "--steps and "
          "train.micro-batches with those of the machine that it is from",
          reference->weights_digest, count_of(static_cast<std::int64_t>(steps), "step"), expected);
    }
    // Rounding is far below, a wrong gradient far above.
    constexpr double kLargestDifference = 1e-2;
    if (communicator.rank() == 0) check_that_it_trained(*reference, steps);
    if (std::isnan(d.value)) {
      fail_guard("verify: the gradient of step {} is not finite in {}, so that nothing can be compared",
                 d.step, d.tensor);
    }
    if (!(d.value < kLargestDifference)) {
      fail_guard(
          "verify: the gradient is not that of the batch in one piece; please report it with this "
          "configuration");
    }
  });
  if (rank_counts.size() > 1) {
    log::info(fmt::format("{} rank counts agree bit for bit over {}", rank_counts.size(),
                          count_of(static_cast<std::int64_t>(steps), "step")));
  }
  if (!expected.empty()) log::info("the weights_digest is the one that was expected");
}

}  // namespace lockstep
