// SPDX-License-Identifier: MIT
// Tests only: random programs as the fuzz tests of schedules and of the runtime take them, forward and
// backward.
#pragma once

#include <algorithm>
#include <cstdlib>
#include <vector>

#include "anneal/error.h"
#include "autodiff/gradient.h"
#include "ir/builder.h"
#include "ir/random_program.h"
#include "ir/walk.h"
#include "rules/simplify.h"
#include "support/flags.h"

namespace anneal::schedule {

using ir::Node;

// Products have any order, and one order may overflow on its way to 0 where another does not.
inline bool multiplies_up(const ir::Graph& g, std::span<const Node> roots) {
  const std::vector<Node> all = ir::postorder(g, roots);
  return std::any_of(all.begin(), all.end(), [&](Node n) {
    const auto* reduce = std::get_if<ir::ReduceArg>(&g.arg(n));
    return reduce != nullptr && reduce->op == ir::ReduceOp::kMul && is_float(g.dtype(n));
  });
}

// The sums of all gradients with respect to the float inputs, and nothing where an op has none.
inline std::vector<Node> slopes_of(ir::Graph& g, std::span<const Node> all) {
  std::vector<Node> inputs, ones, roots(all.begin(), all.end()), slopes;
  for (Node n : ir::postorder(g, roots))
    if (g.op(n) == ir::Op::Param && is_float(g.dtype(n))) inputs.push_back(n);
  std::erase_if(roots, [&](Node n) { return !is_float(g.dtype(n)); });
  if (inputs.empty() || roots.empty()) return {};
  const ir::Builder b{g};
  for (Node n : roots) ones.push_back(b.full(g.shape(n), b.constant_float(1, g.dtype(n))));
  try {
    slopes = autodiff::vjp(g, roots, ones, inputs);
  } catch (const Error&) {
    return {};
  }
  std::erase(slopes, Node{});
  return slopes;
}

// Every seventh program is large, and every third has a variable, which may be 0 in half of them.
struct FuzzShape {
  ir::RandomProgramOptions options;
  std::vector<int64_t> sizes;
};
inline FuzzShape shape_of(uint64_t seed) {
  FuzzShape shape;
  shape.options.nodes = seed % 7 == 0 ? 30 + static_cast<int>(seed % 17) : 8 + static_cast<int>(seed % 17);
  shape.options.symbolic = seed % 3 == 0;
  shape.options.min_symbol = seed % 2 == 0 ? 0 : 1;
  shape.sizes = {shape.options.min_symbol, ir::kMaxSymbol};
  if (!shape.options.symbolic) shape.sizes.resize(1);
  return shape;
}

// What the backward test of a seed runs: results, their gradients, and of every fourth that is not large the
// gradients of these. Empty where an op has none.
inline std::vector<Node> backward_program(ir::Graph& g, uint64_t seed, FuzzShape shape) {
  shape.options.floats_only = true;
  std::vector<Node> roots = ir::random_program(g, seed, shape.options);
  std::vector<Node> slopes = slopes_of(g, roots);
  if (slopes.empty()) return {};
  if (seed % 4 == 0 && seed % 7 != 0)
    for (Node n : slopes_of(g, slopes)) slopes.push_back(n);
  std::erase_if(roots, [&](Node n) { return !is_float(g.dtype(n)); });
  roots.insert(roots.end(), slopes.begin(), slopes.end());
  return rules::simplify(g, roots);
}

}  // namespace anneal::schedule
