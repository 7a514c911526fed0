#pragma once

#include <cstdint>
#include <span>

#include <nlohmann/json_fwd.hpp>

#include "lockstep/core/real.hpp"
#include "lockstep/train/problem.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

/// Whether samples are pictures of bytes, grey or red, green and blue.
bool can_be_drawn(const DatasetDescription& data);

/// Adds "width", "height", "channels" and "pixels" (base64 of bytes, row by row, channels last) of one
/// picture to `entry`.
void add_picture(const DatasetDescription& data, std::span<const std::uint8_t> picture,
                 nlohmann::ordered_json& entry);

/// What the first epochs make of some training samples, for people to look at; augmented.json holds it:
/// {"augment" (as text), "pictures"}, and of each picture "sample", "epoch" (from 1), "label" where there are
/// classes, and what add_picture adds. Without mixup, which depends on the batch. Null where nothing else
/// changes, or pictures cannot be drawn. Local.
nlohmann::ordered_json augmented_samples(const Problem& problem, std::uint64_t seed);

/// The windows of the network's first convolution, if it takes in 1 or 3 channels and its windows are 3 x 3
/// or larger; filters.json holds them: {"tensor", "filters" (how many there are), "pictures"}, and of each of
/// the first 64 "filter" and what add_picture adds, where 128 is the weight 0 and 1 or 255 the filter's
/// largest. Null where there is none. Local.
nlohmann::ordered_json first_filters(const Network& network);

}  // namespace lockstep::inline LOCKSTEP_REAL
