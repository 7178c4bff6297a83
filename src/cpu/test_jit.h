// SPDX-License-Identifier: MIT
// The smallest way to run a module in a test: light passes, then LLVM's stock JIT, for a named processor.
#pragma once

#include <llvm/Support/CodeGen.h>

#include <functional>
#include <memory>
#include <string>

#include "cpu/contract_plan.h"

namespace llvm {
class Module;
}

namespace anneal::cpu {

class TestJit {
 public:
  // Not the host's own processor: tests run each instruction set on whichever host has it.
  static const char* processor(Isa isa);
  static bool host_has(Isa isa);

  explicit TestJit(Isa isa, const std::string& cpu = "",
                   llvm::CodeGenOptLevel level = llvm::CodeGenOptLevel::Default);
  ~TestJit();

  // Lets `emit` fill a module, compiles it and gives the address of `name`.
  void* compile(const std::string& name, const std::function<void(llvm::Module&)>& emit);

  struct Times {
    double emit = 0, passes = 0, machine = 0;  // seconds
  };
  Times times;  // of the last compile

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace anneal::cpu
