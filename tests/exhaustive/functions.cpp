/// exhaustive_functions [--bits] [NAME …]: the functions of lockstep/core/functions.hpp, or those named, of
/// all 2³² floats. A line each with the largest error against double references in ulps, its argument, how
/// many results are wrong (NaN, infinite, zero or of another sign where the reference is not), and the digest
/// of all results, to compare vector units, compilers and machines; with --bits the digest alone. Exit code 1
/// where an error is above the bound that the header states.
#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <numeric>
#include <span>
#include <string_view>
#include <vector>

#include "core/digest.hpp"
#include "core/vector_unit.hpp"
#include "function_cases.hpp"
#include "lockstep/core/threads.hpp"

namespace lockstep {
namespace {

constexpr std::uint32_t kBlockFloats = 1U << 18U;
constexpr float kSmallest = std::numeric_limits<float>::min();
constexpr std::uint32_t kBlocks = 1U << 14U;

struct Errors {
  double largest = 0.5;  // of those that are the nearest float, and so are not looked at
  float where = 0;
  std::uint64_t second_nearest = 0;
  std::uint64_t wrong = 0;
};

Errors worse(const Errors& a, const Errors& b) {
  const Errors& larger = b.largest > a.largest ? b : a;
  return {larger.largest, larger.where, a.second_nearest + b.second_nearest, a.wrong + b.wrong};
}

void compare(const test::FunctionCase& function, float x, float y, Errors& errors) {
  const double expected = function.of_double(std::abs(x) < kSmallest ? std::copysign(0.0, x) : x);
  const auto nearest = static_cast<float>(expected);
  if (y == nearest && std::abs(y) >= kSmallest) return;
  const double error = test::error_in_ulps(y, expected, 0);
  if (!(error < test::kWrong) || y * expected < 0) {
    ++errors.wrong;
  } else if (error > 0) {
    ++errors.second_nearest;
    if (error > errors.largest) {
      errors.largest = error;
      errors.where = x;
    }
  }
}

/// Prints the line of `function`; returns whether its errors are within the bound.
bool try_all_floats(const test::FunctionCase& function, bool bits_alone) {
  std::vector<Errors> errors(kBlocks);
  std::vector<DigestBlocks::BlockDigest> digests(kBlocks);
  for_each_part(kBlocks, [&](Index block) {
    thread_local std::array<float, kBlockFloats> x;
    thread_local std::array<float, kBlockFloats> y;
    const auto b = static_cast<std::uint32_t>(block);
    for (std::uint32_t i = 0; i < kBlockFloats; ++i) x[i] = std::bit_cast<float>(b * kBlockFloats + i);
    function.function(x.data(), y.data(), kBlockFloats);
    digests[b] = DigestBlocks(std::as_bytes(std::span(y))).digest(0);
    if (bits_alone) return;
    for (std::uint32_t i = 0; i < kBlockFloats; ++i) compare(function, x[i], y[i], errors[b]);
  });
  const Errors all = std::accumulate(errors.begin(), errors.end(), Errors{}, worse);
  std::printf("%-10s  %s", function.name.c_str(), DigestBlocks::digest(digests).c_str());
  if (!bits_alone)
    std::printf("  %.9f ulp at %a, %llu not the nearest, %llu wrong", all.largest,
                static_cast<double>(all.where), static_cast<unsigned long long>(all.second_nearest),
                static_cast<unsigned long long>(all.wrong));
  std::printf("\n");
  std::fflush(stdout);
  return all.largest <= test::kUlpsOfFloat && all.wrong == 0;
}

}  // namespace
}  // namespace lockstep

int main(int argc, char** argv) {
  using namespace lockstep;
  std::vector<std::string_view> names(argv + 1, argv + argc);
  const bool bits_alone = std::erase(names, "--bits") > 0;
  set_threads(available_cpus());
  bool good = true;
  for (const auto& function : test::kFunctionCases) {
    if (names.empty() || std::find(names.begin(), names.end(), function.name) != names.end())
      good = try_all_floats(function, bits_alone) && good;
  }
  return good ? 0 : 1;
}
