// SPDX-License-Identifier: MIT
// What the tests of this folder share: a graph to build in, and values as lists of numbers. Tests derive from
// it.
#pragma once

#include <cmath>
#include <cstdio>
#include <limits>

#include "anneal/error.h"
#include "interp/arrays.h"
#include "interp/interp.h"
#include "ir/builder.h"

namespace anneal::interp {

inline constexpr double kInf = std::numeric_limits<double>::infinity();
inline constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

using Doubles = std::vector<double>;
using Ints = std::vector<int64_t>;

struct TestGraph {
  using Node = ir::Node;
  using Op = ir::Op;
  using ReduceOp = ir::ReduceOp;

  Node data(DType t, std::vector<int64_t> shape, std::initializer_list<double> values) {
    return b.buffer(array_from(t, std::move(shape), values));
  }
  Node counting(DType t, std::vector<int64_t> shape) {  // 0, 1, 2, ...
    int64_t count = 1;
    for (int64_t extent : shape) count *= extent;
    std::vector<double> values;
    for (int64_t i = 0; i < count; ++i) values.push_back(static_cast<double>(i));
    return b.buffer(array_from(t, std::move(shape), values));
  }

  std::shared_ptr<const Array> array(Node n, const Bindings& bindings = {}, const Options& options = {}) {
    return evaluate(graph, std::span(&n, 1), bindings, options)[0];
  }
  Doubles doubles(Node n, const Bindings& bindings = {}, const Options& options = {}) {
    return doubles_of(*array(n, bindings, options));
  }
  Ints ints(Node n, const Bindings& bindings = {}) { return ints_of(*array(n, bindings)); }
  std::vector<int64_t> shape_of(Node n, const Bindings& bindings = {}) { return array(n, bindings)->shape; }

  // "1 nan -0": unlike ==, tells -0 from 0 and a NaN from nothing.
  std::string text(Node n) {
    std::string all;
    for (double v : doubles(n)) {
      char number[32];
      std::snprintf(number, sizeof number, "%g", std::isnan(v) ? kNan : v);
      all += (all.empty() ? "" : " ") + std::string(number);
    }
    return all;
  }

  // The message with which the evaluation fails.
  std::string failure(Node n, const Bindings& bindings = {}, const Options& options = {}) {
    try {
      array(n, bindings, options);
    } catch (const Error& e) {
      return e.message();
    }
    return "nothing was raised";
  }

  static constexpr Options kDoubleMode = {Mode::kDouble};
  ir::Graph graph;
  ir::Graph::Scope scope{graph};
  ir::Builder b{graph};
};

}  // namespace anneal::interp
