#include "check_scale.hpp"

#include <algorithm>
#include <memory>
#include <numeric>

#include "lockstep/nn/gradient_check.hpp"
#include "lockstep/nn/units.hpp"
#include "scale.hpp"

double error_of_scale() {
  using namespace lockstep;
  Network network(Shape{3});
  network.add(linear(5)).add(tanh()).add(consumer::scale()).add(linear(2));
  network.initialize(1, Initialization::kAuto);

  const std::vector<Real> x = {0.5, -1, 2, 1, 0.25, -0.75, -2, 0, 1.5, 0.1, 0.2, 0.3};
  const std::vector<std::int32_t> labels = {0, 1, 1, 0};
  std::vector<Index> samples(labels.size());
  std::iota(samples.begin(), samples.end(), Index{0});
  const RowBlock block{.micro_batches = {}, .samples = samples, .training = true, .seed = 1};
  double largest = 0;
  for (const GradientCheck& check : check_gradients(network, *make_cross_entropy(0), block, {x.data(), 4, 3},
                                                    {.labels = labels, .values = {}}, 100)) {
    largest = std::max(largest, check.largest_error);
  }
  return largest;
}
