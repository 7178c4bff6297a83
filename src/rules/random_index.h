// SPDX-License-Identifier: MIT
// Random index expressions: sums of scaled loops and variables, quotients and remainders, values taken apart
// and put together. What rules on index values are tried on, alone (instance.h) and together
// (simplify_test.cc).
#pragma once

#include "ir/builder.h"
#include "support/random_stream.h"

namespace anneal::rules {

class RandomIndex {
 public:
  // Both must outlive this; the graph must be in a Scope.
  RandomIndex(ir::Graph& graph, support::RandomStream& random) : build_{graph}, random_(random) {}

  // Small enough to evaluate at every point.
  ir::Node expression(int depth);
  ir::Node leaf();
  ir::Node constant();
  ir::Node comparison(int depth);

 private:
  ir::Node taken_apart(ir::Node x);

  ir::Builder build_;
  support::RandomStream& random_;
};

}  // namespace anneal::rules
