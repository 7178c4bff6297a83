// SPDX-License-Identifier: MIT
// A loop program as LLVM IR: in one module,
//   void <name>(void** slots, const int64_t* vars, int64_t begin, int64_t end, void* scratch)   items [begin,
//   end) int64_t <name>.items(const int64_t* vars)                                   how many items there are
//   const int64_t <name>.scratch                                                bytes of scratch
// with `slots` by number and `vars` the variables of the kernel by name (variables_of). `scratch` is memory
// that no other thread uses meanwhile, aligned to 64.
//
// A program with a contraction becomes the skeleton for it (contract.h), whose items come first, and the
// loops of its other statements. It calls the function contraction_plan's tile_kernel_name, from another
// module.
//
// A program of phases is a function for each of them, and one around them; what items keep in local memory
// lies in scratch.
//
// Values live in the outermost loop that they do not change in. In a vector loop a value that changes with
// the range has a lane for each of its values; the last step masks off the lanes beyond the end in its loads,
// stores and folds. A fold over a vector loop's own range keeps `lanes` partial results, and four of these
// (kUnroll) where the loop is simple; they are joined in a fixed tree, so its bits depend on the program
// alone. Tested by emit_test.cc.
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

// The variables that a kernel reads, by name: the order of Launch::vars.
std::vector<ir::Node> variables_of(const ir::Graph& graph, ir::Node kernel);
// One more than the greatest slot number.
int64_t slots_of(const ir::Graph& graph, ir::Node kernel);

}  // namespace anneal::cpu
