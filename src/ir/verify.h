// SPDX-License-Identifier: MIT
// What is legal at each stage. Run before and after every pass in tests and debug builds; the message names
// the pass, the op and the node's text.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "ir/graph.h"

namespace anneal::ir {

enum class Stage : uint8_t {
  kTensor,  // every op of the table but range; extents are closed index expressions
  kIndex,   // scalar index and bool arithmetic over var, range and const: addresses and guards
  kKernel,  // one sink of statements over scalars of any type; params are slots: memory of the given extent
};
inline constexpr std::array<std::string_view, 3> kStageText = {"tensor", "index", "kernel"};

// Whether the node itself, its sources aside, may be part of an extent: index arithmetic over variables, no
// tensor and no loop index of a kernel.
bool legal_in_extent(const Graph& graph, Node n);

// Empty when all is well.
std::string verify(const Graph& graph, std::span<const Node> roots, Stage stage, std::string_view pass = {});

}  // namespace anneal::ir
