#include "core/rank_status.hpp"

namespace lockstep {

namespace {

RankStatus first_place{};
RankStatus* own_place = &first_place;

}  // namespace

RankStatus& own_status() { return *own_place; }

void move_own_status(RankStatus* place) { own_place = place == nullptr ? &first_place : place; }

}  // namespace lockstep
