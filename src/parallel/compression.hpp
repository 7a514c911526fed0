#pragma once

#include <cstddef>

#include "lockstep/core/index.hpp"

namespace lockstep {

/// What becomes of values in a message. Both compressed forms are lossless and hold any bits, NaN included.
///
/// kValues: the values of a group have exponents near each other, so that each goes as the few bits by which
/// its exponent is below the group's largest, beside its sign and significand.
///
/// kChanges: where both sides have values from before that are near the new ones, as the parameters of the
/// last step, each goes as the difference of the two in units of the last place.
///
/// A group's numbers have as many bits as its largest needs (frame of reference; Lemire, Boytsov: Decoding
/// billions of integers per second through vectorization, 2015), and stand in 16 streams side by side.
enum class Coding { kNone, kValues, kChanges };

/// Values that are compressed together.
struct CodedRun {
  Index count = 0;
  bool is_bfloat16 = false;  ///< values that are rounded to bfloat16, also where they are not yet
  Coding coding = Coding::kValues;
};

/// The most bytes that `compress` writes.
std::size_t most_compressed_bytes(const CodedRun& run);

/// Writes `values` to `message`, which need not be aligned; returns where they end. `previous`: for kChanges,
/// as many values from before.
std::byte* compress(const CodedRun& run, const float* values, const float* previous, std::byte* message);

/// Reads what `compress` has written into `values`, and returns where it ends. For kChanges the values from
/// before stand there. Other bytes give other values, but no more than most_compressed_bytes are read.
const std::byte* decompress(const CodedRun& run, const std::byte* message, float* values);

}  // namespace lockstep
