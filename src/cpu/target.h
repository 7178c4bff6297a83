// SPDX-License-Identifier: MIT
// Which machine code is written for: this machine, or less of it when ANNEAL_CPU_FEATURES says so. Results do
// not depend on the choice: what an instruction set lacks is written out so that it gives the same bits.
// Tested by emit_test.cc.
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace llvm {
class TargetMachine;
}

namespace anneal::cpu {

struct Target {
  std::string triple, cpu, features;  // as LLVM writes them
  std::string level;                  // "avx512", "avx2", "generic": what `features` amounts to
  bool has_fma = false;               // f32 and f64, in one instruction
  bool has_f16c = false;              // f16 <-> f32
  int vector_bytes = 16;

  // One line that names everything code depends on.
  std::string text() const { return triple + " " + cpu + " " + features; }
};

// `level` is "" (all that this machine has), "avx512", "avx2" or "generic"; raises kDevice when the machine
// has less.
Target detect_target(std::string_view level);
// That of ANNEAL_CPU_FEATURES, found once.
const Target& host_target();

// One for each thread that compiles: a target machine is not to be shared.
std::unique_ptr<llvm::TargetMachine> make_target_machine(const Target& target);

}  // namespace anneal::cpu
