// SPDX-License-Identifier: MIT
// See test_jit.h.
#include "cpu/test_jit.h"

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
#include <cstdlib>
#include <utility>

namespace anneal::cpu {
namespace {

void check(llvm::Error error) {
  if (!error) return;
  llvm::errs() << llvm::toString(std::move(error)) << "\n";
  std::abort();
}

template <class T>
T check(llvm::Expected<T> value) {
  check(value.takeError());
  return std::move(*value);
}

void run_passes(llvm::TargetMachine* machine, llvm::Module& module) {
  llvm::PassBuilder builder(machine);
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
  for (llvm::Function& function : module)
    if (!function.isDeclaration()) passes.run(function, functions);
}

}  // namespace

struct TestJit::State {
  std::unique_ptr<llvm::TargetMachine> machine;
  std::unique_ptr<llvm::orc::LLJIT> jit;
};

const char* TestJit::processor(Isa isa) {
  return isa == Isa::kAvx512 ? "skylake-avx512" : isa == Isa::kAvx2 ? "haswell" : "x86-64";
}

bool TestJit::host_has(Isa isa) {
  const llvm::StringMap<bool> features = llvm::sys::getHostCPUFeatures();
  if (isa == Isa::kAvx512)
    return features.lookup("avx512f") && features.lookup("avx512vl") && features.lookup("avx512dq");
  if (isa == Isa::kAvx2) return features.lookup("avx2") && features.lookup("fma");
  return isa == Isa::kGeneric && llvm::Triple(llvm::sys::getProcessTriple()).isX86();
}

TestJit::TestJit(Isa isa, const std::string& cpu, llvm::CodeGenOptLevel level)
    : state_(std::make_unique<State>()) {
  // Rewriting the addresses of loops is up to half of the time to compile; it is worth about 5 % in packing.
  llvm::StringMap<llvm::cl::Option*>& options = llvm::cl::getRegisteredOptions();
  if (const auto found = options.find("disable-lsr"); found != options.end())
    static_cast<llvm::cl::opt<bool>*>(found->second)->setValue(true);
  llvm::InitializeNativeTarget();
  llvm::InitializeNativeTargetAsmPrinter();
  llvm::orc::JITTargetMachineBuilder builder((llvm::Triple(llvm::sys::getProcessTriple())));
  builder.setCPU(cpu.empty() ? processor(isa) : cpu).setCodeGenOptLevel(level);
  state_->machine = check(builder.createTargetMachine());
  state_->jit = check(llvm::orc::LLJITBuilder().setJITTargetMachineBuilder(builder).create());
}

TestJit::~TestJit() = default;

void* TestJit::compile(const std::string& name, const std::function<void(llvm::Module&)>& emit) {
  const auto start = std::chrono::steady_clock::now();
  auto context = std::make_unique<llvm::LLVMContext>();
  auto module = std::make_unique<llvm::Module>(name, *context);
  module->setDataLayout(state_->jit->getDataLayout());
  module->setTargetTriple(state_->jit->getTargetTriple().str());
  emit(*module);
  const auto emitted = std::chrono::steady_clock::now();
  if (llvm::verifyModule(*module, &llvm::errs())) std::abort();
  const auto verified = std::chrono::steady_clock::now();
  run_passes(state_->machine.get(), *module);
  const auto light = std::chrono::steady_clock::now();
  check(state_->jit->addIRModule(llvm::orc::ThreadSafeModule(std::move(module), std::move(context))));
  const auto address = check(state_->jit->lookup(name));
  const auto done = std::chrono::steady_clock::now();
  const auto seconds = [](auto d) { return std::chrono::duration<double>(d).count(); };
  times = {seconds(emitted - start), seconds(light - verified), seconds(done - light)};
  return address.toPtr<void*>();
}

}  // namespace anneal::cpu
