// SPDX-License-Identifier: MIT
#include "schedule/value_graph.h"

#include <gtest/gtest.h>

#include "ir/builder.h"

namespace anneal::schedule {
namespace {

using ir::Builder;
using ir::Op;
using ir::ReduceOp;

class ValueGraphTest : public testing::Test {
 protected:
  Node x(int64_t number, std::vector<Dim> shape, DType t = f32) { return b.param(number, t, shape); }
  ValueGraph values(std::vector<Node> roots) { return ValueGraph(g, roots); }
  // How `consumer` reads `producer`; fails when it does not, or more than once.
  static Read read_of(const ValueGraph& v, Node consumer, Node producer) {
    std::vector<Read> found;
    for (const Read& r : v[v.value_of(consumer)].reads)
      if (r.producer == v.value_of(producer)) found.push_back(r);
    EXPECT_EQ(found.size(), 1u);
    return found.empty() ? Read{} : found[0];
  }

  ir::Graph g;
  const ir::Graph::Scope scope{g};
  const Builder b{g};
};

const uint8_t kSwap[] = {1, 0};

TEST_F(ValueGraphTest, MovementIsNoValue) {
  const Node a = x(0, {Dim(3), Dim(4)}), e = b.make(Op::Exp, {a});
  const Node turned = b.permute(e, kSwap), flat = b.reshape(e, std::vector<Dim>{Dim(12)});
  const Node n = b.neg(flat), m = b.neg(turned);
  const ValueGraph v = values({n, m});
  EXPECT_EQ(v.values().size(), 4u);
  EXPECT_EQ(v.value_of(turned), ~0u);
  EXPECT_TRUE(read_of(v, n, e).in_step);   // the same memory in another shape
  EXPECT_FALSE(read_of(v, m, e).in_step);  // turned
  EXPECT_EQ(read_of(v, m, e).axes, 0b11u);
  EXPECT_EQ(v[v.value_of(e)].users, (std::vector<uint32_t>{v.value_of(n), v.value_of(m)}));
  EXPECT_EQ(v[v.value_of(a)].kind, ValueKind::kLeaf);
}

TEST_F(ValueGraphTest, RootsShareTheMemoryOfReshapedValues) {
  const Node e = b.make(Op::Exp, {x(0, {Dim(3), Dim(4)})});
  const Node flat = b.reshape(e, std::vector<Dim>{Dim(12)}), turned = b.permute(e, kSwap);
  const ValueGraph v = values({flat, turned, e});
  EXPECT_EQ(v.roots(), (std::vector<uint32_t>{v.value_of(e), v.value_of(turned), v.value_of(e)}));
  EXPECT_EQ(v[v.value_of(turned)].kind, ValueKind::kMap);
  EXPECT_TRUE(v[v.value_of(e)].root);
}

TEST_F(ValueGraphTest, ReadsOfRowsColumnsAndParts) {
  const std::vector<Dim> shape = {Dim(3), Dim(4)};
  const Node row = x(0, {Dim(3), Dim(1)}), column = x(1, {Dim(4)}), flipped = x(2, shape);
  const Node y = b.make(Op::Add, {b.mul(b.expand(row, shape),
                                        b.expand(b.reshape(column, std::vector<Dim>{Dim(1), Dim(4)}), shape)),
                                  b.flip(flipped, 0b10)});
  const ValueGraph v = values({y});
  const ValueGraph all = v.inlining([&] {
    std::vector<bool> inlined(v.values().size(), true);
    for (size_t i = 0; i < inlined.size(); ++i)
      inlined[i] = v.values()[i].kind != ValueKind::kLeaf && !v.values()[i].root;
    return inlined;
  }());
  EXPECT_EQ(read_of(all, y, row).axes, 0b01u);
  EXPECT_TRUE(read_of(all, y, row).in_step);
  EXPECT_EQ(read_of(all, y, column).axes, 0b10u);
  EXPECT_FALSE(read_of(all, y, flipped).in_step);
  EXPECT_EQ(all[all.value_of(y)].work, 2);
}

TEST_F(ValueGraphTest, ContractionsAreSumsOfProductsThatMissAxes) {
  const std::vector<Dim> shape = {Dim(3), Dim(5), Dim(4)};
  const Node a = b.reshape(x(0, {Dim(3), Dim(5)}), std::vector<Dim>{Dim(3), Dim(5), Dim(1)});
  const Node c = b.reshape(x(1, {Dim(5), Dim(4)}), std::vector<Dim>{Dim(1), Dim(5), Dim(4)});
  const Node product = b.mul(b.expand(a, shape), b.expand(c, shape));
  const Node matmul = b.reduce(product, ReduceOp::kAdd, 0b010);
  const Node most = b.reduce(product, ReduceOp::kMax, 0b010);
  const Node all = b.reduce(b.mul(x(2, shape), x(3, shape)), ReduceOp::kAdd, 0b010);
  const ValueGraph v = values({matmul, most, all});
  const Value& found = v[v.value_of(matmul)];
  EXPECT_EQ(found.kind, ValueKind::kContract);
  EXPECT_EQ(found.product, product);
  EXPECT_EQ(found.left, 0b011u);
  EXPECT_EQ(found.right, 0b110u);
  EXPECT_EQ(found.reduced, 0b010u);
  EXPECT_EQ(found.positions, 60);
  EXPECT_EQ(found.elements, 12);
  EXPECT_EQ(v[v.value_of(most)].kind, ValueKind::kReduce);
  EXPECT_EQ(v[v.value_of(all)].kind, ValueKind::kReduce);
}

TEST_F(ValueGraphTest, InlinedValuesAreLookedThrough) {
  const Node a = x(0, {Dim(8)}), e = b.make(Op::Exp, {a}), n = b.neg(e);
  const ValueGraph v = values({n});
  std::vector<bool> inlined(v.values().size(), false);
  inlined[v.value_of(e)] = true;
  const ValueGraph in = v.inlining(inlined);
  EXPECT_EQ(in[in.value_of(e)].users.size(), 0u);
  EXPECT_TRUE(read_of(in, n, a).in_step);
  EXPECT_EQ(in[in.value_of(n)].work, op_work(Op::Exp) + op_work(Op::Neg));
}

TEST_F(ValueGraphTest, SymbolicExtentsCountAtTheirMaximum) {
  const Dim n(b.var("N", 1, 9));
  const Node e = b.make(Op::Exp, {x(0, {n, Dim(4)})});
  const ValueGraph v = values({e});
  EXPECT_EQ(v[v.value_of(e)].elements, 36);
}

}  // namespace
}  // namespace anneal::schedule
