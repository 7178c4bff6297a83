// SPDX-License-Identifier: MIT
#include "cpu/motion.h"

#include <llvm/ADT/PostOrderIterator.h>
#include <llvm/Analysis/LoopInfo.h>
#include <llvm/Analysis/ValueTracking.h>
#include <llvm/IR/Dominators.h>
#include <llvm/IR/Function.h>
#include <llvm/IR/Instructions.h>

#include <vector>

namespace anneal::cpu {
namespace {

constexpr const char* kFixed = "anneal.fixed";

bool is_movable(const llvm::Instruction& i) {
  if (llvm::isa<llvm::PHINode>(i) || llvm::isa<llvm::AllocaInst>(i) || i.isTerminator()) return false;
  if (llvm::isa<llvm::LoadInst>(i)) return i.getMetadata(kFixed) != nullptr;
  if (const auto* call = llvm::dyn_cast<llvm::CallBase>(&i))
    if (call->doesNotAccessMemory() && call->doesNotThrow() && call->willReturn()) return true;
  return !i.mayReadOrWriteMemory() && llvm::isSafeToSpeculativelyExecute(&i);
}

// The outermost loop around the block that makes none of the operands; null if there is none.
llvm::Loop* loop_to_leave(const llvm::Instruction& i, llvm::Loop* innermost) {
  llvm::Loop* found = nullptr;
  for (llvm::Loop* loop = innermost; loop != nullptr; loop = loop->getParentLoop()) {
    if (!loop->hasLoopInvariantOperands(&i) || loop->getLoopPredecessor() == nullptr) break;
    found = loop;
  }
  return found;
}

}  // namespace

void mark_fixed(llvm::Instruction& load) {
  load.setMetadata(kFixed, llvm::MDNode::get(load.getContext(), {}));
}

void hoist_invariants(llvm::Function& function) {
  const llvm::DominatorTree dominators(function);
  const llvm::LoopInfo loops(dominators);
  // Operands come before their users in this order, and so move before them.
  const llvm::ReversePostOrderTraversal<llvm::Function*> order(&function);
  for (llvm::BasicBlock* block : order) {
    llvm::Loop* innermost = loops.getLoopFor(block);
    if (innermost == nullptr) continue;
    for (auto it = block->begin(); it != block->end();) {
      llvm::Instruction& i = *it++;
      if (!is_movable(i)) continue;
      if (const llvm::Loop* loop = loop_to_leave(i, innermost))
        i.moveBefore(loop->getLoopPredecessor()->getTerminator());
    }
  }
}

}  // namespace anneal::cpu
