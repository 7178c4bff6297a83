// SPDX-License-Identifier: MIT
#include "cpu/contract.h"

#include <llvm/IR/Module.h>

#include "cpu/contract_code.h"
#include "support/check.h"

namespace anneal::cpu {

using llvm::Value;

void set_vector_width(llvm::Function& function, Isa isa) {
  const char* bits = isa == Isa::kAvx512 ? "512" : isa == Isa::kAvx2 ? "256" : "128";
  function.addFnAttr("prefer-vector-width", bits);
  function.addFnAttr("min-legal-vector-width", bits);
}

ContractShape shape_of(const ContractSpec& spec) {
  return {.batch = spec.batch.known, .m = spec.m.known, .n = spec.n.known, .k = spec.k.known};
}

llvm::Function* emit_contract(llvm::Module& module, const std::string& name, const ContractSpec& spec,
                              const ContractPlan& plan, TileKernel kernel) {
  ANNEAL_CHECK(spec.a && spec.b && spec.result);
  Code code(module.getContext());
  llvm::Type* ptr = code.getPtrTy();
  llvm::Type* i64 = code.getInt64Ty();
  auto* type = llvm::FunctionType::get(code.getVoidTy(), {ptr, ptr, i64, i64, ptr}, false);
  auto* function = llvm::Function::Create(type, llvm::Function::ExternalLinkage, name, module);
  function->addFnAttr(llvm::Attribute::NoUnwind);
  function->addParamAttr(4, llvm::Attribute::NoAlias);
  function->addParamAttr(4, llvm::Attribute::getWithAlignment(module.getContext(), llvm::Align(64)));
  code.SetInsertPoint(llvm::BasicBlock::Create(module.getContext(), "entry", function));

  const ContractFrame frame{function->getArg(0), function->getArg(1)};
  if (spec.prepare) spec.prepare(code, frame);
  const auto extent = [&](const ContractExtent& e) -> Value* {
    if (e.known != kUnknownExtent) return code.i64(e.known);
    ANNEAL_CHECK(e.emit);
    return e.emit(code, frame);
  };
  Contract c{.code = code,
             .spec = spec,
             .plan = plan,
             .frame = frame,
             .begin = function->getArg(2),
             .end = function->getArg(3),
             .scratch = function->getArg(4),
             .batch = extent(spec.batch),
             .m = extent(spec.m),
             .n = extent(spec.n),
             .k = extent(spec.k),
             .element = plan.traits.f64 ? code.getDoubleTy() : code.getFloatTy()};
  switch (plan.path) {
    case ContractPath::kTiles: {
      llvm::Function* tile = nullptr;
      if (kernel == TileKernel::kInside) {
        tile = emit_tile_kernel(module, plan);
        tile->setLinkage(llvm::Function::InternalLinkage);
      } else {
        tile = module.getFunction(tile_kernel_name(plan));
        if (tile == nullptr) tile = declare_tile_kernel(module, plan);
      }
      emit_tiles(c, tile);
      break;
    }
    case ContractPath::kDot: emit_dot(c); break;
    case ContractPath::kAxpy: emit_axpy(c); break;
  }
  set_vector_width(*function, plan.machine.isa);
  code.CreateRetVoid();
  return function;
}

}  // namespace anneal::cpu
