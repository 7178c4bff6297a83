// SPDX-License-Identifier: MIT
// Random well-typed programs, generated from the op table: an op added there is fuzzed with no more work.
// Used by the tests of text, rewrites, gradients and devices. Deterministic in its seed. Tested by
// random_program_test.cc.
#pragma once

#include <cstdint>
#include <vector>

#include "ir/graph.h"

namespace anneal::ir {

struct RandomProgramOptions {
  int nodes = 24;  // how many ops are added to the inputs
  int inputs = 3;  // params 0, 1, ... of random types
  int max_rank = 3;
  int64_t max_extent = 7;    // of an input axis
  bool symbolic = false;     // one axis may be the variable "N", from 1 to 4
  bool floats_only = false;  // inputs and casts are f32 or f64: what finite differences need
};

// The last results of the program, as roots.
std::vector<Node> random_program(Graph& graph, uint64_t seed, const RandomProgramOptions& options = {});

// A stream of random numbers: splitmix64.
class RandomStream {
 public:
  explicit RandomStream(uint64_t seed) : state_(seed) {}
  uint64_t next() {
    uint64_t z = (state_ += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
  int64_t below(int64_t n) { return static_cast<int64_t>(next() % static_cast<uint64_t>(n)); }
  bool one_in(int64_t n) { return below(n) == 0; }
  double unit() { return static_cast<double>(next() >> 11) * 0x1p-53; }

 private:
  uint64_t state_;
};

}  // namespace anneal::ir
