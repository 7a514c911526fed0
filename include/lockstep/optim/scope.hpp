#pragma once

namespace lockstep {

/// What one call of an update sees: a piece of any size, a whole tensor, or all parameters. Ranks share the
/// work as far as it lets them: parts of tensors, whole tensors, or nothing.
enum class Scope { kElements, kTensor, kModel };

}  // namespace lockstep
