// SPDX-License-Identifier: MIT
// A program apart from what its leaves stand for: buffers and params become the params 0, 1, ... in the order
// of first use, and what only differentiation looks at is gone. Equal programs over other data are the same
// node. Tested by runtime_test.cc.
#pragma once

#include <span>
#include <vector>

#include "ir/graph.h"

namespace anneal::runtime {

struct Canonical {
  std::vector<ir::Node> roots;
  std::vector<ir::Node> leaves;  // by the number of the param that stands for it
};

// `first`: leaves that come before the others, used or not.
Canonical canonicalize(ir::Graph& graph, std::span<const ir::Node> roots,
                       std::span<const ir::Node> first = {});

}  // namespace anneal::runtime
