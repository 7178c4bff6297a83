// SPDX-License-Identifier: MIT
// What holds of every program that lower() makes, checked without running it. Tested by verify_test.cc.
#pragma once

#include <string>

#include "loop/program.h"

namespace anneal::loop {

// Empty when all is well:
//   - every statement of the kernel stands once, in loops (or grid axes) over its ranges and no others, so
//   that
//     it is reached once for each point; those that it binds are its innermost loops, serial, in its order;
//   - a range has a value wherever it is used, from one loop or grid axis; a split axis has its loop;
//   - an accumulate is begun, then folded once in loops over exactly its ranges, and used after them;
//   - every load has a let, in front of all stores of that body; lets are used within their body only;
//   - no vector loop stands inside another, and chunks and lanes are positive;
//   - a program of phases has no body, a variable for each axis of its grid, and phases for which all this
//   holds
//     and that load from local memory only what an earlier one has stored there.
std::string verify(const ir::Graph& graph, const Program& program);

}  // namespace anneal::loop
