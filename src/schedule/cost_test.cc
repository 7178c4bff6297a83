// SPDX-License-Identifier: MIT
#include "schedule/cost.h"

#include <gtest/gtest.h>

#include "anneal/anneal.h"
#include "schedule/schedule.h"
#include "tensor/call.h"

namespace anneal::schedule {
namespace {

// The only kernel of a program of one result.
Cost cost_of(const Tensor& t, const device::Caps& caps = {}) {
  ir::Graph& g = ir::default_graph();
  const ir::Graph::Scope scope(g);
  const Node roots[] = {node_of(t)};
  const Schedule s = make_schedule(g, roots, caps);
  EXPECT_EQ(s.launches.size(), 1u);
  EXPECT_EQ(s.total.seconds, s.launches.at(0).parts.at(0).cost.seconds);
  return s.total;
}

TEST(Cost, BytesOfWhatIsReadAndWritten) {
  const Tensor x = input(0, {100, 50}), row = input(1, {50});
  const Cost c = cost_of(exp(x) + row);
  EXPECT_EQ(c.bytes_read, (5000 + 50) * 4);
  EXPECT_EQ(c.bytes_written, 5000 * 4);
  EXPECT_EQ(cost_of(exp(input(0, {100}, f16))).bytes(), 400);
  EXPECT_EQ(cost_of(sum(x, {1})).bytes_written, 400);
  const Tensor twice = input(0, {100, 50});
  EXPECT_EQ(cost_of(twice + flip(twice, {0})).bytes_read, 5000 * 4);  // one value, at two positions
}

TEST(Cost, OfATableNoMoreThanItsRowsAreRead) {
  const Cost c = cost_of(embedding(input(0, {8}, i32), input(1, {50000, 64})));
  EXPECT_LE(c.bytes_read, 8 * 64 * 4 * 2);
  EXPECT_EQ(c.bytes_written, 8 * 64 * 4);
}

TEST(Cost, OfAScatterIntoWhatItReplacesTheUpdateIsWritten) {
  const Tensor cache = input(0, {4, 1000, 8});
  const Tensor next = index_copy(cache, 1, input(1, {1}, i32), input(2, {4, 1, 8}));
  ir::Graph& g = ir::default_graph();
  const ir::Graph::Scope scope(g);
  const Node roots[] = {node_of(next)};
  const int32_t replaced[] = {0};
  const Cost c = make_schedule(g, roots, {}, {.replaced = replaced}).total;
  EXPECT_EQ(c.bytes_written, 4 * 8 * 4);
  EXPECT_EQ(c.bytes_read, 4 + 4 * 8 * 4);
  EXPECT_EQ(make_schedule(g, roots, {}).total.bytes_written, 4 * 1000 * 8 * 4);
}

TEST(Cost, OperationsOfContractionsAreTwiceTheirPositions) {
  const Cost c = cost_of(matmul(input(0, {64, 32}), input(1, {32, 16})));
  EXPECT_EQ(c.flops, 2 * 64 * 32 * 16);
}

TEST(Cost, TimeIsALaunchAndTheSlowerOfTrafficAndWork) {
  device::Caps caps;
  caps.launch_seconds = 3e-6;
  caps.cache_bytes = 0;
  caps.memory_bandwidth = 1e9;
  caps.flops = 1e18;
  const Tensor x = input(0, {1000});
  EXPECT_DOUBLE_EQ(cost_of(exp(x), caps).seconds, 3e-6 + 8000 / 1e9);
  caps.cache_bytes = 1 << 20;  // now the traffic stays in the cache
  caps.cache_bandwidth = 4e9;
  EXPECT_DOUBLE_EQ(cost_of(exp(x), caps).seconds, 3e-6 + 8000 / 4e9);
  caps.flops = 1e6;
  EXPECT_DOUBLE_EQ(cost_of(exp(x), caps).seconds, 3e-6 + 1000 * op_work(ir::Op::Exp) / 1e6);
}

// Stored, and summed in loops of its own: there its elements are made again, where they do not lie side by
// side.
TEST(Cost, WhatColumnsSumIsMadeAgain) {
  ir::Graph& g = ir::default_graph();
  const ir::Graph::Scope scope(g);
  const auto flops = [&](int axis) {
    const Tensor y = tanh(input(0, {64, 64}));
    const Node roots[] = {node_of(y), node_of(sum(y, {axis}))};
    const Schedule s = make_schedule(g, roots, {}, {.fuse = Fuse::kGreedy});
    EXPECT_EQ(s.launches.size(), 1u);
    return s.total.flops;
  };
  EXPECT_EQ(flops(0) - flops(1), 64 * 64 * op_work(ir::Op::Tanh));
}

}  // namespace
}  // namespace anneal::schedule
