#include "lockstep/parallel/agreement.hpp"

#include <algorithm>
#include <cstdint>
#include <exception>
#include <limits>
#include <set>
#include <string>

#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "core/json.hpp"
#include "core/signals.hpp"
#include "lockstep/core/error.hpp"

namespace lockstep {

namespace {

/// `texts` of all ranks, in rank order.
std::vector<Opinion> group(const std::vector<std::string>& texts) {
  std::vector<Opinion> all;
  for (std::size_t rank = 0; rank < texts.size(); ++rank) {
    auto same = std::find_if(all.begin(), all.end(), [&](const Opinion& o) { return o.text == texts[rank]; });
    if (same == all.end()) same = all.insert(all.end(), Opinion{texts[rank], {}});
    same->ranks.push_back(static_cast<int>(rank));
  }
  std::stable_sort(all.begin(), all.end(),
                   [](const Opinion& a, const Opinion& b) { return a.ranks.size() > b.ranks.size(); });
  return all;
}

/// "2 on rank 3, 1 elsewhere".
std::string describe(const Communicator& communicator, const std::vector<Opinion>& opinions) {
  std::string text;
  const bool others_are_wrong = has_majority(opinions);
  for (std::size_t i = others_are_wrong ? 1 : 0; i < opinions.size(); ++i) {
    text += fmt::format("{}{} on {}", text.empty() ? "" : ", ", opinions[i].text,
                        names_of(communicator, opinions[i].ranks));
  }
  return others_are_wrong ? fmt::format("{}, {} elsewhere", text, opinions.front().text) : text;
}

}  // namespace

void together(Communicator& communicator, const std::function<void()>& action) {
  int code = 0;
  std::string message;
  try {
    action();
  } catch (const std::exception& exception) {
    const Error error = as_error(exception);
    code = static_cast<int>(error.code());
    message = error.what();
  }
  const std::vector<int> codes = all_gather(communicator, code);
  const auto failed = std::find_if(codes.begin(), codes.end(), [](int c) { return c != 0; });
  if (failed == codes.end()) return;
  const auto root = static_cast<int>(failed - codes.begin());
  throw Error(static_cast<ExitCode>(*failed), broadcast_text(communicator, message, root));
}

void in_groups(Communicator& world, Communicator& group, const std::function<void()>& action) {
  std::exception_ptr failure;
  try {
    action();
  } catch (const std::exception&) {
    // The program has to end where others wait.
    constexpr double kSecondsToArrive = 5;
    if (!group.idle_barrier(kSecondsToArrive)) throw;
    failure = std::current_exception();
  }
  world.idle_barrier(std::numeric_limits<double>::infinity());
  together(world, [&] {
    if (failure) std::rethrow_exception(failure);
  });
}

int agree_on_stop(Communicator& communicator) {
  const std::vector<std::uint8_t> asked =
      all_gather(communicator, static_cast<std::uint8_t>(requested_stop()));
  return *std::max_element(asked.begin(), asked.end());
}

std::vector<Opinion> opinions(Communicator& communicator, const std::string& text) {
  return group(all_gather_text(communicator, text));
}

bool has_majority(const std::vector<Opinion>& opinions) {
  std::size_t ranks = 0;
  for (const Opinion& opinion : opinions) ranks += opinion.ranks.size();
  return 2 * opinions.front().ranks.size() > ranks;
}

std::string differences(Communicator& communicator, const Facts& facts) {
  const nlohmann::json json(facts);
  std::vector<Facts> of_ranks;
  std::set<std::string> names;
  for (const std::string& text : all_gather_text(communicator, json_text(json, true))) {
    of_ranks.push_back(parse_json<nlohmann::json>(text).get<Facts>());
    for (const auto& [name, unused] : of_ranks.back()) names.insert(name);
  }
  std::vector<std::string> different;
  for (const std::string& name : names) {
    std::vector<std::string> values;
    for (const Facts& theirs : of_ranks) {
      const auto found = theirs.find(name);
      values.push_back(found == theirs.end() ? "not given" : found->second);
    }
    const std::vector<Opinion> found = group(values);
    if (found.size() > 1) different.push_back(fmt::format("{} is {}", name, describe(communicator, found)));
  }
  return fmt::format("{}", fmt::join(different, "; "));
}

}  // namespace lockstep
