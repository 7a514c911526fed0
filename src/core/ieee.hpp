#pragma once

namespace lockstep {

/// From here on, in this thread and in those that it starts, arithmetic is that of IEEE 754: results are
/// rounded to the nearest number, and subnormal numbers are numbers. Processors differ in what they do where
/// such numbers count as zero, as code that was compiled with -ffast-math has them do in the whole program.
void use_ieee_arithmetic();

}  // namespace lockstep
