// SPDX-License-Identifier: MIT
// Makes a failing program small: drops results, takes sources instead of what is made of them, cuts programs
// off at new inputs and constants, and shortens extents, as long as it still fails. Tested by shrink_test.cc.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "ir/graph.h"

namespace anneal::pass {

// True when the program still shows the failure that is being looked for.
using StillFails = std::function<bool(std::span<const ir::Node> roots)>;

struct ShrinkResult {
  std::vector<ir::Node> roots;
  int tried = 0, taken = 0;  // candidates
};

// `roots` must fail. Ends at a program none of whose smaller neighbours fails, or after `max_tried`
// candidates.
ShrinkResult shrink(ir::Graph& graph, std::span<const ir::Node> roots, const StillFails& still_fails,
                    int64_t max_tried = 20000);

}  // namespace anneal::pass
