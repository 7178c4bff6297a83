// SPDX-License-Identifier: MIT
// Rewrites that only make sense once no more derivatives are taken, before values are given places:
//   - running folds of narrow floats (scan, and scatter that adds) run in f32 between casts, as their meaning
//     says, because a kernel keeps its running values in memory;
//   - a scatter of one element along its axis is a selection by position, which needs no memory: the adjoint
//     of the gather in a cross entropy. Not where it replaces what it goes into, as a token's row in a cache:
//     there it writes one element and leaves the others;
//   - a reduction that is a result, or goes to the optimizer, with its axes in another order is made in that
//     order: the gradient of a weight lies in memory as the weight does. So is a batch of matrices that is
//     transposed: the gradient of attention's values lies row by row, as those of its queries and keys do.
//     And so is one that only sums read, which add up shifted copies of it: what a convolution gives back to
//     its input;
//   - a slice of a reduction that is not needed whole is the reduction of a slice, also where most of it
//   stays
//     or it goes in steps, which demand.h leaves alone: the input's gradient of a convolution is one kernel
//     by it;
//   - a long reduction of which there are few is made in parts, whose results are reduced: work items never
//     share one, and these can run at the same time.
// Tested by program_fuzz_test.cc and prepare_test.cc.
#pragma once

#include <span>
#include <vector>

#include "ir/graph.h"

namespace anneal::schedule {

// `replaced`: see update_nodes.
std::vector<ir::Node> prepare(ir::Graph& graph, std::span<const ir::Node> roots,
                              std::span<const int32_t> replaced = {});

}  // namespace anneal::schedule
