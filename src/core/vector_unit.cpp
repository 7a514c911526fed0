#include "core/vector_unit.hpp"

#include <array>
#include <cstdlib>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/named.hpp"
#include "lockstep/core/error.hpp"

namespace lockstep {

namespace {

struct NamedUnit {
  VectorUnit unit;
  std::string_view name;
};

constexpr std::array kUnits{
    NamedUnit{VectorUnit::kGeneric, "generic"}, NamedUnit{VectorUnit::kNeon, "neon"},
    NamedUnit{VectorUnit::kAvx2, "avx2"}, NamedUnit{VectorUnit::kAvx512, "avx512"}};

/// Those that this processor has, the widest last.
std::vector<NamedUnit> units_here() {
  const auto has = [](VectorUnit unit) {
    switch (unit) {
#if defined(__x86_64__)
      case VectorUnit::kGeneric: return true;
      case VectorUnit::kAvx2: return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
      case VectorUnit::kAvx512:
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
               __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
               __builtin_cpu_supports("avx512vl");
#elif defined(__aarch64__)
      case VectorUnit::kNeon: return true;
#else
      case VectorUnit::kGeneric: return true;
#endif
      default: return false;
    }
  };
  std::vector<NamedUnit> units;
  std::copy_if(kUnits.begin(), kUnits.end(), std::back_inserter(units),
               [&](const NamedUnit& named) { return has(named.unit); });
  return units;
}

VectorUnit choose() {
  const std::vector<NamedUnit> units = units_here();
  const char* const wanted = std::getenv("LOCKSTEP_VECTOR_UNIT");
  if (wanted == nullptr) return units.back().unit;
  const NamedUnit* const named = find_named(units, wanted);
  if (named == nullptr) {
    fail_input("LOCKSTEP_VECTOR_UNIT={}: expected a vector unit that this processor has: {}", wanted,
               fmt::join(names_of(units), ", "));
  }
  return named->unit;
}

}  // namespace

VectorUnit vector_unit() {
  static const VectorUnit unit = choose();
  return unit;
}

std::string_view to_text(VectorUnit unit) {
  return std::find_if(kUnits.begin(), kUnits.end(), [&](const NamedUnit& named) { return named.unit == unit; })->name;
}

}  // namespace lockstep
