// SPDX-License-Identifier: MIT
#include "cpu/motion.h"

#include <gtest/gtest.h>
#include <llvm/IR/Instructions.h>
#include <llvm/IR/LLVMContext.h>
#include <llvm/IR/Module.h>
#include <llvm/IR/Verifier.h>

#include "cpu/contract_code.h"

namespace anneal::cpu {
namespace {

using llvm::Value;

// for i below n: for j below n: out[i * 7 + j] = f(i, j)
struct TwoLoops {
  llvm::LLVMContext context;
  llvm::Module module{"test", context};
  llvm::Function* function = nullptr;
  llvm::BasicBlock *outer = nullptr, *inner = nullptr;

  explicit TwoLoops(const std::function<Value*(Code&, Value* in, Value* i, Value* j)>& f) {
    Code code(context);
    llvm::Type* ptr = code.getPtrTy();
    function = llvm::Function::Create(
        llvm::FunctionType::get(code.getVoidTy(), {ptr, ptr, code.getInt64Ty()}, false),
        llvm::GlobalValue::ExternalLinkage, "f", module);
    code.SetInsertPoint(llvm::BasicBlock::Create(context, "entry", function));
    Value* n = function->getArg(2);
    code.loop(code.i64(0), n, 1, [&](Value* i) {
      outer = code.GetInsertBlock();
      code.loop(code.i64(0), n, 1, [&](Value* j) {
        inner = code.GetInsertBlock();
        Value* value = f(code, function->getArg(1), i, j);
        value->setName("value");
        code.CreateStore(value, code.CreateGEP(code.getInt64Ty(), function->getArg(0), code.add(i, j)));
      });
    });
    code.CreateRetVoid();
    hoist_invariants(*function);
    EXPECT_FALSE(llvm::verifyModule(module, &llvm::errs()));
  }
  llvm::BasicBlock* place(const char* name) const {
    for (llvm::BasicBlock& block : *function)
      for (llvm::Instruction& i : block)
        if (i.getName() == name) return &block;
    return nullptr;
  }
};

TEST(Motion, ToTheOutermostLoopThatAllowsIt) {
  const TwoLoops t([](Code& c, Value*, Value* i, Value* j) {
    Value* nothing = c.CreateFreeze(c.GetInsertBlock()->getParent()->getArg(2), "none");
    Value* row = c.CreateUDiv(c.CreateAdd(i, nothing), c.i64(9), "row");
    return c.CreateAdd(row, j);
  });
  EXPECT_EQ(t.place("none"), &t.function->getEntryBlock());
  EXPECT_EQ(t.place("row"), t.outer);
  EXPECT_EQ(t.place("value"), t.inner);
}

TEST(Motion, WhatMayTrapOrReadsMemoryStays) {
  const TwoLoops t([](Code& c, Value* in, Value* i, Value*) {
    Value* quotient = c.CreateUDiv(i, c.CreateFreeze(i), "quotient");
    return c.CreateAdd(quotient, c.CreateLoad(c.getInt64Ty(), in, "load"));
  });
  EXPECT_EQ(t.place("quotient"), t.inner);
  EXPECT_EQ(t.place("load"), t.inner);
}

TEST(Motion, FixedLoadsMove) {
  const TwoLoops t([](Code& c, Value* in, Value* i, Value* j) {
    llvm::LoadInst* load = c.CreateLoad(c.getInt64Ty(), c.CreateGEP(c.getInt64Ty(), in, i), "load");
    mark_fixed(*load);
    return c.CreateAdd(load, j);
  });
  EXPECT_EQ(t.place("load"), t.outer);
}

}  // namespace
}  // namespace anneal::cpu
