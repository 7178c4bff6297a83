// SPDX-License-Identifier: MIT
// The smallest way to run a module in a test: light passes, then LLVM's stock JIT, for a named processor.
#pragma once

#include <llvm/ExecutionEngine/Orc/LLJIT.h>
#include <llvm/IR/Module.h>
#include <llvm/IR/PassManager.h>
#include <llvm/IR/Verifier.h>
#include <llvm/Passes/PassBuilder.h>
#include <llvm/Support/CommandLine.h>
#include <llvm/Support/TargetSelect.h>
#include <llvm/Support/raw_ostream.h>
#include <llvm/Target/TargetMachine.h>
#include <llvm/TargetParser/Host.h>
#include <llvm/Transforms/InstCombine/InstCombine.h>
#include <llvm/Transforms/Scalar/EarlyCSE.h>
#include <llvm/Transforms/Scalar/SimplifyCFG.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "cpu/contract_plan.h"

namespace anneal::cpu {

struct CompileTimes {
  double emit = 0, passes = 0, machine = 0;  // seconds
};

class TestJit {
 public:
  // Not the host's own processor: tests run each instruction set on whichever host has it.
  static const char* processor(Isa isa) {
    return isa == Isa::kAvx512 ? "skylake-avx512" : isa == Isa::kAvx2 ? "haswell" : "x86-64";
  }

  static bool host_has(Isa isa) {
    const llvm::StringMap<bool> features = llvm::sys::getHostCPUFeatures();
    if (isa == Isa::kAvx512)
      return features.lookup("avx512f") && features.lookup("avx512vl") && features.lookup("avx512dq");
    if (isa == Isa::kAvx2) return features.lookup("avx2") && features.lookup("fma");
    return isa == Isa::kGeneric && llvm::Triple(llvm::sys::getProcessTriple()).isX86();
  }

  explicit TestJit(Isa isa, std::string cpu = "",
                   llvm::CodeGenOptLevel level = llvm::CodeGenOptLevel::Default) {
    // Rewriting the addresses of loops is up to half of the time to compile; it is worth about 5 % in
    // packing.
    llvm::StringMap<llvm::cl::Option*>& options = llvm::cl::getRegisteredOptions();
    if (const auto found = options.find("disable-lsr"); found != options.end()) {
      static_cast<llvm::cl::opt<bool>*>(found->second)->setValue(true);
    }
    llvm::InitializeNativeTarget();
    llvm::InitializeNativeTargetAsmPrinter();
    llvm::orc::JITTargetMachineBuilder builder((llvm::Triple(llvm::sys::getProcessTriple())));
    builder.setCPU(cpu.empty() ? processor(isa) : cpu).setCodeGenOptLevel(level);
    machine_ = check(builder.createTargetMachine());
    jit_ = check(llvm::orc::LLJITBuilder().setJITTargetMachineBuilder(builder).create());
  }

  // Lets `emit` fill a module, compiles it and gives the address of `name`.
  void* compile(const std::string& name, const std::function<void(llvm::Module&)>& emit) {
    const auto start = std::chrono::steady_clock::now();
    auto context = std::make_unique<llvm::LLVMContext>();
    auto module = std::make_unique<llvm::Module>(name, *context);
    module->setDataLayout(jit_->getDataLayout());
    module->setTargetTriple(jit_->getTargetTriple().str());
    emit(*module);
    const auto emitted = std::chrono::steady_clock::now();
    if (llvm::verifyModule(*module, &llvm::errs())) std::abort();
    const auto verified = std::chrono::steady_clock::now();
    run_passes(*module);
    if (dump_ir) module->print(llvm::errs(), nullptr);
    const auto light = std::chrono::steady_clock::now();
    check(jit_->addIRModule(llvm::orc::ThreadSafeModule(std::move(module), std::move(context))));
    const auto address = check(jit_->lookup(name));
    const auto done = std::chrono::steady_clock::now();
    const auto seconds = [](auto d) { return std::chrono::duration<double>(d).count(); };
    times = {seconds(emitted - start), seconds(light - verified), seconds(done - light)};
    return address.toPtr<void*>();
  }

  CompileTimes times;  // of the last compile
  bool dump_ir = false;

 private:
  static void check(llvm::Error error) {
    if (!error) return;
    llvm::errs() << llvm::toString(std::move(error)) << "\n";
    std::abort();
  }
  template <class T>
  static T check(llvm::Expected<T> value) {
    check(value.takeError());
    return std::move(*value);
  }

  void run_passes(llvm::Module& module) {
    llvm::PassBuilder builder(machine_.get());
    llvm::LoopAnalysisManager loops;
    llvm::FunctionAnalysisManager functions;
    llvm::CGSCCAnalysisManager groups;
    llvm::ModuleAnalysisManager modules;
    builder.registerModuleAnalyses(modules);
    builder.registerCGSCCAnalyses(groups);
    builder.registerFunctionAnalyses(functions);
    builder.registerLoopAnalyses(loops);
    builder.crossRegisterProxies(loops, functions, groups, modules);
    llvm::FunctionPassManager passes;
    passes.addPass(llvm::EarlyCSEPass());
    passes.addPass(llvm::InstCombinePass());
    passes.addPass(llvm::SimplifyCFGPass());
    for (llvm::Function& function : module) {
      if (!function.isDeclaration()) passes.run(function, functions);
    }
  }

  std::unique_ptr<llvm::TargetMachine> machine_;
  std::unique_ptr<llvm::orc::LLJIT> jit_;
};

}  // namespace anneal::cpu
