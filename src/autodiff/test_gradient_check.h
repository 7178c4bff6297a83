// SPDX-License-Identifier: MIT
// Finite differences, for the tests of gradients: programs over f64 params, evaluated in f64.
#pragma once

#include <cmath>
#include <vector>

#include "autodiff/gradient.h"
#include "autodiff/gradient_samples.h"
#include "interp/arrays.h"
#include "interp/interp.h"
#include "ir/builder.h"

namespace anneal::autodiff {

using Doubles = std::vector<double>;

struct GradientCheck {
  using Node = ir::Node;

  // The inputs as params 0, 1, ... of f64.
  void bind(const std::vector<SampleInput>& given) {
    points = given;
    inputs.clear();
    for (size_t i = 0; i < given.size(); ++i) {
      const std::vector<ir::Dim> shape(given[i].shape.begin(), given[i].shape.end());
      inputs.push_back(b.param(static_cast<int64_t>(i), f64, shape));
    }
  }

  std::vector<Doubles> evaluate(const std::vector<Node>& roots, const std::vector<SampleInput>& at) const {
    interp::Bindings bindings;
    for (size_t i = 0; i < at.size(); ++i)
      bindings.params.emplace_back(static_cast<int64_t>(i),
                                   interp::array_from(f64, at[i].shape, at[i].values));
    bindings.vars = vars;
    std::vector<Doubles> out;
    for (const auto& array : interp::evaluate(g, roots, bindings, {.mode = interp::Mode::kDouble}))
      out.push_back(interp::doubles_of(*array));
    return out;
  }
  Doubles evaluate(Node n) const { return evaluate({n}, points)[0]; }

  // sum(y * weights), with weights that differ from element to element; `salt` gives other ones.
  Node weighted_sum(Node y, double salt) const {
    const ir::Shape shape = g.shape(y);
    Node phase = b.constant_float(salt, f64);
    for (size_t i = 0; i < shape.size(); ++i) {
      const Node at = b.cast(b.iota(shape, static_cast<int>(i), i64), f64);
      phase = b.add(phase, b.mul(at, b.constant_float(0.7 + 0.9 * static_cast<double>(i), f64)));
    }
    const Node terms = b.mul(b.cast(y, f64), b.make(ir::Op::Cos, {phase}));
    const auto all = static_cast<ir::AxisMask>((uint32_t{1} << shape.size()) - 1);
    return b.reshape(b.reduce(terms, ir::ReduceOp::kAdd, all), {});
  }

  // The gradients of a scalar, zeros where there is none.
  std::vector<Node> gradients(Node loss) {
    const Node one = b.constant_float(1, f64);
    std::vector<Node> found = vjp(g, std::span(&loss, 1), std::span(&one, 1), inputs);
    for (size_t i = 0; i < found.size(); ++i)
      if (!found[i]) found[i] = b.full(g.shape(inputs[i]), b.constant_float(0, f64));
    return found;
  }

  // d(scalar)/d(inputs) by central differences of fourth order.
  std::vector<Doubles> differences(Node scalar) const {
    constexpr double kStep = 1e-3;
    std::vector<Doubles> out;
    for (size_t i = 0; i < points.size(); ++i) {
      Doubles& slope = out.emplace_back();
      for (size_t e = 0; e < points[i].values.size(); ++e) {
        const auto value_at = [&](double steps) {
          std::vector<SampleInput> moved = points;
          moved[i].values[e] += steps * kStep;
          return evaluate({scalar}, moved)[0][0];
        };
        slope.push_back((8 * (value_at(1) - value_at(-1)) - (value_at(2) - value_at(-2))) / (12 * kStep));
      }
    }
    return out;
  }

  ir::Graph g;
  ir::Graph::Scope scope{g};
  ir::Builder b{g};
  std::vector<Node> inputs;
  std::vector<SampleInput> points;
  std::vector<std::pair<std::string, int64_t>> vars;
};

// The first element that is not within `tolerance` of the expected one, as text; empty when all are.
inline std::string compare(const Doubles& actual, const Doubles& expected, double tolerance) {
  if (actual.size() != expected.size())
    return std::to_string(actual.size()) + " elements, not " + std::to_string(expected.size());
  for (size_t i = 0; i < actual.size(); ++i)
    if (!(std::abs(actual[i] - expected[i]) <= tolerance * (1 + std::abs(expected[i]))))
      return "element " + std::to_string(i) + " is " + std::to_string(actual[i]) + ", not " +
             std::to_string(expected[i]);
  return {};
}

}  // namespace anneal::autodiff
