#include "lockstep/parallel/step_facts.hpp"

#include <algorithm>
#include <cmath>

namespace lockstep {

StepFacts::StepFacts(Communicator& communicator, const Shares& shares, Index micro_batches, Index sums)
    : communicator_(communicator),
      sums_(static_cast<std::size_t>(sums)),
      seconds_(static_cast<std::size_t>(communicator.size())),
      losses_(static_cast<std::size_t>(micro_batches)),
      micro_batch_sums_(static_cast<std::size_t>(micro_batches * sums)),
      each_(losses_.size()),
      totals_(sums_),
      squares_(shares.pieces().size()) {
  for (int rank = 0; rank < communicator.size(); ++rank) {
    std::vector<Interval>& pieces = pieces_.emplace_back();
    for (const Share& share : shares.owned_by(rank)) pieces.push_back(share.pieces);
    most_pieces_ = std::max(most_pieces_, static_cast<std::size_t>(shares.pieces_of(rank)));
  }
}

void StepFacts::start(const BatchPlan& plan) {
  plan_ = &plan;
  const auto size_of = [](Interval owned) { return static_cast<std::size_t>(owned.size()); };
  own_micro_batches_ = size_of(plan.owned_by(communicator_.rank()));
  most_micro_batches_ = size_of(std::ranges::max(plan.owned(), {}, size_of));
  mine_.resize(most_micro_batches_ * (1 + sums_) + most_pieces_ + 1);
  all_.resize(mine_.size() * static_cast<std::size_t>(communicator_.size()));
}

std::span<double> StepFacts::own_losses() { return std::span(mine_).first(own_micro_batches_); }

std::span<double> StepFacts::own_sums(std::size_t i) {
  return std::span(mine_).subspan(most_micro_batches_ + i * sums_, sums_);
}

std::span<const double> StepFacts::sums(const Presence& present) {
  for (std::size_t i = 0; i < sums_; ++i) {
    for (std::size_t m = 0; m < each_.size(); ++m) each_[m] = micro_batch_sums_[m * sums_ + i];
    totals_[i] = tree_sum(each_, present);
  }
  return totals_;
}

bool StepFacts::are_finite() const {
  return std::isfinite(gradient_norm_) &&
         std::all_of(losses_.begin(), losses_.end(), [](double loss) { return std::isfinite(loss); });
}

void StepFacts::share(std::span<const double> squares, double seconds) {
  const auto begin_of_sums = static_cast<Index>(most_micro_batches_);
  const auto begin_of_squares = static_cast<Index>(most_micro_batches_ * (1 + sums_));
  std::copy(squares.begin(), squares.end(), mine_.begin() + begin_of_squares);
  mine_.back() = seconds;
  communicator_.all_gather(std::as_bytes(std::span(mine_)), std::as_writable_bytes(std::span(all_)));

  auto loss = losses_.begin();
  auto sums = micro_batch_sums_.begin();
  for (int rank = 0; rank < communicator_.size(); ++rank) {
    const auto begin = all_.begin() + static_cast<Index>(mine_.size()) * rank;
    const Interval owned = plan_->owned_by(rank);
    loss = std::copy_n(begin, owned.size(), loss);
    sums = std::copy_n(begin + begin_of_sums, owned.size() * static_cast<Index>(sums_), sums);
    auto next = begin + begin_of_squares;
    for (const Interval& pieces : pieces_[static_cast<std::size_t>(rank)]) {
      std::copy_n(next, pieces.size(), squares_.begin() + pieces.first);
      next += pieces.size();
    }
    seconds_[static_cast<std::size_t>(rank)] = *(begin + std::ssize(mine_) - 1);
  }
  double sum = 0;
  for (const double square : squares_) sum += square;
  gradient_norm_ = std::sqrt(sum);
}

}  // namespace lockstep
