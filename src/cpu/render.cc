// SPDX-License-Identifier: MIT
// What the cpu device shows of a program: LLVM IR, machine code, and how its contractions are cut up. Tested
// by render_test.cc.
#include <llvm/IR/LLVMContext.h>
#include <llvm/Support/raw_ostream.h>

#include "cpu/cpu_device.h"
#include "cpu/emit.h"
#include "cpu/plan_contraction.h"

namespace anneal::cpu {
namespace {

constexpr device::Form kForms[] = {
    {"llvm", "LLVM IR, before it is optimized"},
    {"asm", "machine code"},
    {"plan", "how contractions are cut up"},
};

std::string plan_lines(const ir::Graph& graph, const loop::Program& program, const Target& target,
                       int threads) {
  std::string text;
  for (const ContractPlan& plan : plan_contractions(graph, program, target, threads))
    text += to_string(plan) + "\n";
  return text;
}

}  // namespace

std::span<const device::Form> CpuDevice::forms() const { return kForms; }

std::string CpuDevice::render(ir::Graph& graph, const loop::Program& program, std::string_view form) {
  if (form == "plan") return plan_lines(graph, program, target_, pool_.threads());
  llvm::LLVMContext context;
  const auto module = emit_program(context, target_, graph, program, "kernel", {.threads = pool_.threads()});
  if (form == "asm") return Compiler(target_).assembly(*module);
  std::string text;
  llvm::raw_string_ostream stream(text);
  module->print(stream, nullptr);
  return text;
}

}  // namespace anneal::cpu
