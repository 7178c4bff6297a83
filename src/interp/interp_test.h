// SPDX-License-Identifier: MIT
// What the tests of this folder share: a graph to build in, and values as lists of numbers.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

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

class InterpTest : public testing::Test {
 protected:
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
  // The message with which the evaluation fails.
  std::string failure(Node n, const Bindings& bindings = {}, const Options& options = {}) {
    try {
      array(n, bindings, options);
    } catch (const Error& e) {
      return e.message();
    }
    return "nothing was raised";
  }

  ir::Graph graph;
  ir::Graph::Scope scope{graph};
  ir::Builder b{graph};
  static constexpr Options kDoubleMode = {Mode::kDouble};
};

// -0 and +0 differ, NaNs do not.
MATCHER_P(SameFloats, expected, "") {
  if (arg.size() != expected.size()) return false;
  for (size_t i = 0; i < expected.size(); ++i) {
    const bool same = std::isnan(expected[i]) ? std::isnan(arg[i])
                                              : arg[i] == expected[i] && std::signbit(arg[i]) == std::signbit(expected[i]);
    if (!same) {
      *result_listener << "element " << i << " is " << arg[i];
      return false;
    }
  }
  return true;
}

}  // namespace anneal::interp
