// SPDX-License-Identifier: MIT
// Arithmetic of extents. A symbolic extent is kept as a canonical polynomial over its atoms (variables,
// divisions,
// ...), so that equal extents are the same node: B*4*2 == 8*B, (B + 1) - 1 == B. What overflows 64 bits, or
// grows beyond 256 terms, raises kLimit. Tested by dims_test.cc.
#pragma once

#include <optional>

#include "ir/bounds.h"
#include "ir/graph.h"

namespace anneal::ir {

Dim dim_add(Graph& graph, Dim a, Dim b);
Dim dim_sub(Graph& graph, Dim a, Dim b);
Dim dim_mul(Graph& graph, Dim a, Dim b);
// floor(a / b); exact when b divides every term of a.
Dim dim_floordiv(Graph& graph, Dim a, Dim b);
Dim dim_product(Graph& graph, Shape shape);

// kTrue: equal at every binding; kFalse: at none; else unknown (a guard decides at run time).
Tri dim_equal(Graph& graph, Dim a, Dim b);
Tri dim_less_equal(Graph& graph, Dim a, Dim b);
// a / b when b divides a at every binding.
std::optional<Dim> dim_exact_div(Graph& graph, Dim a, Dim b);
// The greatest value over all bindings; saturates at INT64_MAX.
int64_t dim_max(Graph& graph, Dim d);
int64_t dim_min(Graph& graph, Dim d);

}  // namespace anneal::ir
