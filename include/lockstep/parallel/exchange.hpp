#pragma once

namespace lockstep {

/// How gradients are summed: along the tree, with the same bits at every rank count, or in the order that the
/// message library chooses.
enum class Reduction { kReproducible, kFast };

/// How gradients and parameters travel between ranks: kAuto takes memory that ranks of one node see together
/// where all are on one node, and messages elsewhere. The bits are the same.
enum class Exchange { kAuto, kMessages };

/// What sums of gradients are on the way, and hence wherever they are computed: Real, or bfloat16 in the
/// highest levels of the tree, which are what travels between nodes.
enum class Wire { kReal, kBfloat16 };

/// Whether messages between nodes are compressed, without loss: kAuto where a trial finds that faster when
/// the topology is made. The bits are the same. Those of double are not.
enum class Compression { kAuto, kOn, kOff };

}  // namespace lockstep
