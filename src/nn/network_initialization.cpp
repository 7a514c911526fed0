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

/// Element i of tensor number `tensor` is a pure function of (seed, tensor, i). `weight` begins with element
/// `offset`.
void draw_weight(std::span<Real> weight, Index offset, std::uint64_t seed, std::size_t tensor,
                 Distribution distribution) {
  constexpr std::size_t kBlocks = 64;  // of random bits at a time
  constexpr std::size_t kDraws = std::tuple_size_v<RandomBits>;
  constexpr Index kGrain = 1 << 14;  // a multiple of kBlocks * kDraws
  const auto [is_normal, scale] = distribution;
  for_each_range(
      std::ssize(weight), kGrain, [&, is_normal = is_normal, scale = scale](Index begin, Index size) {
        std::array<RandomBits, kBlocks> bits{};
        std::array<double, kBlocks * kDraws> numbers{};
        const auto start = static_cast<std::size_t>(offset + begin);
        const auto end = static_cast<std::size_t>(offset + begin + size);
        const auto before = static_cast<std::size_t>(offset);
        for (std::size_t first = start / kDraws * kDraws; first < end; first += numbers.size()) {
          for (std::size_t block = 0; block < kBlocks; ++block)
            bits[block] = random_bits(seed, Purpose::kInitialization, {tensor, first / kDraws + block, 0, 0});
          if (is_normal) normal(bits, numbers);
          for (std::size_t i = std::max(start, first); i < std::min(first + numbers.size(), end); ++i) {
            const std::size_t draw = i - first;
            const double number =
                is_normal ? numbers[draw] : 2 * uniform(bits[draw / kDraws][draw % kDraws]) - 1;
            weight[i - before] = static_cast<Real>(scale * number);
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
  draw(seed, scheme, {0, layout_.size()}, all);
}

void Network::draw(std::uint64_t seed, Initialization scheme, ParameterRange range,
                   std::span<Real> values) const {
  for (std::size_t number = 0; number < layout_.tensors().size(); ++number) {
    const ParameterTensor& tensor = layout_.tensors()[number];
    const Index first = std::max(range.offset, tensor.range.offset);
    const Index last = std::min(range.offset + range.size, tensor.range.offset + tensor.range.size);
    if (first >= last) continue;
    const auto own = values.subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(last - first));
    if (!is_drawn(tensor.role)) {
      std::fill(own.begin(), own.end(), tensor.role == TensorRole::kGain ? Real(1) : Real(0));
      continue;
    }
    Initialization chosen = scheme;
    if (scheme == Initialization::kAuto) {
      chosen =
          response_to(tensor.unit) == Response::kRectifies ? Initialization::kHe : Initialization::kGlorot;
    }
    draw_weight(
        own, first - tensor.range.offset, seed, number,
        weight_distribution(chosen, static_cast<double>(tensor.fan_in), static_cast<double>(tensor.fan_out)));
  }
}

}  // namespace lockstep::inline LOCKSTEP_REAL
