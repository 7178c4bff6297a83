// SPDX-License-Identifier: MIT
// Moves what does not change in a loop out of it. The emitter does this by itself where it writes the loops;
// in a skeleton the loops stand around its holes, which know nothing of them. LLVM's own pass does more and
// takes longer. Tested by motion_test.cc.
#pragma once

namespace llvm {
class Function;
class Instruction;
}  // namespace llvm

namespace anneal::cpu {

// Says of a load that its address is valid, and its value the same, wherever its operands are known.
void mark_fixed(llvm::Instruction& load);

// To the outermost loops in which their operands do not change: arithmetic without side effects, and the
// loads that are marked.
void hoist_invariants(llvm::Function& function);

}  // namespace anneal::cpu
