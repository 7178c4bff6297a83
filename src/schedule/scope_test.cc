// SPDX-License-Identifier: MIT
// What is inlined, what is fused, and what is not, on programs of the API and on graphs made by hand.
#include "schedule/scope.h"

#include <gtest/gtest.h>

#include <set>

#include "anneal/anneal.h"
#include "ir/builder.h"
#include "schedule/fit.h"
#include "schedule/test_program.h"
#include "tensor/call.h"

namespace anneal::schedule {
namespace {

using ir::Builder;
using ir::Op;
using ir::ReduceOp;

// The schedule of tensors, whose kernels have been run against the interpreter.
class ScopeTest : public testing::Test {
 protected:
  Schedule scheduled(const std::vector<Tensor>& results, Fuse fuse = Fuse::kModel) {
    std::vector<Node> roots;
    for (const Tensor& t : results) roots.push_back(node_of(t));
    Schedule s = make_schedule(graph, roots, {}, {.fuse = fuse});
    const interp::Bindings bindings = small_bindings(graph, roots, 5);
    EXPECT_EQ(schedule_differs(graph, interp::evaluate(graph, roots, bindings), s, bindings), "")
        << ir::print(graph, roots);
    expect_order(s);
    return s;
  }
  size_t kernels(const std::vector<Tensor>& results, Fuse fuse = Fuse::kModel) {
    return scheduled(results, fuse).scopes.groups.size();
  }
  // With the gradients, whose upstream is an input.
  size_t kernels_with_slopes(const Tensor& result, const std::vector<Tensor>& wrt) {
    std::vector<Tensor> all = vjp({result}, {input(99, result.sizes())}, wrt);
    all.insert(all.begin(), result);
    return kernels(all);
  }

  // Every group comes after those that it reads, so there are no cycles; and every value that is needed
  // elsewhere is stored.
  static void expect_order(const Schedule& s) {
    const ValueGraph& values = *s.values;
    for (size_t g = 0; g < s.scopes.groups.size(); ++g)
      for (uint32_t v : s.scopes.groups[g].members) {
        EXPECT_EQ(s.scopes.group_of[v], static_cast<int32_t>(g));
        for (const Read& r : values[v].reads) {
          const int32_t from = s.scopes.group_of[r.producer];
          EXPECT_LE(from, static_cast<int32_t>(g));
          if (from >= 0 && from != static_cast<int32_t>(g)) {
            EXPECT_TRUE(s.scopes.stored[r.producer]);
          }
        }
      }
    for (uint32_t root : s.roots) EXPECT_TRUE(values[root].kind == ValueKind::kLeaf || s.scopes.stored[root]);
  }
  // Elements of the values that are written to memory, roots apart.
  static double stored_elements(const Schedule& s) {
    double sum = 0;
    for (uint32_t v = 0; v < s.values->values().size(); ++v)
      if (s.scopes.stored[v] && !(*s.values)[v].root) sum += (*s.values)[v].elements;
    return sum;
  }

  ir::Graph& graph = default_graph();
  const ir::Graph::Scope scope{graph};
  const Tensor x = input(0, {7, 13}), y = input(1, {7, 13}), w = input(2, {13}), v = input(3, {13});

 private:
  static ir::Graph& default_graph() { return ir::default_graph(); }
};

TEST_F(ScopeTest, ElementwiseChainsAreOneKernel) {
  EXPECT_EQ(kernels({tanh(exp(x) * 2 + y) / (y + 3)}), 1u);
  EXPECT_EQ(kernels({exp(transpose(flip(x, {0})) * 2)}), 1u);
  EXPECT_EQ(kernels({exp(x), relu(x) * y}), 1u);  // siblings
  EXPECT_EQ(kernels({exp(x), exp(input(7, {5}))}), 2u);
  EXPECT_GT(kernels({tanh(exp(x) * 2 + y) / (y + 3)}, Fuse::kNone), 3u);
}

TEST_F(ScopeTest, ElementwiseJoinsItsProducersAndConsumers) {
  EXPECT_EQ(kernels({sum(exp(x) * y, {1})}), 1u);
  EXPECT_EQ(kernels({relu(sum(x, {1}) + 1)}), 1u);
  EXPECT_EQ(kernels({sum(x, {1}), max(x, {1}), exp(x)}), 1u);
  EXPECT_EQ(kernels({sum(x, {1}), sum(x, {0})}), 2u);  // other rows
}

TEST_F(ScopeTest, RowsAreOneKernelForwardAndAtMostTwoBackward) {
  const Tensor targets = input(4, {7}, i32);
  EXPECT_EQ(kernels({softmax(x)}), 1u);
  EXPECT_EQ(kernels({softmax(x, 0)}), 1u);
  EXPECT_EQ(kernels({log_softmax(x)}), 1u);
  EXPECT_EQ(kernels({layer_norm(x, w, v)}), 1u);
  EXPECT_EQ(kernels({rms_norm(x, w)}), 1u);
  EXPECT_EQ(kernels({cross_entropy(x, targets, {.reduction = Reduction::kNone})}), 1u);
  EXPECT_LE(kernels_with_slopes(softmax(x), {x}), 3u);
  EXPECT_LE(kernels_with_slopes(log_softmax(x), {x}), 3u);
  EXPECT_LE(kernels_with_slopes(layer_norm(x, w, v), {x, w, v}), 3u);
  EXPECT_LE(kernels_with_slopes(rms_norm(x, w), {x, w}), 3u);
  const Tensor loss = cross_entropy(x, targets);
  EXPECT_LE(kernels({loss, gradients(loss, {x})[0]}), 3u);
}

TEST_F(ScopeTest, EpilogueOfAContraction) {
  const Tensor m = input(5, {13, 4}), bias = input(6, {4}), r = input(7, {7, 4});
  EXPECT_EQ(kernels({gelu(matmul(x, m) + bias)}), 1u);
  EXPECT_EQ(kernels({relu(matmul(x, m) + bias) + r}), 1u);
  EXPECT_EQ(kernels({matmul(x, m), exp(matmul(x, m))}), 1u);  // both are stored
  EXPECT_EQ(kernels({matmul(relu(x), m)}), 1u);
  EXPECT_EQ(kernels({softmax(matmul(x, m))}), 2u);
  const Tensor image = input(8, {2, 3, 6, 6}), filter = input(9, {4, 3, 3, 3}), b4 = input(10, {4});
  EXPECT_EQ(kernels({relu(conv2d(image, filter, b4))}), 1u);
}

// The gradient of a bias is a sum over what the gradient of its weight multiplies.
TEST_F(ScopeTest, SumsBesideAContraction) {
  const Tensor x3 = input(5, {2, 7, 13}), m = input(6, {5, 13}), bias = input(7, {5});
  EXPECT_EQ(kernels_with_slopes(matmul(x3, transpose(m)) + bias, {m, bias}), 2u);
  EXPECT_EQ(kernels_with_slopes(matmul(x3, transpose(m)) + bias, {x3, m, bias}), 3u);
  const Tensor d = input(8, {7, 5});
  EXPECT_EQ(kernels({matmul(transpose(x), d), sum(d, {0})}), 1u);
  EXPECT_EQ(kernels({matmul(transpose(x), d), sum(x, {0}), sum(d, {0})}), 1u);  // both factors
  EXPECT_EQ(kernels({matmul(transpose(x), d), sum(d, {1})}), 2u);               // the other axis
  EXPECT_EQ(kernels({matmul(transpose(x), d), max(d, {0})}), 2u);
  EXPECT_EQ(kernels({matmul(transpose(x), d) * sum(d, {0}), sum(d, {0})}), 2u);  // which needs it
}

TEST_F(ScopeTest, MasksAndPositionsAreNeverStored) {
  const Tensor ids = input(4, {7}, i32);
  EXPECT_EQ(stored_elements(scheduled({dropout(x, 0.5, 3)})), 0);
  EXPECT_EQ(stored_elements(scheduled({exp(x) * arange(13, f32), sum(arange(13, f32) * w)})), 0);
  EXPECT_EQ(stored_elements(scheduled({matmul(one_hot(ids, 20), input(5, {20, 3}))})), 0);
  EXPECT_EQ(stored_elements(scheduled({tril(matmul(x, transpose(y)))})), 0);
  std::vector<Tensor> slopes = vjp({dropout(x, 0.5, 3)}, {y}, {x});
  slopes.push_back(dropout(x, 0.5, 3));
  EXPECT_EQ(stored_elements(scheduled(slopes)), 0);
}

// A value that its only user reads at several positions is not made again and again.
TEST_F(ScopeTest, RepeatedShiftsDoNotExplode) {
  Tensor a = input(0, {31});
  for (int i = 0; i < 40; ++i) a = (roll(a, {1}, {0}) + roll(a, {-1}, {0})) * 0.5;
  const Schedule s = scheduled({a});
  EXPECT_GE(s.scopes.groups.size(), 5u);
  EXPECT_LE(s.total.flops, 31 * 40 * 500);
}

// A group that begins after another may still reach it, through a member of a third group that comes before.
TEST_F(ScopeTest, CyclesThroughLaterGroups) {
  ir::Graph g;
  const ir::Graph::Scope own(g);
  const Builder b{g};
  const std::vector<Dim> shape = {Dim(4), Dim(6)}, turned = {Dim(6), Dim(4)};
  const uint8_t swap[] = {1, 0};
  const Node a = b.param(0, f32, shape), c = b.param(1, f32, shape);
  const auto transposed = [&](Node n) { return b.permute(n, swap); };
  // h -> t, p -> n -> u; h and u read c, p and t read a.
  const Node h = b.make(Op::Exp, {c});
  const Node p = b.make(Op::Sin, {a});
  const Node t = b.add(b.flip(b.make(Op::Tanh, {h}), 0b10), a);
  const Node n = b.make(Op::Exp, {transposed(b.scan(transposed(p), ReduceOp::kAdd, 0))});
  const Node u = b.add(b.flip(n, 0b01), c);
  for (const std::vector<Node>& roots : {std::vector<Node>{h, p, t, n, u}, std::vector<Node>{u, n, t, p, h},
                                         std::vector<Node>{t, u}, std::vector<Node>{p, h, u, t, n}})
    EXPECT_EQ(any_schedule_differs(g, roots, small_bindings(g, roots, 2)), "");
}

TEST_F(ScopeTest, EveryDecisionHasAReason) {
  const Tensor m = input(5, {13, 4});
  const Schedule s = scheduled({softmax(matmul(softmax(x), m)), cumsum(exp(x))});
  std::set<std::string> vetoes;
  for (const Decision& d : s.scopes.log) {
    EXPECT_FALSE(d.reason.empty());
    if (!d.fused) vetoes.insert(d.reason);
    if (d.fused) {
      EXPECT_EQ(s.scopes.group_of[d.producer], s.scopes.group_of[d.consumer]);
    }
  }
  EXPECT_TRUE(vetoes.contains("the consumer is a contraction"));
  EXPECT_TRUE(vetoes.contains("reductions do not fit behind a contraction"));
  EXPECT_TRUE(vetoes.contains("a scan, sort or scatter is a kernel of its own"));
}

TEST_F(ScopeTest, LevelsOfValues) {
  const Node a = node_of(x), row = node_of(sum(x, {1}, true)), column = node_of(exp(w));
  const std::vector<Node> roots = {node_of(exp(x)), row, column};
  const ValueGraph values(graph, roots);
  const Group rows{GroupKind::kRow, {}, {Dim(7), Dim(13)}, 0b10};
  EXPECT_EQ(level_of(values, rows, values.value_of(a)), Level::kFull);
  EXPECT_EQ(level_of(values, rows, values.value_of(row)), Level::kRow);
  EXPECT_EQ(level_of(values, rows, values.value_of(column)), Level::kNeither);
  EXPECT_EQ(single(values, values.value_of(row)).kind, GroupKind::kRow);
  EXPECT_EQ(single(values, values.value_of(column)).kind, GroupKind::kMap);
}

}  // namespace
}  // namespace anneal::schedule
