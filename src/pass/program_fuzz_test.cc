// SPDX-License-Identifier: MIT
// Random programs through the whole middle: simplifying changes no bit, is idempotent and makes no node when
// nothing applies; gradients verify, and simplifying them changes no bit either. ANNEAL_FUZZ_PROGRAMS and
// ANNEAL_FUZZ_SEED choose how many and from where; a failure prints the seed and the program.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>

#include "autodiff/gradient.h"
#include "interp/arrays.h"
#include "interp/test_bindings.h"
#include "ir/builder.h"
#include "ir/random_program.h"
#include "ir/text.h"
#include "ir/verify.h"
#include "ir/walk.h"
#include "rules/simplify.h"
#include "support/random_stream.h"
#include "tests/support/test_random.h"

namespace anneal {
namespace {

using ir::Node;
using Values = std::vector<std::shared_ptr<const interp::Array>>;

// Ordinary numbers, with the awkward ones among them.
double random_element(support::RandomStream& r, DType t) {
  constexpr double kAwkward[] = {0, -0.0, INFINITY, -INFINITY, NAN, 1, -1, 3e38};
  if (r.one_in(10)) return kAwkward[r.below(8)];
  return is_float(t) ? r.unit() * 6 - 3
                     : static_cast<double>(r.one_in(8) ? static_cast<int64_t>(r.next()) : r.below(11) - 5);
}

interp::Bindings random_bindings(const ir::Graph& g, std::span<const Node> roots, uint64_t seed) {
  support::RandomStream r(seed ^ 0x5bd1e995u);
  const int64_t size = 1 + r.below(4);
  return interp::bind_params(g, roots, {{"N", size}}, [&](DType t) { return random_element(r, t); });
}

// Equal bits; a NaN equals any NaN, whose payload is nobody's promise.
bool same(const interp::Array& a, const interp::Array& b) {
  if (a.dtype != b.dtype || a.shape != b.shape) return false;
  if (a.bytes == b.bytes) return true;
  for (size_t i = 0; i < a.bytes.size() / static_cast<size_t>(dtype_size(a.dtype)); ++i)
    if (!(interp::element(a, i) == interp::element(b, i))) return false;
  return true;
}

void expect_simplify_keeps(ir::Graph& g, const std::vector<Node>& roots, uint64_t seed) {
  const std::string where = "ANNEAL_FUZZ_SEED=" + std::to_string(seed) + "\n" + ir::print(g, roots);
  const std::vector<Node> simple = rules::simplify(g, roots);
  ASSERT_EQ(ir::verify(g, simple, ir::Stage::kTensor, "simplify"), "") << where;
  ASSERT_EQ(rules::simplify(g, simple), simple) << "not idempotent\n" << where << ir::print(g, simple);
  const interp::Bindings bindings = random_bindings(g, roots, seed);
  const Values before = interp::evaluate(g, roots, bindings), after = interp::evaluate(g, simple, bindings);
  for (size_t i = 0; i < before.size(); ++i)
    ASSERT_TRUE(same(*before[i], *after[i])) << "result " << i << " changed\n"
                                             << where << "became\n"
                                             << ir::print(g, simple);
}

TEST(ProgramFuzz, SimplifyKeepsEveryBit) {
  for (const uint64_t seed : test::seeds()) {
    ir::Graph g;
    const ir::Graph::Scope scope(g);
    expect_simplify_keeps(g, ir::random_program(g, seed, {.symbolic = seed % 4 == 0}), seed);
    if (HasFatalFailure()) return;
  }
}

TEST(ProgramFuzz, GradientsVerifyAndSimplifyKeepsThem) {
  for (const uint64_t seed : test::seeds()) {
    ir::Graph g;
    const ir::Graph::Scope scope(g);
    const ir::Builder b{g};
    const std::vector<Node> roots =
        ir::random_program(g, seed, {.nodes = 14, .symbolic = seed % 4 == 0, .floats_only = true});
    std::vector<Node> outputs, upstream, wrt;
    for (Node n : roots) {
      if (!is_float(g.dtype(n))) continue;
      outputs.push_back(n);
      upstream.push_back(b.full(g.shape(n), b.constant_int(1, g.dtype(n))));
    }
    for (Node n : ir::postorder(g, roots))
      if (g.op(n) == ir::Op::Param) wrt.push_back(n);
    std::vector<Node> found;
    for (Node n : autodiff::vjp(g, outputs, upstream, wrt))
      if (n) found.push_back(n);
    ASSERT_EQ(ir::verify(g, found, ir::Stage::kTensor, "vjp"), "") << "seed " << seed << "\n"
                                                                   << ir::print(g, roots);
    expect_simplify_keeps(g, found, seed);
    if (HasFatalFailure()) return;
  }
}

}  // namespace
}  // namespace anneal
