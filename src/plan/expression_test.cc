// SPDX-License-Identifier: MIT
#include "plan/expression.h"

#include <gtest/gtest.h>

#include "anneal/error.h"
#include "interp/interp.h"
#include "ir/builder.h"
#include "ir/dims.h"
#include "support/random_stream.h"

namespace anneal::plan {
namespace {

TEST(Expression, GivesWhatTheInterpreterGives) {
  ir::Graph g;
  const ir::Graph::Scope scope(g);
  const ir::Builder b{g};
  const std::vector<std::string> names{"m", "n"};
  const ir::Dim m(b.var("m", 0, 9)), n(b.var("n", 0, 9));
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    support::RandomStream r(seed);
    std::vector<ir::Dim> known{m, n, ir::Dim(r.below(20) - 10), ir::Dim(r.below(5) + 1)};
    for (int i = 0; i < 6; ++i) {
      const ir::Dim x = known[static_cast<size_t>(r.below(static_cast<int64_t>(known.size())))];
      const ir::Dim y = known[static_cast<size_t>(r.below(static_cast<int64_t>(known.size())))];
      switch (r.below(4)) {
        case 0: known.push_back(ir::dim_add(g, x, y)); break;
        case 1: known.push_back(ir::dim_sub(g, x, y)); break;
        case 2: known.push_back(ir::dim_mul(g, x, y)); break;
        default: known.push_back(ir::dim_floordiv(g, x, ir::Dim(r.below(6) + 1))); break;
      }
    }
    const Expression e(g, known.back(), names);
    for (int64_t i = 0; i < 10; ++i)
      for (int64_t j = 0; j < 10; ++j) {
        interp::Bindings bindings;
        bindings.vars = {{"m", i}, {"n", j}};
        const int64_t values[] = {i, j};
        EXPECT_EQ(e(values), interp::evaluate_dim(g, known.back(), bindings)) << seed;
      }
  }
}

TEST(Expression, OverflowIsAnError) {
  ir::Graph g;
  const ir::Graph::Scope scope(g);
  const ir::Dim n(ir::Builder{g}.var("n", 0, INT64_MAX / 2));
  const std::vector<std::string> names{"n"};
  const Expression square(g, ir::dim_mul(g, n, n), names);
  const int64_t small[] = {5}, large[] = {INT64_MAX / 2};
  EXPECT_EQ(square(small), 25);
  EXPECT_THROW(square(large), Error);
}

}  // namespace
}  // namespace anneal::plan
