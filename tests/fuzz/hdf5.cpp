// Arrays of HDF5 files. The library may crash over them: in a child process, which is a refusal. Its counters
// of edges end with it; what it says of a file stands for them, so that files that it refuses otherwise are
// kept.

#include <array>
#include <pthread.h>
#include <sanitizer/common_interface_defs.h>
#include <string_view>

#include "arrays.hpp"
#include "data/hdf5_file.hpp"
#include "lockstep/core/error.hpp"

namespace {

// NOLINTNEXTLINE(cppcoreguidelines-avoid-non-const-global-variables): libFuzzer counts it among its own
__attribute__((section("__libfuzzer_extra_counters"))) std::array<std::uint8_t, 4096> outcomes;

/// By FNV-1a, and without numbers, which would make every file one of its own.
void count(std::string_view outcome) {
  std::uint32_t hash = 2166136261U;
  for (const char letter : outcome) {
    if (letter < '0' || letter > '9') hash = (hash ^ static_cast<unsigned char>(letter)) * 16777619U;
  }
  outcomes[hash % outcomes.size()] = 1;
}

/// A report of the sanitizers in a child is no finding.
void keep_findings_of_parent() {
  pthread_atfork(nullptr, nullptr, [] { __sanitizer_set_death_callback(nullptr); });
}

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name
extern "C" int LLVMFuzzerInitialize(int* /*count*/, char*** /*arguments*/) {
  keep_findings_of_parent();
  return 0;
}

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace lockstep;
  constexpr double kSeconds = 0.2;
  fuzz::expect_value_or_error([&] {
    try {
      const auto set = open_hdf5_file(fuzz::file_of(std::as_bytes(std::span(data, size))), kSeconds);
      for (const std::string& name : set->names()) {
        const auto array = set->open(name);
        count(array->type() + std::string(array->sizes().size(), ' '));
        fuzz::read_all(*array);
      }
    } catch (const Error& error) {
      count(error.what());
      throw;
    }
  });
  return 0;
}
