// SPDX-License-Identifier: MIT
// From a kernel to loops: which ranges the work items split, in what order the others are run and which one
// goes by vectors, where each value is made, and which accumulates share a loop.
//
//   - A value is made in the outermost loop where all of its ranges have values; so is an accumulate, in
//   loops
//     of its own. Accumulates over the same ranges at the same place share them unless one needs the other.
//   - Statements with the same loop ranges share their loops. A value needed in two loops one after the other
//     is made in both: what it loads is in the cache then.
//   - The vector loop is the one in which most loads and stores are contiguous or stay where they are: a loop
//   of
//     the statement, or, where that is none of them, the innermost one of each accumulate.
//   - Items are as large as their work warrants, never by the number of threads.
//   - A kernel that makes sums in the loops of others is cut into phases where that can be done (fold.h).
//   - A kernel around a sum of products is noted as such beside its loops.
//
// The result depends on the content of the kernel alone. Tested by lower_test.cc and lower_fuzz_test.cc.
#pragma once

#include "loop/program.h"

namespace anneal::loop {

struct LowerOptions {
  int32_t lanes = 16;                 // of a vector loop, at most
  int64_t item_work = 1 << 15;        // operations that make an item worth its start
  double contraction_work = 1 << 11;  // multiply-adds of one of a batch, from which on it is noted; 0: always
  int64_t onchip_bytes = 1 << 20;     // of the local memory of an item
};

// `kernel` is a sink of statements that verifies at Stage::kKernel; raises kVerify otherwise. In two steps:
// the loops, and the annotation of those, of the kernel or of a phase, that are a contraction.
Program lower_loops(ir::Graph& graph, Node kernel, const LowerOptions& options = {});
void note_contractions(ir::Graph& graph, Program& program, const LowerOptions& options = {});
// Both.
Program lower(ir::Graph& graph, Node kernel, const LowerOptions& options = {});

}  // namespace anneal::loop
