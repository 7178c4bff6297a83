// SPDX-License-Identifier: MIT
// The contractions of scheduled programs: the kernel with its ranges joined gives the same results, and has
// the factors where skeletons expect them.
#include "loop/contraction.h"

#include <gtest/gtest.h>

#include <map>

#include "anneal/anneal.h"
#include "ir/builder.h"
#include "schedule/test_program.h"
#include "tensor/call.h"

namespace anneal::loop {
namespace {

using ir::Dim;
using ir::Op;
using schedule::Kernel;
using schedule::Value;

struct Tally {
  size_t found = 0, kernels = 0;
  std::vector<bool> batched, rows;  // of each that was found
  size_t sums = 0;
};

bool reaches(const ir::Graph& graph, Node from, Node to) {
  const Node roots[] = {from};
  const std::vector<Node> all = ir::postorder(graph, roots);
  return std::find(all.begin(), all.end(), to) != all.end();
}

void expect_form(const ir::Graph& graph, const Contraction& c) {
  ASSERT_TRUE(c.product && c.a && c.b && c.k);
  ASSERT_EQ(graph.op(c.product), Op::Accumulate);
  ASSERT_EQ(graph.sources(c.product).size(), 2u);
  EXPECT_EQ(graph.source(c.product, 1), c.k);
  EXPECT_TRUE(reaches(graph, c.a, c.k) && reaches(graph, c.b, c.k));
  EXPECT_FALSE(c.n && reaches(graph, c.a, c.n));
  EXPECT_FALSE(c.m && reaches(graph, c.b, c.m));
  EXPECT_FALSE(c.statements.empty());
}

// Schedules, replaces each kernel by its contraction where there is one, and compares the results.
void check(const std::vector<Tensor>& results, Tally& tally) {
  ir::Graph& graph = ir::default_graph();
  const ir::Graph::Scope scope(graph);
  std::vector<Node> roots;
  for (const Tensor& t : results) roots.push_back(node_of(t));
  const interp::Bindings bindings = schedule::small_bindings(graph, roots, 3);
  schedule::Schedule s = schedule::make_schedule(graph, roots, {});
  for (schedule::Launch& launch : s.launches)
    for (Kernel& kernel : launch.parts) {
      ++tally.kernels;
      const std::optional<Contraction> c = find_contraction(graph, kernel.sink);
      if (!c) continue;
      ++tally.found;
      tally.batched.push_back(static_cast<bool>(c->batch));
      tally.rows.push_back(static_cast<bool>(c->m));
      expect_form(graph, *c);
      tally.sums += c->sums.size();
      std::vector<Node> statements = c->others;
      for (const FactorSum& sum : c->sums) {
        EXPECT_EQ(graph.source(sum.sum, 0), sum.of_b ? c->b : c->a);
        EXPECT_TRUE(reaches(graph, sum.statement, sum.sum));
        statements.push_back(sum.statement);
      }
      statements.insert(statements.end(), c->statements.begin(), c->statements.end());
      kernel.sink = ir::Builder{graph}.sink(statements);
    }
  const schedule::Values wanted = interp::evaluate(graph, roots, bindings);
  EXPECT_EQ(schedule::schedule_differs(graph, wanted, s, bindings), "") << ir::print(graph, roots);
}

Tally check(const std::vector<Tensor>& results) {
  Tally tally;
  check(results, tally);
  return tally;
}

Tally check_with_slopes(const Tensor& y, const std::vector<Tensor>& wrt) {
  std::vector<Tensor> all = vjp({y}, {input(99, y.sizes(), y.dtype())}, wrt);
  all.insert(all.begin(), y);
  return check(all);
}

TEST(Contraction, MatmulsOfAllRanks) {
  const std::pair<Sizes, Sizes> shapes[] = {
      {{5, 7}, {7, 3}},       {{7}, {7, 3}},       {{5, 7}, {7}},          {{2, 5, 7}, {7, 3}},
      {{2, 5, 7}, {2, 7, 3}}, {{5, 7}, {2, 7, 3}}, {{2, 3, 5, 7}, {7, 3}}, {{2, 3, 5, 7}, {2, 3, 7, 4}}};
  for (const auto& [a, b] : shapes) {
    const Tensor left = input(0, a), right = input(1, b);
    const Tally tally = check({matmul(left, right)});
    EXPECT_EQ(tally.kernels, 1u);
    EXPECT_EQ(tally.found, 1u);
    check_with_slopes(matmul(left, right), {left, right});
  }
  EXPECT_EQ(check({matmul(input(0, {7}), input(1, {7}))}).found,
            0u);  // a dot product has neither rows nor columns
}

// The gradient of a bias beside that of its weight, over one batch axis or two; and what is no such sum.
TEST(Contraction, SumsOfItsFactors) {
  const Tensor x = input(0, {7, 13}), d = input(1, {7, 5}), bias = input(2, {5});
  EXPECT_EQ(check({matmul(transpose(x), d), sum(d, {0})}).sums, 1u);
  EXPECT_EQ(check({matmul(transpose(d), x), exp(matmul(transpose(d), x)), sum(d, {0}), sum(x, {0})}).sums,
            2u);
  EXPECT_EQ(check({matmul(transpose(x), d), sum(d, {1})}).sums, 0u);
  EXPECT_EQ(check({matmul(transpose(x), d), sum(x * 2, {0})}).sums, 0u);
  EXPECT_EQ(check({matmul(transpose(x), relu(d)), sum(relu(d), {0})}).sums, 1u);  // made in both
  const Tensor x3 = input(3, {2, 7, 13}), w = input(4, {5, 13});
  EXPECT_EQ(check_with_slopes(matmul(x3, transpose(w)) + bias, {x3, w, bias}).sums, 1u);
  const Tensor b16 = input(5, {7, 5}, bf16);
  check({matmul(transpose(x), cast(b16, f32)), sum(cast(b16, f32), {0}), sum(b16, {0})});
}

TEST(Contraction, BatchAxesAreThoseOfBothFactors) {
  const Tally batched = check({matmul(input(0, {2, 5, 7}), input(1, {2, 7, 3}))});
  EXPECT_EQ(batched.batched, std::vector<bool>{true});
  const Tally flat = check({matmul(input(0, {2, 5, 7}), input(1, {7, 3}))});
  EXPECT_EQ(flat.batched, std::vector<bool>{false});
  const Tally row = check({matmul(input(0, {7}), input(1, {7, 3}))});
  EXPECT_EQ(row.rows, std::vector<bool>{false});
}

TEST(Contraction, Transposes) {
  for (int which = 0; which < 8; ++which) {
    const Tensor a = input(0, {5, 5}), b = input(1, {5, 5});
    const Tensor y = matmul((which & 1) != 0 ? transpose(a) : a, (which & 2) != 0 ? transpose(b) : b);
    EXPECT_EQ(check({(which & 4) != 0 ? transpose(y) : y}).found, 1u);
  }
}

// Whichever factor is written first, the columns of the result as it lies in memory are n.
TEST(Contraction, NIsTheSideThatLiesCloser) {
  ir::Graph& graph = ir::default_graph();
  for (const bool first : {false, true}) {
    const Tensor a = input(0, {4, 6}), b = input(1, {6, 9});
    const Tensor y = first ? einsum("kn,mk->mn", {b, a}) : einsum("mk,kn->mn", {a, b});
    const ir::Graph::Scope scope(graph);
    const Node roots[] = {node_of(y)};
    const schedule::Schedule s = schedule::make_schedule(graph, roots, {});
    ASSERT_FALSE(s.launches.empty());
    const std::optional<Contraction> c = find_contraction(graph, s.launches[0].parts[0].sink);
    ASSERT_TRUE(c);
    const Value& made = (*s.values)[s.launches[0].parts[0].members.back()];
    const ir::Shape shape = graph.shape(made.node);
    Dim columns{1};
    for (const Dim& d : shape)
      if (!d.is(1)) columns = d;
    EXPECT_EQ(graph.const_value(graph.source(c->n, 0)).as_int(DType::kIndex), columns.value);
  }
}

TEST(Contraction, EpilogueAndOtherPrecisions) {
  const Tensor a = input(0, {6, 5}), w = input(1, {5, 4}), bias = input(2, {4}), r = input(3, {6, 4});
  const Tally tally = check({relu(matmul(a, w) + bias) + r});
  EXPECT_EQ(tally.kernels, 1u);
  EXPECT_EQ(tally.found, 1u);
  EXPECT_EQ(check({matmul(input(0, {6, 5}, bf16), input(1, {5, 4}, bf16))}).found, 1u);
  EXPECT_EQ(check({matmul(input(0, {6, 5}, f64), input(1, {5, 4}, f64))}).found, 1u);
  EXPECT_EQ(check({matmul(input(0, {6, 5}, i32), input(1, {5, 4}, i32))}).found, 0u);
}

// By definition the product is rounded before it is added, which no skeleton does.
TEST(Contraction, NoneWhereProductsAreRoundedToANarrowerType) {
  const Tensor a = input(0, {6, 5}, bf16), b = input(1, {4, 5}, bf16);
  const Tensor products = expand(unsqueeze(a, 1), {6, 4, 5}) * expand(unsqueeze(b, 0), {6, 4, 5});
  EXPECT_EQ(check({sum(products, {2})}).found, 0u);
  EXPECT_EQ(check({sum(cast(products, f32), {2})}).found, 0u);
  EXPECT_EQ(check({sum(cast(expand(unsqueeze(a, 1), {6, 4, 5}), f32) *
                           cast(expand(unsqueeze(b, 0), {6, 4, 5}), f32),
                       {2})})
                .found,
            1u);
}

TEST(Contraction, Convolutions) {
  const ConvOptions options[] = {
      {},
      {.stride = {2}},
      {.padding = {1}},
      {.dilation = {2}},
      {.groups = 2},
      {.stride = {2}, .padding = {2}, .dilation = {2}, .groups = 2},
  };
  for (const ConvOptions& o : options) {
    const int64_t inner = 4 / o.groups;
    const Tensor x1 = input(0, {2, 4, 9}), w1 = input(1, {6, inner, 3});
    EXPECT_EQ(check({conv1d(x1, w1, {}, o)}).found, 1u);
    check_with_slopes(conv1d(x1, w1, {}, o), {x1, w1});
    const Tensor x2 = input(0, {2, 4, 7, 6}), w2 = input(1, {6, inner, 3, 2});
    EXPECT_EQ(check({conv2d(x2, w2, {}, o)}).found, 1u);
    check_with_slopes(conv2d(x2, w2, {}, o), {x2, w2});
  }
  const Tensor x3 = input(0, {1, 2, 5, 4, 5}), w3 = input(1, {3, 2, 2, 2, 2});
  EXPECT_EQ(check({conv3d(x3, w3, {}, {.stride = {2}, .padding = {1}})}).found, 1u);
  check_with_slopes(conv3d(x3, w3), {x3, w3});
}

TEST(Contraction, NoneWithoutAProductOrWithTwo) {
  EXPECT_EQ(check({sum(input(0, {4, 5}), {1})}).found, 0u);
  EXPECT_EQ(check({softmax(input(0, {4, 5}))}).found, 0u);
  EXPECT_EQ(check({sum(input(0, {4, 5}) * input(1, {4, 5}), {1})}).found, 0u);
}

}  // namespace
}  // namespace anneal::loop
