#pragma once

namespace lockstep {

/// From here on, in this thread and in those that it starts, numbers below the smallest normal one count as
/// zero, in operands and in results: the momentum of a weight without gradient comes to its end, and
/// processors take up to a hundred times as long for such numbers. Part of the promise: all ranks do so.
void flush_denormals();

}  // namespace lockstep
