// SPDX-License-Identifier: MIT
// What has to be looked at before columns that a mask rules out are skipped: 0 times a factor that is not
// finite is NaN, and so is 0 over 0. A factor need not be looked at itself where it is made, by what cannot
// leave the finite numbers, of others that are looked at: the gradient of a score is a sum of products of
// loads, one for each row and column. Where loads must not be too large for that, this is asked of them.
// Tested by live_range_test.cc and fold_test.cc.
#pragma once

#include "loop/live_range.h"

namespace anneal::loop {

// A load, or a value without sums, that zeros meet or that a factor is made of, and an expression of it that
// is 0 where it does no harm, and else NaN.
struct Met {
  Node node, harm;
};

// Of what is skipped of `range`. None when it cannot be told without a look at every pair of a row and a
// column.
std::optional<std::vector<Met>> what_zeros_meet(ir::Graph& graph, const ir::Kernel& kernel, Node range,
                                                Node block, const LiveRange& live);

// exp(a - (greatest a of the row)) or of the sum of these, casts aside; the greatest may be replaced by a
// number where it is -inf, and the sum, where anything is, by one that is no less than 1.
bool is_softmax_part(const ir::Graph& graph, Node exponential);
bool is_softmax_total(const ir::Graph& graph, Node total);

// Casts aside that are exact: to wider floats, and to `own`, the type of what the value was made from.
Node uncast(const ir::Graph& graph, Node n, DType own = DType::kBool);
// A value, or where(.., number, value) with a finite number: the value. `number` becomes 1 without it.
Node without_replacement(const ir::Graph& graph, Node n, DType own, double* number = nullptr);

}  // namespace anneal::loop
