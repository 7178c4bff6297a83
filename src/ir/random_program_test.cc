// SPDX-License-Identifier: MIT
#include "ir/random_program.h"

#include <gtest/gtest.h>

#include <set>

#include "ir/text.h"
#include "ir/verify.h"
#include "ir/walk.h"

namespace anneal::ir {
namespace {

TEST(RandomProgram, VerifiesAndSurvivesItsText) {
  std::set<Op> seen;
  for (uint64_t seed = 0; seed < 2000; ++seed) {
    Graph g;
    const Graph::Scope scope(g);
    const std::vector<Node> roots = random_program(g, seed, {.symbolic = seed % 3 == 0});
    ASSERT_EQ(verify(g, roots, Stage::kTensor), "") << "seed " << seed;
    const std::string text = print(g, roots);
    const Parsed again = parse(g, text);
    ASSERT_EQ(again.error, "") << "seed " << seed << "\n" << text;
    ASSERT_EQ(again.roots, roots) << "seed " << seed << "\n" << text;
    for (Node n : postorder(g, roots)) seen.insert(g.op(n));
  }
  // Every op that a random program may hold turns up.
  for (int i = 0; i < kNumOps; ++i) {
    const auto op = static_cast<Op>(i);
    if (op != Op::Sink && op != Op::Range && op != Op::Var && !op_info(op).has(kUnique) &&
        !op_info(op).has(kKernelOp)) {
      EXPECT_EQ(seen.count(op), 1u) << op_text(op);
    }
  }
}

TEST(RandomProgram, IsDeterministicInItsSeed) {
  Graph a, b;
  const Graph::Scope in_a(a), in_b(b);
  EXPECT_EQ(print(a, random_program(a, 7)), print(b, random_program(b, 7)));
  EXPECT_NE(print(a, random_program(a, 7)), print(a, random_program(a, 8)));
}

}  // namespace
}  // namespace anneal::ir
