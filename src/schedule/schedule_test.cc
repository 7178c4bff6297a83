// SPDX-License-Identifier: MIT
// Whole programs: order, launches, names, and the same kernels whatever order the program was built in.
#include "schedule/schedule.h"

#include <gtest/gtest.h>

#include <array>

#include "anneal/anneal.h"
#include "ir/builder.h"
#include "loop/print.h"
#include "loop/stride.h"
#include "schedule/describe.h"
#include "schedule/test_program.h"
#include "tensor/call.h"

namespace anneal::schedule {
namespace {

using ir::Builder;
using ir::Op;
using ir::ReduceOp;

// The kernels in order, by the content of their sinks, with what they read and write.
std::vector<std::string> signature(const ir::Graph& g, const Schedule& s) {
  std::vector<std::string> out;
  for (const Launch& launch : s.launches)
    for (const Kernel& k : launch.parts) {
      const support::Key key = g.key(k.sink);
      std::string text = std::to_string(key.hi) + "." + std::to_string(key.lo);
      for (const Slot& slot : k.slots) text += (slot.written ? " w" : " r") + std::to_string(slot.value);
      out.push_back(text);
    }
  return out;
}

// An attention-like program whose independent parts are made in one order or the other.
std::vector<Node> program(ir::Graph& g, bool other_order) {
  const Builder b{g};
  const std::vector<Dim> wide = {Dim(8), Dim(16), Dim(8)}, square = {Dim(8), Dim(8)};
  if (other_order)  // other ids for everything that follows
    for (int i = 0; i < 100; ++i) b.constant_int(i, i64);
  const auto matmul = [&](Node x, Node y) {
    const Node left = b.expand(b.reshape(x, std::vector<Dim>{Dim(8), Dim(16), Dim(1)}), wide);
    const Node right = b.expand(b.reshape(y, std::vector<Dim>{Dim(1), Dim(16), Dim(8)}), wide);
    return b.reshape(b.reduce(b.mul(left, right), ReduceOp::kAdd, 0b010), square);
  };
  const auto one = [&] {
    return matmul(b.param(0, f32, std::vector<Dim>{Dim(8), Dim(16)}),
                  b.param(1, f32, std::vector<Dim>{Dim(16), Dim(8)}));
  };
  const auto two = [&] { return b.make(Op::Tanh, {b.param(2, f32, square)}); };
  Node p, q;
  if (other_order) {
    q = two();
    p = one();
  } else {
    p = one();
    q = two();
  }
  const Node e = b.make(Op::Exp, {b.sub(p, b.expand(b.reduce(p, ReduceOp::kMax, 0b10), square))});
  const Node soft = b.div(e, b.expand(b.reduce(e, ReduceOp::kAdd, 0b10), square));
  const Node scanned = b.scan(b.mul(soft, q), ReduceOp::kAdd, 1);
  return {soft, b.make(Op::Sin, {scanned})};
}

TEST(Schedule, TheSameKernelsInWhateverOrderItWasBuilt) {
  for (const Fuse fuse : {Fuse::kNone, Fuse::kGreedy, Fuse::kModel}) {
    std::vector<std::string> first;
    for (const bool other : {false, true}) {
      ir::Graph g;
      const ir::Graph::Scope scope(g);
      const std::vector<std::string> found =
          signature(g, make_schedule(g, program(g, other), {}, {.fuse = fuse}));
      EXPECT_TRUE(first.empty() || first == found);
      first = found;
    }
    EXPECT_FALSE(first.empty());
  }
}

TEST(Schedule, TwiceInOneGraphIsTheSame) {
  ir::Graph g;
  const ir::Graph::Scope scope(g);
  const std::vector<Node> roots = program(g, false);
  EXPECT_EQ(signature(g, make_schedule(g, roots, {})), signature(g, make_schedule(g, roots, {})));
  EXPECT_EQ(any_schedule_differs(g, roots, small_bindings(g, roots, 1)), "");
}

TEST(Schedule, EqualLayersAreOneKernel) {
  Tensor x = input(0, {32, 12});
  for (int i = 0; i < 5; ++i) x = softmax(matmul(x, input(1 + i, {12, 12})) + input(10 + i, {12}));
  ir::Graph& g = ir::default_graph();
  const ir::Graph::Scope scope(g);
  const Node roots[] = {node_of(x)};
  const Schedule s = make_schedule(g, roots, {});
  EXPECT_EQ(s.launches.size(), 10u);
  EXPECT_EQ(s.unique_kernels, 2u);
}

TEST(Schedule, TheOptimizerIsOneLaunch) {
  std::vector<Tensor> results;
  const Tensor x = input(0, {16, 20}), target = input(1, {16, 4});
  const std::vector<Tensor> weights = {input(2, {20, 30}), input(3, {30}), input(4, {30, 4})};
  const Tensor loss = mse_loss(matmul(tanh(matmul(x, weights[0]) + weights[1]), weights[2]), target);
  const std::vector<Tensor> slopes = gradients(loss, weights);
  results.push_back(loss);
  for (size_t i = 0; i < weights.size(); ++i) results.push_back(weights[i] - slopes[i] * 0.1);
  ir::Graph& g = ir::default_graph();
  const ir::Graph::Scope scope(g);
  std::vector<Node> roots;
  for (const Tensor& t : results) roots.push_back(node_of(t));
  const Schedule s = make_schedule(g, roots, {}, {.replaced = std::array<int32_t, 4>{-1, 2, 3, 4}});
  const Launch& last = s.launches.back();
  EXPECT_EQ(last.parts.size(), 3u);
  EXPECT_EQ(last.name, "optimizer x 3 parameters");
  for (const Kernel& k : last.parts) EXPECT_TRUE(k.optimizer);
  for (size_t i = 0; i + 1 < s.launches.size(); ++i)
    for (const Kernel& k : s.launches[i].parts) EXPECT_FALSE(k.optimizer);
  const interp::Bindings bindings = small_bindings(g, roots, 1);
  EXPECT_EQ(schedule_differs(g, interp::evaluate(g, roots, bindings), s, bindings), "");
}

// Products, and the sum of their windows, which finds them by adding and reads them side by side.
TEST(Schedule, AConvolutionGivesBackToItsInputInTwoKernels) {
  const Tensor x = input(0, {2, 3, 9, 9}), w = input(1, {4, 3, 3, 3}), slope = input(2, {2, 4, 9, 9});
  const Tensor given = gradients(sum(conv2d(x, w, {}, {.padding = {1}}) * slope), {x})[0];
  ir::Graph& g = ir::default_graph();
  const ir::Graph::Scope scope(g);
  const Node roots[] = {node_of(given)};
  const Schedule s = make_schedule(g, roots, {});
  ASSERT_EQ(s.launches.size(), 2u) << describe_kernels(*s.values, s.launches);
  for (const Launch& launch : s.launches)
    for (Node n : ir::postorder(g, std::span(&launch.parts[0].sink, 1)))
      EXPECT_TRUE(g.op(n) != Op::FloorDiv && g.op(n) != Op::FloorMod)
          << ir::print(g, {{launch.parts[0].sink}});
  const Node sum = s.launches[1].parts[0].sink, store = g.source(sum, 0);
  std::vector<Node> columns;  // along which the result lies side by side
  for (Node n : ir::postorder(g, std::span(&sum, 1)))
    if (g.op(n) == Op::Range && loop::stride(g, g.source(store, 1), n) == 1) columns.push_back(n);
  ASSERT_EQ(columns.size(), 1u);
  for (Node n : ir::postorder(g, std::span(&sum, 1)))
    if (g.op(n) == Op::Load) {
      EXPECT_EQ(loop::stride(g, g.source(n, 1), columns[0]), 1);
    }
  EXPECT_EQ(any_schedule_differs(g, roots, small_bindings(g, roots, 1)), "");
}

// Of windows that do not overlap, each element is in one at most: nothing is summed.
TEST(Schedule, PoolingGivesBackElementByElement) {
  const Tensor x = input(0, {2, 8, 11}), slope = input(1, {2, 4, 3});
  const Tensor given = gradients(sum(max_pool2d(x, {.kernel = {2}, .stride = {2, 4}}) * slope), {x})[0];
  ir::Graph& g = ir::default_graph();
  const ir::Graph::Scope scope(g);
  const Node roots[] = {node_of(given)};
  const Schedule s = make_schedule(g, roots, {});
  EXPECT_EQ(s.launches.back().parts[0].kind, GroupKind::kMap);
  EXPECT_EQ(any_schedule_differs(g, roots, small_bindings(g, roots, 1)), "");
}

// In order along the table, and so with the same bits for any number of items that share out the columns.
TEST(Schedule, AnEmbeddingGivesBackInBlocksOfColumns) {
  const Tensor table = input(0, {30, 160}), slope = input(1, {2, 9, 160}), ids = input(2, {2, 9}, i32);
  const Tensor given = gradients(sum(embedding(ids, table) * slope), {table})[0];
  ir::Graph& g = ir::default_graph();
  const ir::Graph::Scope scope(g);
  const Node roots[] = {node_of(given)};
  const Schedule s = make_schedule(g, roots, {});
  const loop::Program program = loop::lower(g, s.launches.back().parts[0].sink);
  ASSERT_EQ(program.grid.size(), 1u) << loop::print(g, program);
  EXPECT_GE(program.grid[0].chunk, 64);
  EXPECT_EQ(loop::verify(g, program), "");
  const interp::Bindings bindings = small_bindings(g, roots, 1);
  EXPECT_EQ(schedule_differs(g, interp::evaluate(g, roots, bindings), s, bindings, interp::Mode::kExact,
                             RunOn::kLoops),
            "");
}

TEST(Schedule, LaunchesComeAfterWhatTheyRead) {
  ir::Graph g;
  const ir::Graph::Scope scope(g);
  const Schedule s = make_schedule(g, program(g, false), {}, {.fuse = Fuse::kNone});
  std::vector<bool> made(s.values->values().size(), false);
  double bytes = 0;
  for (const Launch& launch : s.launches)
    for (const Kernel& k : launch.parts) {
      for (const Slot& slot : k.slots) {
        EXPECT_TRUE(slot.written || made[slot.value] || (*s.values)[slot.value].kind == ValueKind::kLeaf);
        if (slot.written) {
          EXPECT_FALSE(made[slot.value]);  // each once
        }
      }
      for (const Slot& slot : k.slots)
        if (slot.written) made[slot.value] = true;
      bytes += k.cost.bytes();
    }
  EXPECT_EQ(bytes, s.total.bytes());
  for (uint32_t root : s.roots) EXPECT_TRUE(made[root]);
}

TEST(Schedule, ResultsThatAreInputsOrEmptyNeedNoKernel) {
  ir::Graph g;
  const ir::Graph::Scope scope(g);
  const Builder b{g};
  const Node x = b.param(0, f32, std::vector<Dim>{Dim(3), Dim(4)});
  const std::vector<Node> roots = {x, b.reshape(x, std::vector<Dim>{Dim(12)})};
  const Schedule s = make_schedule(g, roots, {});
  EXPECT_TRUE(s.launches.empty());
  EXPECT_EQ(s.roots[0], s.roots[1]);
  const std::vector<Node> empty = {b.make(Op::Exp, {b.param(1, f32, std::vector<Dim>{Dim(0), Dim(4)})})};
  EXPECT_EQ(any_schedule_differs(g, empty, small_bindings(g, empty, 1)), "");
}

}  // namespace
}  // namespace anneal::schedule
