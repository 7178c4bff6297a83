// SPDX-License-Identifier: MIT
// How far a range matters to a block of rows: a mask that compares ranges leaves nothing but zeros (in sums)
// or -inf (in maxima) of what is reduced over it outside of an interval. A causal mask is one case, a window
// another. Tested by live_range_test.cc.
#pragma once

#include <optional>
#include <vector>

#include "ir/kernel.h"

namespace anneal::loop {

using ir::Node;

// Rows from `first` to `last` of `range`. All ranges of rows have one value in the block but this one.
struct RowBlock {
  Node range, first, last;
  ir::RangeSet rows;
};

// from <= range < to; null: no bound. Expressions over the rows, without the range of the block.
struct LiveRange {
  Node from, to;
  // With these the zeros are multiplied, and by these they are divided. Outside of the interval nothing is
  // gained when 0 times each of the former and 0 over each of the latter is 0: it is NaN where one is not
  // finite, or a divisor is 0. The maximum of a row and the sum of its exponentials are left out: they are
  // made of what is inside, and what they spoil they spoil there as well.
  std::vector<Node> factors, divisors;
  std::vector<Node> over;  // by factor: what such a sum its zeros were divided by; or null
};

// None when it matters throughout, as far as is seen.
std::optional<LiveRange> live_range(ir::Graph& graph, const ir::Kernel& kernel, Node range,
                                    const RowBlock& block);

}  // namespace anneal::loop
