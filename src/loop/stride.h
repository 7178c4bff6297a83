// SPDX-License-Identifier: MIT
// How an address moves as a loop goes on. Tested by stride_test.cc.
#pragma once

#include <optional>

#include "ir/kernel.h"

namespace anneal::loop {

// The difference of an index expression when the range advances by one: 0 when it does not depend on it, none
// when the difference is no constant, or not known to be one. `range` is a range or a variable.
std::optional<int64_t> stride(ir::Graph& graph, ir::Node index, ir::Node range);
// The same of an expression that is simplified already; makes no nodes.
std::optional<int64_t> stride_of_simplified(const ir::Graph& graph, ir::Node index, ir::Node range);

}  // namespace anneal::loop
