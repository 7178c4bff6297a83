// SPDX-License-Identifier: MIT
// What only makes the next value of an input that the program replaces: the work of an optimizer, told by
// what it reads and who reads it. It runs as one launch for all that is replaced, behind the program. Tested
// by updates_test.cc.
#pragma once

#include <span>
#include <vector>

#include "ir/graph.h"

namespace anneal::schedule {

// By node id. `order` holds producers first; `replaced`, by root, is the number of the input whose place the
// root takes, or -1, and may be shorter.
std::vector<bool> update_nodes(const ir::Graph& graph, std::span<const ir::Node> order,
                               std::span<const ir::Node> roots, std::span<const int32_t> replaced);

// Whether n scatters into this input (-1: none), whose place it takes: in that memory it has its updates to
// write, and nothing else.
bool scatters_into(const ir::Graph& graph, ir::Node n, int32_t replaced);

}  // namespace anneal::schedule
