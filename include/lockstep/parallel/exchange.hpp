#pragma once

namespace lockstep {

/// How gradients are summed over ranks: in the tree's order, or in whatever order the library takes.
enum class Reduction { kReproducible, kFast };

/// How gradients and parameters travel between ranks: kAuto takes memory that ranks of one node see together
/// where all are on one node, and messages elsewhere. The bits are the same.
enum class Exchange { kAuto, kMessages };

}  // namespace lockstep
