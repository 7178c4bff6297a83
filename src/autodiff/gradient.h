// SPDX-License-Identifier: MIT
// Differentiation as a rewrite: adjoints are ordinary nodes of the same graph, so gradients nest to any order
// and fuse with what they were made from.
//   in and out: Stage::kTensor.
// Adjoints take at least the type of what they belong to and never narrow: where a f16 value was widened to
// f32, its adjoint stays f32. Ties in max and min share the adjoint equally. New nodes are marked
// Phase::kBackward and carry the call site and module path of the node they belong to. Tested by
// gradient_test.cc (finite differences in f64, second derivatives) and by PyTorch's values (conform).
#pragma once

#include <array>
#include <span>
#include <string_view>
#include <vector>

#include "ir/graph.h"

namespace anneal::autodiff {

// For each of `wrt`: the sum over outputs of upstream * d(output)/d(wrt), or null when no output depends on
// it. upstream[i] has the shape of outputs[i]. Raises Error(kGradient) naming the op and its call site when a
// path goes through an op without a derivative.
std::vector<ir::Node> vjp(ir::Graph& graph, std::span<const ir::Node> outputs,
                          std::span<const ir::Node> upstream, std::span<const ir::Node> wrt);

// For each output: the sum over wrt of d(output)/d(wrt) * tangent, or null when it depends on none. Made by
// transposing the reverse rules, which are linear in the upstream: one rule table serves both modes.
std::vector<ir::Node> jvp(ir::Graph& graph, std::span<const ir::Node> outputs, std::span<const ir::Node> wrt,
                          std::span<const ir::Node> tangents);

// What the table says of an op's derivative, for `anneal explain`.
enum class GradientKind : uint8_t { kRule, kZero, kNone };
struct GradientInfo {
  GradientKind kind;
  std::string_view text;  // the law for a rule; why, for the others
};
GradientInfo gradient_info(ir::Op op);

}  // namespace anneal::autodiff
