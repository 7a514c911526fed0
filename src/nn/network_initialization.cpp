// What a network's parameters are at first.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <iterator>
#include <span>

#include "lockstep/core/random.hpp"
#include "lockstep/core/threads.hpp"
#include "lockstep/nn/network.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

namespace {

/// N(0, scale²), or U(-scale, scale).
struct Distribution {
  bool is_normal;
  double scale;
};

Distribution weight_distribution(Initialization scheme, double fan_in, double fan_out) {
  if (scheme == Initialization::kNormal) return {true, 1};
  if (scheme == Initialization::kHe) return {true, std::sqrt(2 / fan_in)};
  return {false, std::sqrt(6 / (fan_in + fan_out))};
}

/// Element i of tensor number `tensor` is a pure function of (seed, tensor, i).
void draw_weight(std::span<Real> weight, std::uint64_t seed, std::size_t tensor, Distribution distribution) {
  constexpr std::size_t kBlocks = 64;  // of random bits at a time
  constexpr std::size_t kDraws = std::tuple_size_v<RandomBits>;
  constexpr Index kGrain = 1 << 14;  // a multiple of kBlocks * kDraws
  const auto [is_normal, scale] = distribution;
  for_each_range(
      std::ssize(weight), kGrain, [&, is_normal = is_normal, scale = scale](Index begin, Index size) {
        std::array<RandomBits, kBlocks> bits{};
        std::array<double, kBlocks * kDraws> numbers{};
        const auto end = static_cast<std::size_t>(begin + size);
        for (auto first = static_cast<std::size_t>(begin); first < end; first += numbers.size()) {
          for (std::size_t block = 0; block < kBlocks; ++block)
            bits[block] = random_bits(seed, Purpose::kInitialization, {tensor, first / kDraws + block, 0, 0});
          if (is_normal) normal(bits, numbers);
          for (std::size_t i = 0; i < std::min(numbers.size(), end - first); ++i) {
            const double number = is_normal ? numbers[i] : 2 * uniform(bits[i / kDraws][i % kDraws]) - 1;
            weight[first + i] = static_cast<Real>(scale * number);
          }
        }
      });
}

}  // namespace

/// How the first unit after unit `i` responds that doesn't only pass on.
Response Network::response_to(std::size_t i) const {
  for (std::size_t next = i + 1; next < nodes_.size(); ++next) {
    const std::vector<std::size_t>& sources = nodes_[next].sources;
    if (std::find(sources.begin(), sources.end(), i) == sources.end()) continue;
    const Response response = nodes_[next].unit->response();
    if (response != Response::kPassesOn) return response;
    i = next;
  }
  return Response::kOther;
}

void Network::initialize(std::uint64_t seed, Initialization scheme) {
  const std::span<Real> all = parameters();
  start_statistics();
  for (std::size_t number = 0; number < layout_.tensors().size(); ++number) {
    const ParameterTensor& tensor = layout_.tensors()[number];
    const auto values = all.subspan(static_cast<std::size_t>(tensor.range.offset),
                                    static_cast<std::size_t>(tensor.range.size));
    if (!is_drawn(tensor.role)) {
      std::fill(values.begin(), values.end(), tensor.role == TensorRole::kGain ? Real(1) : Real(0));
      continue;
    }
    Initialization chosen = scheme;
    if (scheme == Initialization::kAuto) {
      chosen =
          response_to(tensor.unit) == Response::kRectifies ? Initialization::kHe : Initialization::kGlorot;
    }
    draw_weight(
        values, seed, number,
        weight_distribution(chosen, static_cast<double>(tensor.fan_in), static_cast<double>(tensor.fan_out)));
  }
}

}  // namespace lockstep::inline LOCKSTEP_REAL
