// SPDX-License-Identifier: MIT
// Random index expressions: sums of scaled loops and variables, quotients and remainders, values taken apart
// and put together. What rules on index values are tried on, alone (instance.h) and together
// (simplify_test.cc).
#pragma once

#include <cstddef>
#include <cstdint>

#include "ir/builder.h"

namespace anneal::rules {

// xorshift64*: small, and the same on every machine.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15u + 0x2545f4914f6cdd1du) {}
  uint64_t next();
  int64_t below(int64_t n) { return static_cast<int64_t>(next() >> 11) % n; }
  bool chance(int percent) { return below(100) < percent; }
  template <typename T, size_t N>
  T pick(const T (&values)[N]) {
    return values[below(static_cast<int64_t>(N))];
  }

 private:
  uint64_t state_;
};

class RandomIndex {
 public:
  // Both must outlive this; the graph must be in a Scope.
  RandomIndex(ir::Graph& graph, Random& random) : build_{graph}, random_(random) {}

  // Small enough to evaluate at every point.
  ir::Node expression(int depth);
  ir::Node leaf();
  ir::Node constant();
  ir::Node comparison(int depth);

 private:
  ir::Node taken_apart(ir::Node x);

  ir::Builder build_;
  Random& random_;
};

}  // namespace anneal::rules
