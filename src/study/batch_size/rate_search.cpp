#include "study/batch_size/rate_search.hpp"

#include <cmath>
#include <utility>

#include <fmt/format.h>

namespace lockstep {

RateSearch::RateSearch(double base, double factor, std::function<double(const std::string&)> cost)
    : base_(base), factor_(factor), cost_of_(std::move(cost)) {}

int RateSearch::best(int start, Index most) {
  int at = start;
  while (!std::isfinite(cost(at)) && std::ssize(costs_) < most) --at;
  for (const int direction : {1, -1}) {
    const int begin = at;
    while (std::ssize(costs_) < most && cost(at + direction) < cost(at)) at += direction;
    if (at != begin) break;
  }
  return at;
}

std::string RateSearch::rate_text(int k) const { return fmt::format("{:.4g}", base_ * std::pow(factor_, k)); }

double RateSearch::cost(int k) {
  const auto known = costs_.find(k);
  if (known != costs_.end()) return known->second;
  const double cost = cost_of_(rate_text(k));
  return costs_[k] = cost;
}

}  // namespace lockstep
