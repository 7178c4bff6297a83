// SPDX-License-Identifier: MIT
#include "schedule/build.h"

#include <gtest/gtest.h>

#include "anneal/anneal.h"
#include "ir/builder.h"
#include "schedule/test_program.h"
#include "tensor/call.h"

namespace anneal::schedule {
namespace {

using ir::Builder;
using ir::Op;
using ir::ReduceOp;

class BuildTest : public testing::Test {
 protected:
  // All kernels of a program; the schedule keeps the values.
  const Schedule& scheduled(const std::vector<Tensor>& results, Fuse fuse = Fuse::kModel) {
    std::vector<Node> roots;
    for (const Tensor& t : results) roots.push_back(node_of(t));
    schedule_ = make_schedule(g, roots, {}, {.fuse = fuse});
    return schedule_;
  }
  size_t count(const Kernel& kernel, Op op) {
    size_t found = 0;
    for (Node n : ir::postorder(g, std::span(&kernel.sink, 1))) found += g.op(n) == op;
    return found;
  }

  ir::Graph& g = ir::default_graph();
  const ir::Graph::Scope scope{g};
  const Tensor x = input(0, {12, 17}), y = input(1, {12, 17});

 private:
  Schedule schedule_;
};

TEST_F(BuildTest, OneStatementForEachStoredValue) {
  const Schedule& s = scheduled({exp(x), relu(x) * y});
  ASSERT_EQ(s.launches.size(), 1u);
  const Kernel& k = s.launches[0].parts[0];
  EXPECT_EQ(k.kind, GroupKind::kMap);
  EXPECT_EQ(count(k, Op::Store), 2u);
  EXPECT_EQ(count(k, Op::Load), 2u);
  ASSERT_EQ(k.slots.size(), 4u);
  EXPECT_EQ(std::count_if(k.slots.begin(), k.slots.end(), [](const Slot& slot) { return slot.written; }), 2);
}

TEST_F(BuildTest, ReductionsOfOneRowShareTheirAccumulates) {
  const Schedule& s = scheduled({softmax(x), max(x, {1})});
  ASSERT_EQ(s.launches.size(), 1u);
  const Kernel& k = s.launches[0].parts[0];
  EXPECT_EQ(k.kind, GroupKind::kRow);
  EXPECT_EQ(count(k, Op::Accumulate), 2u);  // the maximum and the sum
}

TEST_F(BuildTest, OrderedValuesAreStatementsOfTheirOwn) {
  EXPECT_EQ(count(scheduled({cumsum(x)}).launches[0].parts[0], Op::ScanStore), 1u);
  EXPECT_EQ(count(scheduled({argsort(x)}).launches[0].parts[0], Op::SortStore), 1u);
  const Tensor index = input(2, {12, 5}, i32), update = input(3, {12, 5});
  const Kernel& scatter = scheduled({scatter_add(x, 1, index, update)}).launches[0].parts[0];
  EXPECT_EQ(count(scatter, Op::ScatterStore), 1u);
  EXPECT_EQ(count(scatter, Op::Store), 1u);
}

TEST_F(BuildTest, NamesAndPhases) {
  const ir::Graph::Module module(g, "head");
  const Tensor loss = sum(square(tanh(x)), {1});
  const Schedule& s = scheduled({loss, vjp({loss}, {input(5, {12})}, {x})[0]});
  bool forward = false, backward = false;
  for (const Launch& launch : s.launches)
    for (const Kernel& k : launch.parts) {
      EXPECT_TRUE(k.name.starts_with("head: ")) << k.name;
      EXPECT_FALSE(k.ops.empty());
      forward = forward || k.forward;
      backward = backward || k.backward;
    }
  EXPECT_TRUE(forward && backward);
}

// A group whose reduction reads another reduction of other rows would run it anew for each element.
TEST_F(BuildTest, UnsoundGroupsAreRefused) {
  const Builder b{g};
  const std::vector<Dim> shape = {Dim(12), Dim(17)};
  const Node a = b.param(0, f32, shape);
  const Node rows = b.reduce(b.make(Op::Exp, {a}), ReduceOp::kAdd, 0b10);
  const Node turned = b.expand(b.flip(rows, 0b01), shape);
  const Node out = b.mul(a, b.make(Op::Sin, {turned}));
  const Node roots[] = {rows, out};
  const ValueGraph values(g, roots);
  const ValueGraph inlined = values.inlining(choose_inlined(values, Fuse::kGreedy));
  Scopes forced;
  forced.group_of.assign(inlined.values().size(), -1);
  forced.stored.assign(inlined.values().size(), false);
  Group group{
      GroupKind::kRow, {}, {shape.begin(), shape.end()}, 0b01};  // columns, though the rows are summed
  for (Node n : roots) {
    const uint32_t v = inlined.value_of(n);
    group.members.push_back(v);
    forced.group_of[v] = 0;
    forced.stored[v] = true;
  }
  std::sort(group.members.begin(), group.members.end());
  forced.groups = {group};
  EXPECT_EQ(build_kernel(inlined, forced, 0, {}).reason, "a reduction would run anew for every element");
  forced.groups[0].reduced = 0b10;
  EXPECT_EQ(build_kernel(inlined, forced, 0, {}).reason, "");
}

}  // namespace
}  // namespace anneal::schedule
