// SPDX-License-Identifier: MIT
// The register tile: mr x nr accumulators that stay in registers while k runs, over one packed panel of A and
// one of B. It has no holes, so it is one function however large the prologue and epilogue are.
#include <fmt/format.h>
#include <llvm/IR/Module.h>

#include <vector>

#include "cpu/contract_code.h"
#include "support/check.h"

namespace anneal::cpu {

using llvm::BasicBlock;
using llvm::PHINode;
using llvm::Value;

namespace {

struct Kernel {
  Contract& c;
  int mr, vectors;
  bool a_rows;  // A lies row by row (k is contiguous), not k by k
  std::vector<PHINode*> start;

  // One group of k_unroll steps at these places; gives the accumulators after it.
  std::vector<Value*> step(Value* a_at, Value* b_at) {
    Code& code = c.code;
    std::vector<Value*> sums(start.begin(), start.end());
    for (int u = 0; u < c.plan.k_unroll; ++u) {
      std::vector<Value*> row;
      for (int j = 0; j < vectors; ++j) {
        row.push_back(c.load(c.vector(), c.at(b_at, (u * vectors + j) * c.plan.lanes), true));
      }
      for (int i = 0; i < mr; ++i) {
        const int64_t offset = a_rows ? i * c.plan.a_row + u : static_cast<int64_t>(u) * mr + i;
        Value* x = c.load(c.element, c.at(a_at, offset));
        x = code.CreateVectorSplat(static_cast<unsigned>(c.plan.lanes), x);
        for (int j = 0; j < vectors; ++j) {
          Value*& sum = sums[static_cast<size_t>(i * vectors + j)];
          sum = c.fma(x, row[static_cast<size_t>(j)], sum);
        }
      }
    }
    return sums;
  }
};

}  // namespace

std::string tile_kernel_name(const ContractPlan& plan) {
  if (plan.path != ContractPath::kTiles) return "";
  const std::string rows = plan.traits.a_along == Axis::kK ? fmt::format("rows{}", plan.a_row) : "panel";
  return fmt::format("anneal_tile_{}_{}_{}x{}_{}", static_cast<int>(plan.machine.isa),
                     plan.traits.f64 ? "f64" : "f32", plan.mr, plan.nr, rows);
}

llvm::Function* declare_tile_kernel(llvm::Module& module, const ContractPlan& plan) {
  llvm::LLVMContext& context = module.getContext();
  llvm::Type* ptr = llvm::PointerType::get(context, 0);
  auto* type = llvm::FunctionType::get(
      llvm::Type::getVoidTy(context),
      {ptr, ptr, llvm::Type::getInt64Ty(context), ptr, llvm::Type::getInt1Ty(context)}, false);
  auto* function =
      llvm::Function::Create(type, llvm::Function::ExternalLinkage, tile_kernel_name(plan), module);
  function->addFnAttr(llvm::Attribute::NoInline);
  function->addFnAttr(llvm::Attribute::NoUnwind);
  for (unsigned arg : {0u, 1u, 3u}) function->addParamAttr(arg, llvm::Attribute::NoAlias);
  set_vector_width(*function, plan.machine.isa);
  return function;
}

llvm::Function* emit_tile_kernel(llvm::Module& module, const ContractPlan& plan) {
  ANNEAL_CHECK(plan.path == ContractPath::kTiles);
  llvm::LLVMContext& context = module.getContext();
  llvm::Function* function = declare_tile_kernel(module, plan);
  Code code(BasicBlock::Create(context, "entry", function));
  const ContractSpec no_holes;
  Contract c{.code = code,
             .spec = no_holes,
             .plan = plan,
             .element = plan.traits.f64 ? code.getDoubleTy() : code.getFloatTy()};
  Kernel kernel{c, plan.mr, plan.nr / plan.lanes, plan.traits.a_along == Axis::kK, {}};
  Value* groups = function->getArg(2);
  Value* tile = function->getArg(3);
  const size_t count = static_cast<size_t>(kernel.mr * kernel.vectors);

  BasicBlock* entry = code.GetInsertBlock();
  BasicBlock* loop = BasicBlock::Create(context, "k", function);
  BasicBlock* done = BasicBlock::Create(context, "done", function);
  code.CreateCondBr(code.CreateICmpSGT(groups, code.i64(0)), loop, done);
  code.SetInsertPoint(loop);
  // Both places move by themselves: an index that is scaled anew each time costs more than the loop's other
  // upkeep.
  PHINode* group = code.CreatePHI(code.getInt64Ty(), 2);
  PHINode* a_at = code.CreatePHI(code.getPtrTy(), 2);
  PHINode* b_at = code.CreatePHI(code.getPtrTy(), 2);
  group->addIncoming(groups, entry);
  a_at->addIncoming(function->getArg(0), entry);
  b_at->addIncoming(function->getArg(1), entry);
  for (size_t i = 0; i < count; ++i) {
    kernel.start.push_back(code.CreatePHI(c.vector(), 2));
    kernel.start.back()->addIncoming(c.zero(), entry);
  }
  const std::vector<Value*> sums = kernel.step(a_at, b_at);
  Value* left = code.sub(group, code.i64(1));
  group->addIncoming(left, loop);
  a_at->addIncoming(c.at(a_at, kernel.a_rows ? plan.k_unroll : plan.k_unroll * plan.mr), loop);
  b_at->addIncoming(c.at(b_at, plan.k_unroll * plan.nr), loop);
  for (size_t i = 0; i < count; ++i) kernel.start[i]->addIncoming(sums[i], loop);
  code.CreateCondBr(code.CreateICmpNE(left, code.i64(0)), loop, done);

  code.SetInsertPoint(done);
  std::vector<Value*> results;
  for (size_t i = 0; i < count; ++i) {
    PHINode* result = code.CreatePHI(c.vector(), 2);
    result->addIncoming(c.zero(), entry);
    result->addIncoming(sums[i], loop);
    results.push_back(result);
  }
  const auto place = [&](size_t i) { return c.at(tile, static_cast<int64_t>(i) * plan.lanes); };
  code.either(
      function->getArg(4),
      [&] {
        for (size_t i = 0; i < count; ++i) {
          Value* before = c.load(c.vector(), place(i), true);
          c.store(code.CreateFAdd(before, results[i]), place(i), true);
        }
      },
      [&] {
        for (size_t i = 0; i < count; ++i) c.store(results[i], place(i), true);
      });
  code.CreateRetVoid();
  return function;
}

}  // namespace anneal::cpu
