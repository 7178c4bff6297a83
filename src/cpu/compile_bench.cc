// SPDX-License-Identifier: MIT
// Where the time to compile a kernel goes, in processor time of one thread: emission, passes, code
// generation, linking. build/bench/compile_bench [--ir | --asm]: prints the code of the last one instead.
#include <llvm/Support/raw_ostream.h>

#include <cstdio>
#include <ctime>
#include <string_view>

#include "cpu/test_cpu.h"
#include "loop/lower.h"

namespace anneal::cpu {
namespace {

double processor_ms() {
  timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return 1e3 * static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_nsec);
}

struct Kernels : CpuTest {
  Node chain() {
    const Node i = range(0, 100000), x = b.load(slot(0, f32, 100000), i);
    const Node y = b.add(b.mul(x, b.constant_float(1.5, f32)), b.constant_float(2, f32));
    const Node s = b.store(slot(1, f32, 100000), i, y);
    return b.sink(std::span(&s, 1));
  }
  Node gelu() {
    const Node i = range(0, 100000), x = b.load(slot(0, f32, 100000), i);
    const Node y = b.mul(x, b.make(Op::Erf, {b.mul(x, b.constant_float(0.7071, f32))}));
    const Node s = b.store(slot(1, f32, 100000), i, y);
    return b.sink(std::span(&s, 1));
  }
  Node sum() {
    const Node i = range(0, 100), j = reduce_range(1, 1000);
    const Node x = b.load(slot(0, f32, 100000), b.add(b.mul(i, b.index(1000)), j));
    const Node s = b.store(slot(1, f32, 100), i, b.accumulate(x, ir::ReduceOp::kAdd, std::span(&j, 1)));
    return b.sink(std::span(&s, 1));
  }
  Node softmax() {
    constexpr int64_t kRows = 64, kColumns = 1000;
    const Node i = range(0, kRows), j = range(1, kColumns);
    const Node m = reduce_range(2, kColumns), n = reduce_range(3, kColumns);
    const auto index = [&](Node c) { return b.add(b.mul(i, b.index(kColumns)), c); };
    const auto at = [&](Node c) { return b.load(slot(0, f32, kRows * kColumns), index(c)); };
    const Node top = b.accumulate(at(m), ir::ReduceOp::kMax, std::span(&m, 1));
    const auto e = [&](Node c) { return b.make(Op::Exp, {b.sub(at(c), top)}); };
    const Node total = b.accumulate(e(n), ir::ReduceOp::kAdd, std::span(&n, 1));
    const Node s = b.store(slot(1, f32, kRows * kColumns), index(j), b.div(e(j), total));
    return b.sink(std::span(&s, 1));
  }
};

void measure(const char* name, const ir::Graph& g, const Program& program, std::string_view show) {
  const Target& target = host_target();
  Compiler compiler(target);
  double emit = 1e300, compile = 1e300, link = 1e300;
  CompileTimes times, least{1, 1};
  for (int i = 0; i < 20; ++i) {
    const double t0 = processor_ms();
    llvm::LLVMContext context;
    const auto module = emit_program(context, target, g, program, "test");
    const double t1 = processor_ms();
    const auto object = compiler.compile(*module, &times);
    const double t2 = processor_ms();
    const auto linked = link_object(target, object);
    linked->symbol("test");
    const double t3 = processor_ms();
    emit = std::min(emit, t1 - t0), compile = std::min(compile, t2 - t1), link = std::min(link, t3 - t2);
    least = {std::min(least.passes, times.passes), std::min(least.codegen, times.codegen)};
  }
  std::printf("%-10s emit %6.2f ms  passes %6.2f  codegen %6.2f  link %6.2f  in all %6.2f\n", name, emit,
              1e3 * least.passes, 1e3 * least.codegen, link, emit + compile + link);
  if (show.empty()) return;
  llvm::LLVMContext context;
  const auto module = emit_program(context, target, g, program, "test");
  const std::string assembly = compiler.assembly(*module);
  if (show == "--ir") module->print(llvm::outs(), nullptr);
  if (show == "--asm") std::fputs(assembly.c_str(), stdout);
}

}  // namespace
}  // namespace anneal::cpu

int main(int argc, char** argv) {
  using namespace anneal;
  cpu::Kernels k;
  const std::string_view show = argc > 1 ? argv[1] : "";
  const std::string_view only = argc > 2 ? argv[2] : "";
  const std::pair<const char*, ir::Node> kernels[] = {
      {"chain", k.chain()}, {"gelu", k.gelu()}, {"sum", k.sum()}, {"softmax", k.softmax()}};
  for (const auto& [name, kernel] : kernels)
    if (only.empty() || only == name) cpu::measure(name, k.graph, loop::lower(k.graph, kernel), show);
}
