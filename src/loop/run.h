// SPDX-License-Identifier: MIT
// The interpreter of programs: slow and obvious, to hold lower() against interp::run_kernel. Items run in a
// shuffled order. Raises kData for a load or store outside its slot; a value, fold or range that is used
// before it is there; a load of an element that the program has written already; an element that one item
// writes and another one reads, or writes with another value; a statement that was not carried out once for
// each point. Tested by lower_test.cc and verify_test.cc.
#pragma once

#include "interp/kernel.h"
#include "loop/program.h"

namespace anneal::loop {

struct RunOptions {
  interp::Mode mode = interp::Mode::kExact;
  uint64_t shuffle_seed = 0;
};

// Memory and variables as in interp::run_kernel.
void run(const ir::Graph& graph, const Program& program, const interp::KernelArrays& arrays,
         const interp::Bindings& bindings = {}, const RunOptions& options = {});

}  // namespace anneal::loop
