// SPDX-License-Identifier: MIT
// The canonical text form, both ways: parse(print(x)) == x. One node a line, numbered in order of first use:
//   %0 = param 0 : f32[8,64]
//   %1 = const 0.5 : f32
//   %2 = mul %0, %1 : f32[8,64]
//   %3 = reduce %2, op=add, axes=[1] : f32[8,1]
//   sink %3
// A symbolic extent is the number of its node: `f32[%4,64]` after `%4 = var "B", min=1, max=512 : index`.
// `#` starts a comment. A scalar's type has no brackets. Tested by text_test.cc and fuzzed by text_fuzz.cc.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "ir/graph.h"

namespace anneal::ir {

std::string print(const Graph& graph,
                  std::span<const Node> roots);  // a root that is a sink stands for its sources
// One node with its sources as "%id" of the graph and its extents as expressions: for messages and debuggers,
// not for parsing.
std::string node_text(const Graph& graph, Node n);
// "f32[8,64]"; symbolic extents as their expressions, "f32[B,2*T]".
std::string type_text(const Graph& graph, Node n);
std::string shape_text(const Graph& graph, Shape shape);  // "[8,64]", "[]"
std::string dim_text(const Graph& graph, Dim d);          // infix, "2*T + 1"

struct ParseLimits {
  size_t max_nodes = size_t{64} << 20;
};
struct Parsed {
  std::vector<Node> roots;  // the sources of the sink line
  std::string error;        // empty when it parsed; else "line:column: message"
};
// `graph` must be in a Scope. Every node is checked as it is made, so a parsed graph verifies.
Parsed parse(Graph& graph, std::string_view text, const ParseLimits& limits = {});

}  // namespace anneal::ir
