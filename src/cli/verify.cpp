#include "train/run/verify.hpp"

#include <limits>

#include "cli/commands.hpp"
#include "core/text.hpp"
#include "lockstep/core/error.hpp"

namespace lockstep {

namespace {

std::vector<int> rank_counts(const std::string& text, int world_size) {
  std::vector<int> counts;
  if (text == "all") {
    for (int ranks = 1; ranks <= world_size; ++ranks) counts.push_back(ranks);
    return counts;
  }
  for (const std::string_view part : split(text, ',')) {
    const auto count = parse_integer(part);
    if (!count || *count < 1 || *count > std::numeric_limits<int>::max()) {
      fail_input("--ranks {}: expected rank counts, such as 1,2,4", text);
    }
    counts.push_back(static_cast<int>(*count));
  }
  return counts;
}

void run_verify(const Arguments& arguments, Communicator& world) {
  verify(make_config(arguments.settings), world,
         rank_counts(required_option(arguments, "ranks"), world.size()),
         static_cast<std::uint64_t>(count_option(arguments, "steps")));
}

}  // namespace

Command verify_command() {
  return {
      .name = "verify",
      .usage = "[--ranks 1,2,…] [--steps N] [--config FILE] [--section.key VALUE …]",
      .summary =
          "Trains on 1, 2, 3, … of the ranks and compares the weights bit for bit. Start it under mpirun\n"
          "with as many ranks as are to be compared. Exit code 0 only if all agree.",
      .options = {{"ranks", "all", "rank counts to compare, such as 1,2,4"},
                  {"steps", "10", "optimizer steps of each"}},
      .unused = {"checkpoint.", "run.dir", "run.resume", "train.timeline"},
      .prints_result = true,
      .run = run_verify};
}

}  // namespace lockstep
