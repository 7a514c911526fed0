#pragma once

#include <span>
#include <string>
#include <string_view>

namespace lockstep {

/// "; did you mean 'x'?", or 'x' or 'y' where they are as near: what the person who wrote `word` may have
/// meant, of the candidates. Near is what differs by few letters (an exchange of two neighbours counts once),
/// begins with the other, or is called `word` elsewhere ("lr"). Capital and small letters are the same,
/// dashes and underscores too, and the section of "section.key" may be missing. Empty where nothing is near.
std::string suggestion(std::string_view word, std::span<const std::string> candidates);

}  // namespace lockstep
