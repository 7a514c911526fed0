// The multipliers beside PyTorch's; tests/golden/generate_schedules.py says what its numbers mean.

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "lockstep/optim/schedule.hpp"
#include "nn_helpers.hpp"

namespace lockstep {
namespace {

using Json = nlohmann::json;

/// A case says all that its shape takes.
ScheduleOptions options_of(const Json& schedule) {
  ScheduleOptions options{.name = schedule.at("name"),
                          .warmup_steps = schedule.value("warmup-steps", std::uint64_t{0}),
                          .hyperparameters = {}};
  for (const Hyperparameter& h : find_schedule_shape(options.name).hyperparameters) {
    options.hyperparameters[h.name] = schedule.at(h.name);
  }
  return options;
}

TEST(Schedule, IsTorchs) {
  std::map<std::string, int> cases;
  for (const ScheduleShape& shape : schedule_shapes()) {
    if (shape.name != "constant") cases[shape.name] = 0;
  }
  const Json golden = test::read_golden("schedules.json");
  for (const Json& c : golden.at("cases")) {
    const Json& options = c.at("schedule");
    SCOPED_TRACE(options.dump());
    const Schedule schedule(options_of(options), c.at("total-steps"));
    const auto expected = c.at("multipliers").get<std::vector<double>>();
    ASSERT_EQ(expected.size(), c.at("total-steps").get<std::size_t>());
    for (std::size_t step = 0; step < expected.size(); ++step) {
      EXPECT_NEAR(schedule.multiplier(step), expected[step], 1e-14) << c.at("scheduler") << ", step " << step;
    }
    ++cases[options.at("name")];
  }
  for (const auto& [name, count] : cases) EXPECT_GE(count, 3) << "too few cases of PyTorch for " << name;
}

}  // namespace
}  // namespace lockstep
