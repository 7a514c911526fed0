#pragma once

#include <functional>
#include <map>
#include <string>

#include "lockstep/core/index.hpp"

namespace lockstep {

/// Seeks the learning rate of least cost on the grid base · factor^k.
class RateSearch {
 public:
  /// `cost` of the rate with this text; infinite where the rate is too large.
  RateSearch(double base, double factor, std::function<double(const std::string& rate)> cost);

  /// The best k: from `start`, or the first below it of finite cost, in whichever direction the cost falls,
  /// as far as it does, so that both neighbours of the best were tried; of at most `most` rates, each once.
  int best(int start, Index most);

  /// Four digits, which is what a training gets.
  std::string rate_text(int k) const;
  /// What was tried.
  const std::map<int, double>& costs() const { return costs_; }
  /// Whether both neighbours of k were tried.
  bool is_inside(int k) const { return costs_.contains(k - 1) && costs_.contains(k + 1); }

 private:
  double cost(int k);

  double base_;
  double factor_;
  std::function<double(const std::string&)> cost_of_;
  std::map<int, double> costs_;
};

}  // namespace lockstep
