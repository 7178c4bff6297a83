// SPDX-License-Identifier: MIT
#include "rules/random_index.h"

namespace anneal::rules {

using ir::Dim;
using ir::Node;
using ir::Op;

Node RandomIndex::leaf() {
  const int64_t kind = random_.below(8);
  const Node n = build_.var("n", 1, 3), m = build_.var("m", 1, 4);
  if (kind == 0) return n;
  if (kind == 1) return m;
  if (kind == 2) return build_.range(Dim(n), 10);
  if (kind == 3) return build_.range(Dim(m), 11);
  constexpr int64_t kExtents[] = {2, 3, 4, 4, 6};
  const int64_t id = random_.below(4);
  return build_.range(kExtents[id], id);
}

Node RandomIndex::expression(int depth) {
  constexpr int64_t kScales[] = {1, 1, 1, 2, 3, 4, 4, 8, 12, -1, -2, 9};
  Node sum;
  if (depth > 0 && random_.chance(12)) sum = taken_apart(expression(depth - 1));
  const int64_t terms = 1 + random_.below(3);
  for (int64_t i = 0; i < terms; ++i) {
    Node term = depth == 0 || random_.chance(50) ? leaf() : expression(depth - 1);
    const int64_t kind = depth == 0 ? 0 : random_.below(10);
    if (kind == 6) term = build_.floordiv(term, constant());
    if (kind == 7) term = build_.floormod(term, constant());
    if (kind == 8) term = build_.mul(term, leaf());
    if (kind == 9) term = build_.make(random_.chance(50) ? Op::FloorDiv : Op::FloorMod, {term, leaf()});
    const int64_t scale = random_.pick(kScales);
    if (scale != 1) term = build_.mul(term, build_.index(scale));
    sum = sum ? build_.make(random_.chance(80) ? Op::Add : Op::Sub, {sum, term}) : term;
  }
  return random_.chance(30) ? build_.add(sum, build_.index(random_.below(20) - 5)) : sum;
}

// A value taken apart into quotient and remainder, whole or with a digit missing, for rules that put it
// together.
Node RandomIndex::taken_apart(Node x) {
  constexpr int64_t kDivisors[] = {2, 3, 4, 6};
  const bool symbolic = random_.chance(25);
  const Node m = symbolic ? leaf() : build_.index(random_.pick(kDivisors));
  const Node scale = build_.index(1 + random_.below(3));
  Node quotient = build_.floordiv(x, m), remainder = build_.floormod(x, m);
  if (random_.chance(30)) quotient = build_.floormod(quotient, build_.index(random_.pick(kDivisors)));
  quotient = build_.mul(build_.mul(quotient, m), scale);
  if (random_.chance(30)) return build_.sub(build_.mul(x, scale), quotient);
  remainder = build_.mul(remainder, scale);
  return random_.chance(50) ? build_.add(quotient, remainder) : build_.add(remainder, quotient);
}

Node RandomIndex::constant() {
  constexpr int64_t kValues[] = {2, 3, 4, 4, 8, 8, 12, 16, 6, 1, 0, -1, -4, 5, 24, 7, 15, 9};
  return build_.index(random_.pick(kValues));
}

Node RandomIndex::comparison(int depth) {
  constexpr Op kOps[] = {Op::Lt, Op::Lt, Op::Le, Op::Eq, Op::Ne};
  const Node x = expression(depth);
  return build_.make(random_.pick(kOps), {x, random_.chance(60) ? constant() : expression(depth)});
}

}  // namespace anneal::rules
