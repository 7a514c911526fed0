#pragma once

#include <vector>

#include "lockstep/core/index.hpp"
#include "lockstep/core/real.hpp"
#include "lockstep/parallel/nodes.hpp"

namespace lockstep {

/// What is still to come between nodes once the gradient of a bucket is there: sums of it and of the buckets
/// after it, and all parameters.
struct NetworkPath {
  double messages = 0;  ///< that a rank sends one after another
  double bytes = 0;     ///< that a node sends
  double rows = 0;      ///< samples whose work, as much as the backward pass has still to do, hides them
};

/// What a step asks of the machine: of its slowest rank, inside a node and between nodes.
struct StepShape {
  double crowd = 1;          ///< ranks that share a core, at least 1: their work is done one after another
  double steps = 1;          ///< 0 for a message by itself
  double rows = 0;           ///< samples of the rank that computes most
  double messages = 0;       ///< that each rank of a node of k ranks sends one after another: 2 (k - 1)
  double bytes = 0;          ///< that each of them sends: 2 (k - 1) / k · n, n the bytes of all parameters
  double sent_messages = 0;  ///< that a rank sends to other nodes
  double sent_bytes = 0;     ///< likewise; a node's ranks share what the node sends
  std::vector<NetworkPath> paths;  ///< one a bucket, in the order of their gradients; none on one node
};

constexpr double kBfloat16Bytes = 2;

/// What a step exchanges.
struct StepTraffic {
  std::vector<Index> buckets;             ///< parameters of each, in their order
  int rounded_levels = 0;                 ///< of the tree's sums, that travel as bfloat16
  double parameter_bytes = sizeof(Real);  ///< that a parameter travels as between nodes, on average
  double compressed = 1;                  ///< the part of all these bytes that is left by compression
};

/// Of a batch in `micro_batches` on `nodes`. A rank has whole micro-batches, hence maybe more rows than batch
/// / ranks. Reduce-scatter and all-gather between the k ranks of a node each send k - 1 messages of n / k
/// bytes; between H nodes a bucket takes H - 1 messages straight to its owners, or log2 H along the tree, as
/// choose_route says, and (H - 1) / H of its bytes for every sum that the node sends, and for the parameters
/// that come back (Thakur, Rabenseifner, Gropp: Optimization of collective communication operations in MPICH,
/// 2005). Work is shared among buckets by their parameters, and two thirds of it are the backward pass. More
/// ranks than micro-batches: as with the next power of two of them. A pure function.
StepShape shape_of(Index batch_size, Index micro_batches, const Nodes& nodes, const StepTraffic& traffic,
                   double crowd = 1);

/// A message of so many bytes between two nodes, and nothing else.
StepShape shape_of_message(double bytes);

}  // namespace lockstep
