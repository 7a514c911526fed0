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

/// "" where none is given.
std::string expected_digest(const Arguments& arguments) {
  const auto option = arguments.options.find("digest");
  if (option == arguments.options.end()) return "";
  const std::string& text = option->second;
  constexpr std::size_t kDigits = 32;
  if (text.size() != kDigits || text.find_first_not_of("0123456789abcdef") != std::string::npos) {
    fail_input("--digest {}: expected the {} hexadecimal digits of a weights_digest", text, kDigits);
  }
  return text;
}

void run_verify(const Arguments& arguments, Communicator& world) {
  verify(make_config(arguments.settings), world,
         rank_counts(required_option(arguments, "ranks"), world.size()),
         static_cast<std::uint64_t>(count_option(arguments, "steps")), expected_digest(arguments));
}

}  // namespace

Command verify_command() {
  return {.name = "verify",
          .usage = "[--ranks 1,2,…] [--steps N] [--digest HEX] [--config FILE] [--section.key VALUE …]",
          .brief = "Trains on 1, 2, 3, … of the ranks and compares the weights bit for bit.",
          .details =
              "Start it under mpirun with as many ranks as are to be compared. Exit code 0 only if all "
              "agree, and have --digest HEX, the weights_digest that another machine has printed for the "
              "same; one rank is enough then.",
          .examples = {"mpirun -np 4 lockstep verify --config configs/quickstart.cfg",
                       "mpirun -np 8 lockstep verify --ranks 1,8 --steps 50 --config configs/quickstart.cfg"},
          .options = {{"ranks", "all", "rank counts to compare, such as 1,2,4"},
                      {"steps", "10", "optimizer steps of each"},
                      {"digest", "", "weights_digest that the weights must have, or exit code 3"}},
          .unused = {"checkpoint.", "run.dir", "run.resume", "run.name", "run.notes", "run.tags",
                     "run.tensorboard", "train.timeline", "train.patience", "train.watch"},
          .prints_result = true,
          .run = run_verify};
}

}  // namespace lockstep
