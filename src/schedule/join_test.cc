// SPDX-License-Identifier: MIT
#include "schedule/join.h"

#include <gtest/gtest.h>

#include "anneal/anneal.h"
#include "interp/interp.h"
#include "schedule/test_program.h"
#include "tensor/call.h"

namespace anneal::schedule {
namespace {

struct JoinTest : testing::Test {
  ir::Graph& graph = ir::default_graph();
  ir::Graph::Scope scope{graph};
  // Launches, each with the number of its kernels; the schedule computes what the program means.
  std::vector<size_t> parts_of(const std::vector<Tensor>& roots, std::vector<int32_t> replaced = {}) {
    std::vector<Node> nodes;
    for (const Tensor& t : roots) nodes.push_back(node_of(t));
    const Schedule s = make_schedule(graph, nodes, {}, {.replaced = replaced});
    const interp::Bindings bindings = small_bindings(graph, nodes, 1);
    EXPECT_EQ(schedule_differs(graph, interp::evaluate(graph, nodes, bindings), s, bindings), "");
    std::vector<size_t> out;
    for (const Launch& l : s.launches) out.push_back(l.parts.size());
    return out;
  }
};

using Counts = std::vector<size_t>;

TEST_F(JoinTest, TheSameWorkOnTensorsOfOtherSizes) {
  std::vector<Tensor> sums, maps, products;
  for (int64_t i = 0; i < 6; ++i) {
    const Tensor x = input(i, {3 + i, 5});
    sums.push_back(sum(square(x), {1}));
    maps.push_back(tanh(x) * 2);
    products.push_back(matmul(x, input(10 + i, {5, 4})));
  }
  EXPECT_EQ(parts_of(sums), Counts{6});
  EXPECT_EQ(parts_of(maps), Counts{6});
  EXPECT_EQ(parts_of(products), Counts{6});
}

TEST_F(JoinTest, OtherWorkAndWhatIsReadIsNot) {
  const Tensor x = input(0, {4, 5}), y = input(1, {6, 5});
  EXPECT_EQ(parts_of({sum(x, {1}), max(y, {1})}), (Counts{1, 1}));
  EXPECT_EQ(parts_of({tanh(x), tanh(y) * 3}), (Counts{1, 1}));
  const Tensor one = cumsum(x, 0);
  EXPECT_EQ(parts_of({cumsum(one, 0)}), (Counts{1, 1}));
}

TEST_F(JoinTest, UpdatesWaitForTheLast) {
  const Tensor x = input(9, {8, 5});
  std::vector<Tensor> roots;
  std::vector<int32_t> replaced;
  Tensor y = x;
  const std::vector<Tensor> weights = {input(0, {5, 6}), input(1, {6, 7}), input(2, {7, 2})};
  for (const Tensor& w : weights) y = tanh(matmul(y, w));
  const std::vector<Tensor> slopes = gradients(sum(y), weights);
  for (size_t i = 0; i < weights.size(); ++i) {
    const Tensor m = input(20 + static_cast<int64_t>(i), weights[i].sizes());
    const Tensor next = m * 0.9 + slopes[i] * 0.1;
    roots.push_back(weights[i] - next * 0.01), replaced.push_back(static_cast<int32_t>(i));
    roots.push_back(next), replaced.push_back(static_cast<int32_t>(20 + i));
  }
  EXPECT_EQ(parts_of(roots, replaced).back(), 3u);
}

}  // namespace
}  // namespace anneal::schedule
