// SPDX-License-Identifier: MIT
// A loop program as LLVM IR: in one module,
//   void NAME(void** slots, const int64_t* vars, int64_t begin, int64_t end, void* scratch)
//   int64_t NAME.items(const int64_t* vars)
//   const int64_t NAME.scratch
// The first runs the items [begin, end), the second says how many there are, the third how many bytes of
// scratch are needed: memory that no other thread uses meanwhile, aligned to 64. `slots` go by number, `vars`
// are the variables of the kernel by name (ir/kernel.h).
//
// A program with a contraction becomes the skeleton for it (contract.h), whose items come first, and the
// loops of its other statements. It calls a register tile of another module (tile_object.h).
//
// A program of phases is a function for each of them, and one around them; what items keep in local memory
// lies in scratch.
//
// Values live in the outermost loop that they do not change in. In a vector loop a value that changes with
// the range has a lane for each of its values; the last step masks off the lanes beyond the end in its loads,
// stores and folds. A fold over a vector loop's own range keeps `lanes` partial results, and up to four of
// these (kUnroll) where the loop is simple and long; they are joined in a fixed tree, so its bits depend on
// the program alone. Tested by emit_test.cc.
#pragma once

#include <llvm/IR/Module.h>

#include <memory>
#include <string>
#include <vector>

#include "cpu/target.h"
#include "ir/graph.h"
#include "loop/program.h"

namespace anneal::cpu {

struct EmitOptions {
  int threads = 1;  // that will share the items of a contraction out; results do not depend on it
  // No two slots share memory. Otherwise they may, when what is written at an index was read before only at
  // that index.
  bool disjoint_slots = false;
};

inline constexpr unsigned kUnroll = 4;

std::unique_ptr<llvm::Module> emit_program(llvm::LLVMContext& context, const Target& target,
                                           const ir::Graph& graph, const loop::Program& program,
                                           const std::string& name, const EmitOptions& options = {});

// One more than the greatest slot number.
int64_t slots_of(const ir::Graph& graph, ir::Node kernel);

}  // namespace anneal::cpu
