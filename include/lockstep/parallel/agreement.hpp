#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "lockstep/comm/communicator.hpp"

namespace lockstep {

/// Calls `action`, which talks to no other rank, and makes its failure everybody's: if it throws on some
/// ranks, every rank throws the Error of the lowest of them. Collective.
void together(Communicator& communicator, const std::function<void()>& action);

/// Calls `action`, which talks to `group` alone, a part of `world`. Groups that end early sleep until all
/// have; then a failure of a whole group becomes everybody's, as in `together`. One rank that fails alone,
/// while the others of its group wait for it, throws at once. Collective over `world`.
void in_groups(Communicator& world, Communicator& group, const std::function<void()>& action);

/// The signal that asks for the end, see requested_stop, on the rank with the largest; 0 where there is none.
/// One byte a rank. Collective.
int agree_on_stop(Communicator& communicator);

/// What some ranks hold.
struct Opinion {
  std::string text;
  std::vector<int> ranks;
};

/// The different `text`s of all ranks and who has each, that of most ranks first (in a draw, that of the
/// lowest rank). One on agreement. Collective.
std::vector<Opinion> opinions(Communicator& communicator, const std::string& text);

/// Whether the first of `opinions` is that of more than half of the ranks: then the others are wrong.
bool has_majority(const std::vector<Opinion>& opinions);

/// What ranks should have alike: values by name.
using Facts = std::map<std::string, std::string>;

/// The facts that are not the same on all ranks, each with its values and their ranks: "the seed is 2 on
/// rank 3, 1 elsewhere". Empty on agreement. Collective.
std::string differences(Communicator& communicator, const Facts& facts);

}  // namespace lockstep
