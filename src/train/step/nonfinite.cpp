#include "train/step/nonfinite.hpp"

#include <algorithm>
#include <cmath>
#include <mutex>
#include <optional>

#include <fmt/format.h>

#include "core/text.hpp"
#include "lockstep/nn/weights.hpp"
#include "lockstep/optim/algorithm.hpp"
#include "lockstep/parallel/agreement.hpp"
#include "optim/norm.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

namespace {

constexpr Index kMostTried = 64;  // samples, one by one

bool are_finite(std::span<const Real> values) {
  return std::all_of(values.begin(), values.end(), [](Real value) { return std::isfinite(value); });
}

/// "2.weight (linear 10)".
std::string name_of(const ParameterTensor& tensor, const Network& model) {
  return fmt::format("{} ({})", tensor.name, model.unit(tensor.unit).text());
}

/// The last tensor of which `is_bad` holds: backward comes to that first.
template <typename Predicate>
std::optional<std::string> last_tensor(const Network& model, const Predicate& is_bad) {
  const std::vector<ParameterTensor>& tensors = model.layout().tensors();
  const auto bad = std::find_if(tensors.rbegin(), tensors.rend(), is_bad);
  return bad == tensors.rend() ? std::nullopt : std::optional(name_of(*bad, model));
}

/// Rows of a failed step that pass through the network again.
class Again {
 public:
  Again(const FailedStep& step, Network& model, Index micro_batch, Interval rows)
      : step_(step), model_(model) {
    gather_rows(step.problem, step.sampler, step.batch, rows, batch_);
    all_ = {static_cast<int>(micro_batch), 0, rows.size()};
    model.forward(block(), features());
  }

  std::span<const Index> samples() const { return batch_.samples; }

  /// Of each row.
  std::vector<double> losses() {
    std::vector<MicroBatchRows> rows;
    rows.reserve(batch_.samples.size());
    for (Index r = 0; r < batch_.rows(); ++r) rows.push_back({all_.micro_batch, r, 1});
    RowBlock by_row = block();
    by_row.micro_batches = rows;
    std::vector<double> losses(rows.size());
    step_.problem.loss->evaluate(by_row, outputs(), targets(), losses, MatrixView(nullptr, 0, 0));
    return losses;
  }

  /// What first gives `row` a value that is not finite: 0 for the features, i + 1 for unit i, and one more
  /// for the loss.
  std::size_t first_nonfinite(Index row) const {
    if (!is_finite_row(features(), row)) return 0;
    std::size_t unit = 0;
    while (unit < model_.units() && is_finite_row(model_.output_of(unit, batch_.rows()), row)) ++unit;
    return unit + 1;
  }

  /// The tensor at which backward is first not finite, for all rows as one micro-batch.
  std::optional<std::string> nonfinite_gradient() {
    double loss = 0;
    step_.problem.loss->evaluate(block(), outputs(), targets(), {&loss, 1},
                                 model_.output_gradient(batch_.rows()));
    Sink sink;
    model_.backward(block(), features(), sink);
    return last_tensor(model_, [&](const ParameterTensor& tensor) {
      return tensor.range.offset <= sink.last() && sink.last() < tensor.range.offset + tensor.range.size;
    });
  }

 private:
  /// Keeps nothing of a gradient but where the last range begins that is not finite.
  class Sink final : public GradientSink {
   public:
    void add(const RowBlock& block, ParameterRange range, const WriteGradient& write) override {
      std::vector<Real> gradient(static_cast<std::size_t>(range.size));
      for (const MicroBatchRows& m : block.micro_batches) write(m, gradient.data());
      if (are_finite(gradient)) return;
      const std::scoped_lock lock(mutex_);  // threads bring ranges at the same time
      last_ = std::max(last_, range.offset);
    }
    Index last() const { return last_; }

   private:
    std::mutex mutex_;
    Index last_ = -1;
  };

  RowBlock block() const {
    RowBlock block = step_.rows;
    block.micro_batches = {&all_, 1};
    block.samples = batch_.samples;
    return block;
  }
  ConstMatrixView features() const { return {batch_.features.data(), batch_.rows(), model_.inputs()}; }
  ConstMatrixView outputs() const { return model_.output_of(model_.units() - 1, batch_.rows()); }
  Targets targets() const { return targets_of(batch_); }

  const FailedStep& step_;
  Network& model_;
  Batch batch_;
  MicroBatchRows all_;
};

/// Of micro-batch `m`, whose loss is not finite: which samples, and from where on. Local.
std::string find_in_losses(const FailedStep& step, Network& model, Index m) {
  Again again(step, model, m, step.plan.rows(m));
  const std::vector<double> losses = again.losses();
  std::vector<Index> samples;
  std::size_t first = model.units() + 1;
  for (std::size_t row = 0; row < losses.size(); ++row) {
    if (std::isfinite(losses[row])) continue;
    samples.push_back(again.samples()[row]);
    first = std::min(first, again.first_nonfinite(static_cast<Index>(row)));
  }
  if (samples.empty()) return "computed again, it is finite: is the memory of that machine good?";
  std::string place = first == 0 ? "the features" : "the loss (" + step.problem.loss_name + ")";
  if (first > 0 && first <= model.units()) {
    place = "unit " + model.name_of_unit(first - 1);
  }
  return fmt::format("{} of its {} samples, {}, from {} on", samples.size(), losses.size(),
                     name_samples(samples, std::ssize(samples)), place);
}

/// Of micro-batch `m`, whose gradient is not finite in `tensor` first: which samples. Local.
std::string find_in_gradients(const FailedStep& step, Network& model, Index m, const std::string& tensor) {
  const Interval rows = step.plan.rows(m);
  const Index tried = std::min(rows.size(), kMostTried);
  std::vector<Index> samples;
  std::string first;
  for (Index row = rows.first; row < rows.first + tried && samples.size() <= kMostNamedSamples; ++row) {
    Again again(step, model, m, {row, row + 1});
    const std::optional<std::string> bad = again.nonfinite_gradient();
    if (!bad) continue;
    samples.push_back(again.samples().front());
    if (first.empty()) first = *bad;
  }
  if (samples.empty()) {
    return fmt::format("the sum of its {} samples, {}in {}", rows.size(),
                       tried < rows.size() ? fmt::format("or one of those after the first {}, ", tried) : "",
                       tensor);
  }
  return fmt::format("that of {}, from {} on", name_samples(samples, std::ssize(samples)), first);
}

/// What this rank's micro-batches say of a gradient that is not finite, though all losses are. Local.
struct Finding {
  Index micro_batch;  // the number of all where there is none
  std::string text;
};
Finding first_bad_gradient(const FailedStep& step, Network& model, int rank) {
  const Interval owned = step.plan.owned_by(rank);
  for (Index m = owned.first; m < owned.last; ++m) {
    if (step.plan.rows(m).size() == 0) continue;
    const auto tensor = Again(step, model, m, step.plan.rows(m)).nonfinite_gradient();
    if (tensor) return {m, find_in_gradients(step, model, m, *tensor)};
  }
  return {step.plan.micro_batches(), {}};
}

/// What a step multiplies weights with beside their gradient is 1 less this: λ times what scales it. Of
/// algorithms that step by a tensor's norm, and of L2 in those that divide by the gradient's size, none is
/// too much.
double decay_of(const TrainingOptions& options, double learning_rate, const std::string& name) {
  const Hyperparameters& values = options.optimizer.hyperparameters;
  if (name == "l2") return options.optimizer.name == "sgd" ? learning_rate * options.optimizer.l2 : 0;
  const auto decay = values.find("weight-decay");
  if (decay == values.end() || find_algorithm(options.optimizer.name).scope == Scope::kTensor) return 0;
  const auto scaling = values.find("decay-scaling");
  const bool by_schedule = scaling != values.end() && scaling->second != 0;
  return (by_schedule ? 1 : learning_rate) * decay->second;
}

}  // namespace

std::string nonfinite_advice(const TrainingOptions& options, const Problem& problem, double learning_rate,
                             std::uint64_t updates, bool in_step) {
  if (updates == 0) {
    return fmt::format(
        "nothing is trained yet: look at `initialization` or `init`{}",
        problem.normalize == "none" ? ", or set `normalize` = standard" : " and the data there");
  }
  const auto epsilon = options.optimizer.hyperparameters.find("epsilon");
  if (epsilon != options.optimizer.hyperparameters.end() && static_cast<Real>(epsilon->second) == 0) {
    return "raise `epsilon`: where a gradient stays 0, as that of a constant column, 0 is divided by "
           "0";
  }
  constexpr double kMost = 2;  // beyond it a step makes weights larger and turns their sign
  for (const char* const name : {"weight-decay", "l2"}) {
    const double decay = decay_of(options, learning_rate, name);
    if (decay > kMost) {
      return fmt::format("lower `{}`: with the learning rate it multiplies weights by {:.3g} in every step",
                         name, 1 - decay);
    }
  }
  return fmt::format("{}lower `learning-rate` or {} `clip-norm`",
                     in_step ? "look at the data there, or " : "", options.clip_norm > 0 ? "lower" : "set");
}

NonFinite find_nonfinite(const FailedStep& step, Network& model,
                         const std::function<std::vector<Real>()>& whole_gradient,
                         Communicator& communicator) {
  const auto in_step = [&](const std::string& what, std::optional<int> rank, const std::string& how) {
    const std::string of_rank = rank ? " on " + names_of(communicator, {*rank}) : "";
    const auto text = [&](const std::string& computed) {
      return fmt::format("step {}: the {}{} is {}", step.rows.step + 1, what, computed, how);
    };
    return NonFinite{text(of_rank), text("")};
  };
  const auto loss = std::find_if(step.losses.begin(), step.losses.end(),
                                 [](double value) { return !std::isfinite(value); });
  if (loss != step.losses.end()) {
    const Index m = loss - step.losses.begin();
    const auto owner = static_cast<int>(step.plan.owner(m));
    std::string place;
    together(communicator, [&] {
      if (communicator.rank() == owner) place = find_in_losses(step, model, m);
    });
    return in_step(fmt::format("loss of micro-batch {}", m), owner,
                   fmt::format("{}: {}",
                               std::isnan(*loss) ? std::abs(*loss) : *loss,  // the sign of a NaN says nothing
                               broadcast_text(communicator, place, owner)));
  }
  Finding finding{};
  together(communicator, [&] { finding = first_bad_gradient(step, model, communicator.rank()); });
  const std::vector<Index> found = all_gather(communicator, finding.micro_batch);
  const auto first = std::min_element(found.begin(), found.end());
  if (*first < step.plan.micro_batches()) {
    const auto owner = static_cast<int>(first - found.begin());
    return in_step(fmt::format("gradient of micro-batch {}", *first), owner,
                   "not finite, though the loss is: " + broadcast_text(communicator, finding.text, owner));
  }
  const std::vector<Real> gradient = whole_gradient();
  const auto tensor = last_tensor(model, [&](const ParameterTensor& t) {
    return !are_finite(std::span(gradient).subspan(static_cast<std::size_t>(t.range.offset),
                                                   static_cast<std::size_t>(t.range.size)));
  });
  return in_step("gradient", std::nullopt,
                 "not finite, though those of all micro-batches are: their sum, in " +
                     tensor.value_or("no tensor, looked at again: is the memory of that machine good?"));
}

std::string nonfinite_weights(const Network& model) {
  if (std::isfinite(norm(model.parameters())) && are_finite(model.statistics())) return {};
  std::string first;
  for_each_tensor(model, [&](const ParameterTensor& tensor, std::span<const Real> values) {
    const auto bad = std::count_if(values.begin(), values.end(), [](Real v) { return !std::isfinite(v); });
    if (bad == 0 || !first.empty()) return;
    first = fmt::format("{}, {} of {} values", name_of(tensor, model), bad, values.size());
  });
  return first;
}

}  // namespace lockstep::inline LOCKSTEP_REAL
