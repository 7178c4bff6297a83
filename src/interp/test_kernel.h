// SPDX-License-Identifier: MIT
// What tests of kernels share: a graph to build in, slots, addresses and memory as lists of numbers. Tests
// derive from it.
#pragma once

#include <gtest/gtest.h>

#include "anneal/error.h"
#include "interp/arrays.h"
#include "interp/kernel.h"
#include "ir/builder.h"
#include "ir/text.h"
#include "ir/verify.h"

namespace anneal::interp {

struct TestKernel {
  using Node = ir::Node;
  using Dim = ir::Dim;
  using Op = ir::Op;
  using ReduceOp = ir::ReduceOp;
  using Doubles = std::vector<double>;

  Node slot(int64_t number, DType t, Dim extent) { return b.param(number, t, std::span(&extent, 1)); }
  Node loop(int64_t id, Dim extent) { return b.range(extent, id); }
  Node reduce(int64_t id, Dim extent) { return b.range(extent, id, ir::AxisKind::kReduce); }
  // row * width + column
  Node at(Node row, int64_t width, Node column) { return b.add(b.mul(row, b.index(width)), column); }
  Node sum(Node body, Node range) { return b.accumulate(body, ReduceOp::kAdd, std::span(&range, 1)); }
  Node greatest(Node body, Node range) { return b.accumulate(body, ReduceOp::kMax, std::span(&range, 1)); }
  Node unary(Op op, Node a) { return b.make(op, {a}); }
  Node number(double v, DType t = f32) { return b.constant_float(v, t); }

  void memory(int64_t number, DType t, const Doubles& values) {
    arrays.emplace_back(
        number, std::make_shared<Array>(*array_from(t, {static_cast<int64_t>(values.size())}, values)));
  }
  Doubles values(int64_t number) const {
    for (const auto& [n, array] : arrays)
      if (n == number) return doubles_of(*array);
    return {};
  }

  void run(const std::vector<Node>& statements, const KernelOptions& options = {}) {
    ASSERT_EQ(ir::verify(graph, statements, ir::Stage::kKernel), "");
    run_kernel(graph, statements, arrays, bindings, options);
  }
  std::string failure(const std::vector<Node>& statements, const KernelOptions& options = {}) {
    try {
      run_kernel(graph, statements, arrays, bindings, options);
    } catch (const Error& e) {
      return e.message();
    }
    return "nothing was raised";
  }

  ir::Graph graph;
  ir::Graph::Scope scope{graph};
  ir::Builder b{graph};
  KernelArrays arrays;
  Bindings bindings;
};

}  // namespace anneal::interp
