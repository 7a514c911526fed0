#include "core/vector_unit.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "lockstep/core/error.hpp"

namespace lockstep {

namespace {

struct NamedUnit {
  VectorUnit unit;
  std::string_view name;
};

constexpr std::array kUnits{NamedUnit{VectorUnit::kGeneric, "generic"}, NamedUnit{VectorUnit::kNeon, "neon"},
                            NamedUnit{VectorUnit::kAvx2, "avx2"}, NamedUnit{VectorUnit::kAvx512, "avx512"},
                            NamedUnit{VectorUnit::kAvx512Bf16, "avx512_bf16"}};

bool is_here(VectorUnit unit) {
  switch (unit) {
#if defined(__x86_64__)
    case VectorUnit::kGeneric:
      return true;
    case VectorUnit::kAvx2:
      return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    case VectorUnit::kAvx512:
      return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
             __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
             __builtin_cpu_supports("avx512vl");
    case VectorUnit::kAvx512Bf16:
      return is_here(VectorUnit::kAvx512) && __builtin_cpu_supports("avx512bf16");
#elif defined(__aarch64__)
    case VectorUnit::kNeon:
      return true;
#else
    case VectorUnit::kGeneric:
      return true;
#endif
    default:
      return false;
  }
}

VectorUnit choose() {
  const std::vector<VectorUnit> units = vector_units();
  const char* const wanted = std::getenv("LOCKSTEP_VECTOR_UNIT");
  if (wanted == nullptr) return units.back();
  const auto found = std::ranges::find(units, std::string_view(wanted), to_text);
  if (found != units.end()) return *found;
  std::vector<std::string_view> names(units.size());
  std::ranges::transform(units, names.begin(), to_text);
  fail_input("LOCKSTEP_VECTOR_UNIT={}: expected a vector unit that this processor has: {}", wanted,
             fmt::join(names, ", "));
}

VectorUnit& unit_in_use() {
  static VectorUnit unit = choose();
  return unit;
}

}  // namespace

std::vector<VectorUnit> vector_units() {
  std::vector<VectorUnit> units;
  for (const NamedUnit& named : kUnits) {
    if (is_here(named.unit)) units.push_back(named.unit);
  }
  return units;
}

VectorUnit vector_unit() { return unit_in_use(); }

void use_vector_unit(VectorUnit unit) {
  LOCKSTEP_CHECK(is_here(unit));
  unit_in_use() = unit;
}

std::string_view to_text(VectorUnit unit) { return std::ranges::find(kUnits, unit, &NamedUnit::unit)->name; }

}  // namespace lockstep
