// SPDX-License-Identifier: MIT
// See jit.h.
#include "cpu/jit.h"

#include <llvm/ADT/SmallVector.h>
#include <llvm/ExecutionEngine/Orc/LLJIT.h>
#include <llvm/IR/LegacyPassManager.h>
#include <llvm/IR/Module.h>
#include <llvm/IR/PassManager.h>
#include <llvm/IR/Verifier.h>
#include <llvm/Passes/PassBuilder.h>
#include <llvm/Support/MemoryBuffer.h>
#include <llvm/Support/raw_ostream.h>
#include <llvm/Target/TargetMachine.h>
#include <llvm/Transforms/IPO/AlwaysInliner.h>
#include <llvm/Transforms/InstCombine/InstCombine.h>
#include <llvm/Transforms/Scalar/EarlyCSE.h>
#include <llvm/Transforms/Scalar/SimplifyCFG.h>
#include <llvm/Transforms/Utils/Mem2Reg.h>
#include <sys/mman.h>

#include <atomic>
#include <chrono>
#include <map>
#include <mutex>

#include "anneal/error.h"
#include "cpu/runtime.h"
#include "support/check.h"

namespace anneal::cpu {
namespace {

double seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

[[noreturn]] void raise_llvm(llvm::Error error) {
  raise(ErrorCode::kDevice, "cpu: cannot link compiled code: " + llvm::toString(std::move(error)));
}

}  // namespace

struct Compiler::State {
  std::unique_ptr<llvm::TargetMachine> machine;
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager sccs;
  llvm::ModuleAnalysisManager modules;
  llvm::ModulePassManager passes;

  explicit State(const Target& target) : machine(make_target_machine(target)) {
    llvm::PassBuilder builder(machine.get());
    builder.registerModuleAnalyses(modules);
    builder.registerCGSCCAnalyses(sccs);
    builder.registerFunctionAnalyses(functions);
    builder.registerLoopAnalyses(loops);
    builder.crossRegisterProxies(loops, functions, sccs, modules);
    passes.addPass(llvm::AlwaysInlinerPass(false));
    // Folds start in memory. All else is straight from the emitter, which hoists by itself: these clean up.
    llvm::FunctionPassManager each;
    each.addPass(llvm::PromotePass());
    each.addPass(llvm::EarlyCSEPass());
    each.addPass(llvm::InstCombinePass());
    each.addPass(llvm::SimplifyCFGPass());
    passes.addPass(llvm::createModuleToFunctionPassAdaptor(std::move(each)));
  }

  void optimize(llvm::Module& module) {
#ifndef NDEBUG
    ANNEAL_CHECK(!llvm::verifyModule(module, &llvm::errs()));
#endif
    module.setDataLayout(machine->createDataLayout());
    passes.run(module, modules);
    modules.clear(), sccs.clear(), functions.clear(), loops.clear();
  }

  void generate(llvm::Module& module, llvm::CodeGenFileType type, llvm::SmallVectorImpl<char>& to) {
    llvm::raw_svector_ostream stream(to);
    llvm::legacy::PassManager codegen;
    if (machine->addPassesToEmitFile(codegen, stream, nullptr, type))
      raise(ErrorCode::kDevice, "cpu: this target writes no object files");
    codegen.run(module);
  }
};

Compiler::Compiler(const Target& target) : state_(std::make_unique<State>(target)) {}
Compiler::~Compiler() = default;

namespace {

// LLVM ends the process where it finds no memory, or unwinds through code that is not made for it. Kernels
// are small: what this asks for is more than one needs.
void check_room() {
  constexpr size_t kRoom = size_t{64} << 20;
  void* room = ::mmap(nullptr, kRoom, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (room == MAP_FAILED) raise(ErrorCode::kMemory, "cpu: there is no memory left to compile with");
  ::munmap(room, kRoom);
}

}  // namespace

std::vector<std::byte> Compiler::compile(llvm::Module& module, CompileTimes* times) {
  check_room();
  const double begin = seconds();
  state_->optimize(module);
  const double middle = seconds();
  llvm::SmallVector<char, 0> object;
  state_->generate(module, llvm::CodeGenFileType::ObjectFile, object);
  if (times != nullptr) *times = {middle - begin, seconds() - middle};
  const auto bytes = std::as_bytes(std::span(object.data(), object.size()));
  return {bytes.begin(), bytes.end()};
}

std::string Compiler::assembly(llvm::Module& module) {
  state_->optimize(module);
  llvm::SmallVector<char, 0> text;
  state_->generate(module, llvm::CodeGenFileType::AssemblyFile, text);
  return {text.begin(), text.end()};
}

// -- Linking --

namespace {

// One session for the process; each object gets a library of its own.
class Session {
 public:
  explicit Session(const Target& target) {
    llvm::orc::JITTargetMachineBuilder machine{llvm::Triple(target.triple)};
    machine.setCPU(target.cpu);
    auto made = llvm::orc::LLJITBuilder().setJITTargetMachineBuilder(std::move(machine)).create();
    if (!made) raise_llvm(made.takeError());
    jit_ = std::move(*made);
    llvm::orc::SymbolMap symbols;
    for (const RuntimeFunction& f : runtime_functions())
      symbols[jit_->mangleAndIntern(f.name)] = {
          llvm::orc::ExecutorAddr::fromPtr(f.address),
          llvm::JITSymbolFlags::Exported | llvm::JITSymbolFlags::Callable};
    runtime_ = &check(jit_->createJITDylib("runtime"));
    if (auto error = runtime_->define(llvm::orc::absoluteSymbols(std::move(symbols))))
      raise_llvm(std::move(error));
    shared_ = &check(jit_->createJITDylib("shared"));
  }

  llvm::orc::LLJIT& jit() { return *jit_; }

  llvm::orc::JITDylib& add(std::span<const std::byte> object) {
    const std::string name = "object" + std::to_string(next_.fetch_add(1));
    llvm::orc::JITDylib& library = jit_->getExecutionSession().createBareJITDylib(name);
    library.addToLinkOrder(*runtime_);
    library.addToLinkOrder(*shared_);
    add_to(library, name, object);
    return library;
  }

  void share(const std::string& name, const std::function<std::vector<std::byte>()>& make) {
    std::once_flag* once;
    {
      const std::lock_guard<std::mutex> lock(shared_lock_);
      once = &shared_names_[name];
    }
    std::call_once(*once, [&] { add_to(*shared_, name, make()); });
  }

 private:
  void add_to(llvm::orc::JITDylib& library, const std::string& name, std::span<const std::byte> object) {
    const llvm::StringRef bytes(reinterpret_cast<const char*>(object.data()), object.size());
    if (auto error = jit_->addObjectFile(library, llvm::MemoryBuffer::getMemBufferCopy(bytes, name)))
      raise_llvm(std::move(error));
  }
  static llvm::orc::JITDylib& check(llvm::Expected<llvm::orc::JITDylib&> library) {
    if (!library) raise_llvm(library.takeError());
    return *library;
  }

  std::unique_ptr<llvm::orc::LLJIT> jit_;
  llvm::orc::JITDylib *runtime_ = nullptr, *shared_ = nullptr;
  std::mutex shared_lock_;
  std::map<std::string, std::once_flag> shared_names_;
  std::atomic<uint64_t> next_{0};
};

class Linked final : public LinkedObject {
 public:
  Linked(Session& session, llvm::orc::JITDylib& library) : session_(session), library_(library) {}
  ~Linked() override { llvm::consumeError(session_.jit().getExecutionSession().removeJITDylib(library_)); }
  void* symbol(const std::string& name) const override {
    auto found = session_.jit().lookup(library_, name);
    if (!found) raise_llvm(found.takeError());
    return found->toPtr<void*>();
  }

 private:
  Session& session_;
  llvm::orc::JITDylib& library_;
};

}  // namespace

namespace {

// Never destroyed: code may run until the process ends.
Session& session_for(const Target& target) {
  static Session& session = *new Session(target);
  return session;
}

}  // namespace

std::unique_ptr<LinkedObject> link_object(const Target& target, std::span<const std::byte> object) {
  Session& session = session_for(target);
  return std::make_unique<Linked>(session, session.add(object));
}

void link_shared_object(const Target& target, const std::string& name,
                        const std::function<std::vector<std::byte>()>& make) {
  session_for(target).share(name, make);
}

}  // namespace anneal::cpu
