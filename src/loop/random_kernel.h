// SPDX-License-Identifier: MIT
// Random kernels that are well-formed and in bounds, and memory for them: what lower() and every device are
// fuzzed with. The same seed gives the same everywhere. Tested by lower_fuzz_test.cc.
#pragma once

#include "interp/kernel.h"

namespace anneal::loop {

struct RandomKernelOptions {
  int64_t max_extent = 7;
  int max_depth = 4;     // of an expression
  bool symbolic = true;  // some extents depend on the variable "N", from 0 to 5
};

// A sink of 1 to 3 statements. Sums of floats go along one range, in whose order they are the same
// everywhere.
ir::Node random_kernel(ir::Graph& graph, uint64_t seed, const RandomKernelOptions& options = {});

// Memory for every slot: small numbers, and the awkward ones.
interp::KernelArrays random_arrays(const ir::Graph& graph, ir::Node kernel, const interp::Bindings& bindings,
                                   uint64_t seed);
interp::KernelArrays copies(const interp::KernelArrays& arrays);

}  // namespace anneal::loop
