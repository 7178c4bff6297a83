// SPDX-License-Identifier: MIT
// What the tests of this folder share: programs written by hand, compiled for an instruction set and run on
// bytes.
#pragma once

#include <llvm/IR/LLVMContext.h>
#include <llvm/IR/Module.h>

#include <cstring>
#include <memory>
#include <vector>

#include "anneal/error.h"
#include "cpu/cpu_device.h"
#include "cpu/emit.h"
#include "cpu/jit.h"
#include "cpu/plan_contraction.h"
#include "cpu/tile_object.h"
#include "ir/builder.h"
#include "ir/random_program.h"
#include "loop/program.h"

namespace anneal::cpu {

using ir::Builder;
using ir::Dim;
using ir::Node;
using ir::Op;
using ir::Scalar;
using loop::LoopKind;
using loop::Program;
using loop::Statement;
using loop::StatementKind;

// The instruction sets that this machine can run.
inline std::vector<Target> test_targets() {
  std::vector<Target> list;
  for (const char* level : {"avx512", "avx2", "generic"}) {
    try {
      list.push_back(detect_target(level));
    } catch (const Error&) {
      continue;
    }
  }
  if (list.empty()) list.push_back(detect_target(""));
  return list;
}

class Compiled {
 public:
  Compiled(const ir::Graph& graph, const Program& program, const Target& target,
           const EmitOptions& options = {}) {
    static ObjectCache no_cache({}, 0);
    for (const ContractPlan& plan : plan_contractions(graph, program, target, options.threads))
      link_tile_kernel(target, plan, no_cache);
    llvm::LLVMContext context;
    const auto module = emit_program(context, target, graph, program, "test", options);
    Compiler compiler(target);
    object_ = link_object(target, compiler.compile(*module));
    function_ = reinterpret_cast<KernelFunction>(object_->symbol("test"));
    items_ = reinterpret_cast<int64_t (*)(const int64_t*)>(object_->symbol("test.items"));
  }
  int64_t items(std::vector<int64_t> vars = {}) const { return items_(vars.data()); }
  void run(std::vector<void*> slots, std::vector<int64_t> vars = {}) const {
    const int64_t n = items(vars);
    if (n > 0) run(slots, vars, 0, n);
  }
  // Some of the items.
  void run(std::vector<void*> slots, std::vector<int64_t> vars, int64_t begin, int64_t end) const {
    const auto bytes = static_cast<size_t>(*static_cast<const int64_t*>(object_->symbol("test.scratch")));
    const Scratch scratch = make_scratch(bytes);
    // What is in it must not matter: all bits set is a NaN.
    if (bytes != 0) std::memset(scratch.get(), 0xff, bytes);
    function_(slots.data(), vars.data(), begin, end, scratch.get());
  }

 private:
  std::unique_ptr<LinkedObject> object_;
  KernelFunction function_;
  int64_t (*items_)(const int64_t*);
};

struct CpuTest {
  ir::Graph graph;
  ir::Graph::Scope scope{graph};
  Builder b{graph};

  Node slot(int64_t number, DType t, int64_t extent) {
    const Dim shape[] = {Dim(extent)};
    return b.param(number, t, shape);
  }
  Node range(int64_t id, Dim extent) { return b.range(extent, id); }
  Node reduce_range(int64_t id, Dim extent) { return b.range(extent, id, ir::AxisKind::kReduce); }
  static Statement loop(Node range, int lanes, loop::Body body) {
    return {StatementKind::kLoop, range, lanes > 1 ? LoopKind::kVector : LoopKind::kSerial, lanes, false,
            std::move(body)};
  }
  static Statement let(Node n) { return {StatementKind::kLet, n}; }
  static Statement begin(Node n) { return {StatementKind::kBegin, n}; }
  static Statement fold(Node n) { return {StatementKind::kFold, n}; }
  static Statement store(Node n) { return {StatementKind::kStore, n}; }
  Program program(std::vector<Node> statements, loop::Body body, std::vector<loop::GridAxis> grid = {}) {
    return {b.sink(statements), std::move(grid), std::move(body)};
  }
  // out[i] = value, for i below n: `value` uses the range.
  Program map(Node out, Node index_range, Node value, int lanes) {
    const Node s = b.store(out, index_range, value);
    return program({s}, {loop(index_range, lanes, {store(s)})});
  }
};

}  // namespace anneal::cpu
