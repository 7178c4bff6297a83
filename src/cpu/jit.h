// SPDX-License-Identifier: MIT
// Machine code from LLVM modules: optimise lightly, generate an object file, link it into this process.
// Objects are plain bytes, so that they can come from the cache as well. Tested by emit_test.cc.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "cpu/target.h"

namespace llvm {
class Module;
}

namespace anneal::cpu {

struct CompileTimes {
  double passes = 0, codegen = 0;  // seconds
};

// For one thread at a time.
class Compiler {
 public:
  explicit Compiler(const Target& target);
  ~Compiler();
  std::vector<std::byte> compile(llvm::Module& module, CompileTimes* times = nullptr);
  std::string assembly(llvm::Module& module);  // for people

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Code in memory, until it is destroyed.
class LinkedObject {
 public:
  virtual ~LinkedObject() = default;
  // Raises kDevice when there is none.
  virtual void* symbol(const std::string& name) const = 0;
};

// Any thread. Two objects with the same symbols may be linked side by side. Raises kDevice.
std::unique_ptr<LinkedObject> link_object(const Target& target, std::span<const std::byte> object);
// For the rest of the process: all objects may call the functions of this one. `make` is called, and the
// object linked, unless that was done for the name before. Any thread.
void link_shared_object(const Target& target, const std::string& name,
                        const std::function<std::vector<std::byte>()>& make);

}  // namespace anneal::cpu
