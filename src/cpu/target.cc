// SPDX-License-Identifier: MIT
// See target.h.
#include "cpu/target.h"

#include <llvm/ADT/StringMap.h>
#include <llvm/MC/TargetRegistry.h>
#include <llvm/Support/CommandLine.h>
#include <llvm/Support/TargetSelect.h>
#include <llvm/Target/TargetMachine.h>
#include <llvm/TargetParser/Host.h>

#include <algorithm>
#include <mutex>
#include <span>
#include <vector>

#include "anneal/error.h"
#include "support/flags.h"

namespace anneal::cpu {
namespace {

void initialize_llvm() {
  static std::once_flag once;
  std::call_once(once, [] {
    llvm::InitializeNativeTarget();
    llvm::InitializeNativeTargetAsmPrinter();
    // Rewriting the addresses of loops is a third of the time to generate code, and worth a few percent in
    // few loops. LLVM has no other switch for it.
    llvm::StringMap<llvm::cl::Option*>& options = llvm::cl::getRegisteredOptions();
    if (const auto found = options.find("disable-lsr"); found != options.end())
      static_cast<llvm::cl::opt<bool>*>(found->second)->setValue(true);
  });
}

// The levels of x86-64 that code is written for, by the features of the psABI levels v2, v3 and v4.
constexpr std::string_view kGeneric[] = {"cx16", "sahf", "popcnt", "sse3", "ssse3", "sse4.1", "sse4.2"};
constexpr std::string_view kAvx2[] = {"avx", "avx2", "bmi", "bmi2", "f16c", "fma", "lzcnt", "movbe"};
constexpr std::string_view kAvx512[] = {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"};

struct Level {
  std::string_view name, cpu;
  std::span<const std::string_view> adds;  // to the levels before it
  int vector_bytes;
};
constexpr Level kLevels[] = {{"generic", "x86-64-v2", kGeneric, 16},
                             {"avx2", "x86-64-v3", kAvx2, 32},
                             {"avx512", "x86-64-v4", kAvx512, 64}};

bool has_all(const llvm::StringMap<bool>& host, std::span<const std::string_view> wanted) {
  return std::all_of(wanted.begin(), wanted.end(), [&](std::string_view f) { return host.lookup(f); });
}

// Not used where a processor has it: f16 is computed in f32, so only comparisons became its instructions, and
// LLVM 19 swaps the operands of a masked one without its condition when it folds a load into it.
constexpr const char* kLeftOut = "avx512fp16";

std::string joined_features(const llvm::StringMap<bool>& host) {
  std::vector<std::string> list;
  for (const auto& entry : host) {
    const bool used = entry.getValue() && entry.getKey() != kLeftOut;
    list.push_back((used ? "+" : "-") + entry.getKey().str());
  }
  std::sort(list.begin(), list.end());
  std::string text;
  for (const std::string& f : list) text += (text.empty() ? "" : ",") + f;
  return text;
}

Target target_x86(const llvm::StringMap<bool>& host, std::string_view wanted) {
  const Level* best = nullptr;
  for (const Level& level : kLevels) {
    if (!has_all(host, level.adds)) break;
    best = &level;
    if (level.name == wanted) break;
  }
  if (best == nullptr)
    raise(ErrorCode::kDevice, "cpu: this processor has no SSE4.2, which is the least needed");
  if (!wanted.empty() && best->name != wanted)
    raise(ErrorCode::kDevice, "cpu: ANNEAL_CPU_FEATURES=" + std::string(wanted) +
                                  ", which is none of avx512, avx2 and generic that this processor has");
  Target t;
  t.level = best->name;
  t.vector_bytes = best->vector_bytes;
  t.has_fma = t.has_f16c = best->vector_bytes >= 32;
  // With nothing asked for: this processor by name, for its scheduling and all of its instructions.
  t.cpu = wanted.empty() ? llvm::sys::getHostCPUName().str() : std::string(best->cpu);
  t.features = wanted.empty() ? joined_features(host) : "";
  return t;
}

}  // namespace

Target detect_target(std::string_view level) {
  initialize_llvm();
  const llvm::StringMap<bool> host = llvm::sys::getHostCPUFeatures();
  const llvm::Triple triple(llvm::sys::getProcessTriple());
  Target t;
  if (triple.isX86()) {
    t = target_x86(host, level);
  } else {
    t.level = "generic";
    t.cpu = llvm::sys::getHostCPUName().str();
    t.features = joined_features(host);
    t.has_fma = triple.isAArch64();
  }
  t.triple = triple.str();
  return t;
}

const Target& host_target() {
  static const Target target = detect_target(support::flag_text(support::Flag::kCpuFeatures));
  return target;
}

std::unique_ptr<llvm::TargetMachine> make_target_machine(const Target& target) {
  initialize_llvm();
  std::string error;
  const llvm::Target* found = llvm::TargetRegistry::lookupTarget(target.triple, error);
  if (found == nullptr) raise(ErrorCode::kDevice, "cpu: " + error);
  llvm::TargetOptions options;
  options.AllowFPOpFusion = llvm::FPOpFusion::Strict;  // a * b + c is two roundings
  return std::unique_ptr<llvm::TargetMachine>(
      found->createTargetMachine(target.triple, target.cpu, target.features, options, llvm::Reloc::PIC_,
                                 llvm::CodeModel::Small, llvm::CodeGenOptLevel::Default, true));
}

}  // namespace anneal::cpu
