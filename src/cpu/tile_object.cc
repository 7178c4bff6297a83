// SPDX-License-Identifier: MIT
#include "cpu/tile_object.h"

#include <llvm/IR/LLVMContext.h>
#include <llvm/IR/Module.h>

#include "cpu/contract.h"
#include "cpu/jit.h"

namespace anneal::cpu {

void link_tile_kernel(const Target& target, const ContractPlan& plan, ObjectCache& cache) {
  const std::string name = tile_kernel_name(plan);
  if (name.empty()) return;
  link_shared_object(target, name, [&] {
    const support::Key key = support::Hasher().add(name).add(code_version(target.text())).finish();
    if (std::optional<std::vector<std::byte>> known = cache.find(key)) return *known;
    llvm::LLVMContext context;
    llvm::Module module(name, context);
    module.setTargetTriple(target.triple);
    emit_tile_kernel(module, plan);
    std::vector<std::byte> object = Compiler(target).compile(module);
    cache.store(key, object);
    return object;
  });
}

}  // namespace anneal::cpu
