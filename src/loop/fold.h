// SPDX-License-Identifier: MIT
// A kernel in which accumulates lie inside the loops of others (attention: the rows of a softmax are sums of
// products themselves), cut into phases over on-chip memory. A work item takes a block of rows of one batch
// position; what every row needs of every other one is made once for the block, in a local slot, and each
// phase is an ordinary kernel:
//   S[i,j] = sum over k of Q[i,k] * K[j,k], scaled and masked      to local memory, block x all j
//   m[i] = max over j of S[i,j]                                     one a row
//   P[i,j] = exp(S[i,j] - m[i]) ...                                 in the place of S
//   O[i,d] = sum over j of P[i,j] * V[j,d]                          to the kernel's own slot
// Where a mask leaves nothing of the columns outside of an interval (live_range.h), the phases run over that
// interval alone: from `from:J`, `count:J` of them. That a zero times what is not finite is NaN is seen to by
// a phase in front: it looks at what the zeros would meet, and where that is not finite all columns are run.
// Where whole rows do not fit, the columns come in blocks: sweeps over them, each a few phases that are run
// for every block, gather what the rows need: their maxima, then their sums, then the result. What is made of
// pairs is made again in each sweep, and nothing as large as the pairs is ever stored.
// What is made in local memory: each inner accumulate with the elementwise chain above it, up to where its
// uses part; factors that a contraction would make anew for each of its columns; transcendental functions
// that are used twice; and what is reduced over a row, one value a row. Tested by fold_test.cc and
// lower_fuzz_test.cc.
#pragma once

#include <string>
#include <vector>

#include "loop/program.h"

namespace anneal::loop {

struct FoldOptions {
  int64_t onchip_bytes = 1 << 20;  // for all local slots of an item
};

struct FoldSplit {
  std::string reason;  // why the kernel is not cut; empty when it is
  std::vector<GridAxis> grid;
  std::vector<Node> item_vars;  // as in Program
  std::vector<Node> locals;
  std::vector<Node> phases;       // sinks
  std::vector<ItemLimit> limits;  // as in Program
  Node probe;
  std::vector<Sweep> sweeps;
};

// `statements` of a kernel that verifies, simplified.
FoldSplit split_fold(ir::Graph& graph, std::span<const Node> statements, const FoldOptions& options = {});

}  // namespace anneal::loop
