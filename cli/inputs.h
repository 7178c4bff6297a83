// SPDX-License-Identifier: MIT
// The inputs of a program, and made-up values for them.
#pragma once

#include <string>

#include "interp/interp.h"

namespace anneal::cli {

// The params that the roots reach, by number.
std::vector<ir::Node> params_of(const ir::Graph& graph, std::span<const ir::Node> roots);
// The number of the param that has this name or number; raises with the list.
int64_t find_param(const ir::Graph& graph, std::span<const ir::Node> params, const std::string& name);
// Values for the params that are not bound yet: normal floats, small integers. They depend on the seed and
// the number of the param alone.
void bind_random(const ir::Graph& graph, std::span<const ir::Node> params, uint64_t seed,
                 interp::Bindings& bindings);

}  // namespace anneal::cli
