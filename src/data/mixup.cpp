#include "data/mixup.hpp"

#include "data/picture_changes.hpp"
#include "lockstep/core/error.hpp"
#include "lockstep/core/functions.hpp"
#include "lockstep/core/random.hpp"

namespace lockstep {

namespace {

/// It stands last, and draw number 0 of it is the distance.
RandomBits draw_of_mixup(const AugmentedPass& pass, Index sample, std::uint64_t number) {
  return draw_change(pass, sample, pass.changes.size() - 1, number);
}

}  // namespace

bool mixes(std::span<const PictureChange> changes) {
  return !changes.empty() && std::holds_alternative<Mixup>(changes.back());
}

Index partner_distance(const AugmentedPass& pass, Index sample, Index size) {
  LOCKSTEP_CHECK(mixes(pass.changes));
  return size == 1 ? 0 : 1 + uniform_below(size - 1, draw_of_mixup(pass, sample, 0)[0]);
}

/// X / (X + Y) with X = U^(1/α) and Y = V^(1/α) for the first uniform U and V with X + Y <= 1, which are at
/// least half of them; by logarithms, since X and Y may be too small for numbers. Source: Jöhnk: Erzeugung
/// von betaverteilten und gammaverteilten Zufallszahlen. 1964.
double own_share(const AugmentedPass& pass, Index sample) {
  LOCKSTEP_CHECK(mixes(pass.changes));
  const double alpha = std::get<Mixup>(pass.changes.back()).alpha;
  constexpr std::uint64_t kMostDraws = 64;
  for (std::uint64_t number = 1; number <= kMostDraws; ++number) {
    const RandomBits bits = draw_of_mixup(pass, sample, number);
    for (const std::size_t pair : {0U, 2U}) {
      const double log_x = portable::log(1 - uniform(bits[pair])) / alpha;
      const double log_y = portable::log(1 - uniform(bits[pair + 1])) / alpha;
      if (portable::exp(log_x) + portable::exp(log_y) <= 1) return portable::logistic(log_x - log_y);
    }
  }
  return 0.5;  // once in 2^128 samples
}

}  // namespace lockstep
