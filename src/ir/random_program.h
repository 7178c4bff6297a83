// SPDX-License-Identifier: MIT
// Random well-typed programs, generated from the op table: an op added there is fuzzed with no more work.
// Used by the tests of text, rewrites, gradients and devices. Deterministic in its seed. Tested by
// random_program_test.cc.
#pragma once

#include <cstdint>
#include <vector>

#include "ir/graph.h"

namespace anneal::ir {

inline constexpr int64_t kMaxSymbol = 4;

struct RandomProgramOptions {
  int nodes = 24;  // how many ops are added to the inputs
  int inputs = 3;  // params 0, 1, ... of random types
  int max_rank = 3;
  int64_t max_extent = 7;  // of an input axis
  bool symbolic = false;   // one axis may be the variable "N", up to kMaxSymbol
  int64_t min_symbol = 1;
  bool floats_only = false;  // inputs and casts are f32 or f64: what finite differences need
};

// The last results of the program, as roots.
std::vector<Node> random_program(Graph& graph, uint64_t seed, const RandomProgramOptions& options = {});

}  // namespace anneal::ir
