#include "lockstep/parallel/step_facts.hpp"

#include <algorithm>
#include <cmath>

namespace lockstep {

StepFacts::StepFacts(Communicator& communicator, const Shares& shares, Index micro_batches)
    : communicator_(communicator),
      own_micro_batches_(
          static_cast<std::size_t>(part_of(micro_batches, communicator.size(), communicator.rank()).size())),
      most_micro_batches_(
          static_cast<std::size_t>((micro_batches + communicator.size() - 1) / communicator.size())),
      losses_(static_cast<std::size_t>(micro_batches)),
      squares_(shares.pieces().size()) {
  Index most_pieces = 0;
  for (int rank = 0; rank < communicator.size(); ++rank) {
    std::vector<Interval>& pieces = pieces_.emplace_back();
    for (const Share& share : shares.owned_by(rank)) pieces.push_back(share.pieces);
    most_pieces = std::max(most_pieces, shares.pieces_of(rank));
  }
  mine_.resize(most_micro_batches_ + static_cast<std::size_t>(most_pieces));
  all_.resize(mine_.size() * static_cast<std::size_t>(communicator.size()));
}

std::span<double> StepFacts::own_losses() { return std::span(mine_).first(own_micro_batches_); }

bool StepFacts::are_finite() const {
  return std::isfinite(gradient_norm_) &&
         std::all_of(losses_.begin(), losses_.end(), [](double loss) { return std::isfinite(loss); });
}

void StepFacts::share(std::span<const double> squares) {
  std::copy(squares.begin(), squares.end(), mine_.begin() + static_cast<Index>(most_micro_batches_));
  communicator_.all_gather(std::as_bytes(std::span(mine_)), std::as_writable_bytes(std::span(all_)));

  auto loss = losses_.begin();
  for (int rank = 0; rank < communicator_.size(); ++rank) {
    auto next = all_.begin() + static_cast<Index>(mine_.size()) * rank;
    const Interval owned = part_of(static_cast<Index>(losses_.size()), communicator_.size(), rank);
    loss = std::copy_n(next, owned.size(), loss);
    next += static_cast<Index>(most_micro_batches_);
    for (const Interval& pieces : pieces_[static_cast<std::size_t>(rank)]) {
      std::copy_n(next, pieces.size(), squares_.begin() + pieces.first);
      next += pieces.size();
    }
  }
  double sum = 0;
  for (const double square : squares_) sum += square;
  gradient_norm_ = std::sqrt(sum);
}

}  // namespace lockstep
