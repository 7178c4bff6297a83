// SPDX-License-Identifier: MIT
// A kernel around one sum of products, brought to the form that contraction skeletons take:
//   C[b,m,n] = sum over k of A(b,m,k) * B(b,k,n), and statements that use C at (b,m,n)
// with one range for each of b, m, n and k, however many axes the tensors have: convolutions too, whose
// operands are windows. An annotation: the kernel means the same without it. Tested by contraction_test.cc.
#pragma once

#include <optional>
#include <vector>

#include "ir/graph.h"

namespace anneal::loop {

using ir::Node;

// A sum over k of one of the factors, beside the product: of a over (m, k), or of b over (n, k).
struct FactorSum {
  Node statement, sum;  // a store, and the accumulate that it stores something of
  bool of_b = false;
};

struct Contraction {
  Node product;                  // the accumulate; its only range is k
  Node a, b;                     // its factors: expressions of (batch, m, k) and (batch, k, n)
  Node batch, m, n, k;           // ranges; batch, m and n may be null: extent 1
  std::vector<Node> statements;  // that use the product: stores with the ranges batch, m and n
  std::vector<FactorSum> sums;   // other statements of the kernel: with the ranges m, n and k as well
  std::vector<Node> others;      // the rest of its statements, as they were
};

// None when the kernel has no accumulate of this form, or more than one. Product and sum have one type, f32
// or f64; factors may be of any type before. `n` is the side along which the results lie closer together.
std::optional<Contraction> find_contraction(ir::Graph& graph, Node kernel);

}  // namespace anneal::loop
