#pragma once

/// On a function: compiled once for each kind of x86 vector unit, chosen when the program starts, so that one
/// binary serves old and new machines. For element-wise loops only: without reordered sums and fused products
/// (-ffp-contract=off) every version gives the same bits.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(LOCKSTEP_SANITIZE)
#define LOCKSTEP_MULTIVERSION __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define LOCKSTEP_MULTIVERSION
#endif
