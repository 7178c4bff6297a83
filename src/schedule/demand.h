// SPDX-License-Identifier: MIT
// Values of which only a part is needed are made for that part alone: the last position of an attention, the
// first rows of a product. For every node the box that its users together ask for, from the results down;
// where that is at most half of it, it is made anew over the box. Movement hands boxes on; what does not (a
// scan, a gather, a reshape that splits or joins the axes that are cut) asks for all. Tested by
// demand_test.cc.
#pragma once

#include <span>
#include <vector>

#include "ir/graph.h"

namespace anneal::schedule {

std::vector<ir::Node> narrow_to_demand(ir::Graph& graph, std::span<const ir::Node> roots);

}  // namespace anneal::schedule
