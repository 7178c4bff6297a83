// SPDX-License-Identifier: MIT
#include "schedule/order.h"

#include <gtest/gtest.h>

#include "anneal/anneal.h"
#include "ir/builder.h"
#include "tensor/call.h"

namespace anneal::schedule {
namespace {

struct OrderTest : testing::Test {
  ir::Graph& graph = ir::default_graph();
  ir::Graph::Scope scope{graph};

  // By value, where it is made; the launches in between hold one kernel each.
  std::vector<size_t> places(const Schedule& s) {
    std::vector<size_t> out(s.values->values().size(), ~size_t{0});
    for (size_t t = 0; t < s.launches.size(); ++t)
      for (const Kernel& k : s.launches[t].parts)
        for (const Slot& slot : k.slots)
          if (slot.written) out[slot.value] = t;
    return out;
  }
  Schedule schedule(const std::vector<Tensor>& roots, std::vector<int32_t> replaced = {}) {
    std::vector<Node> nodes;
    for (const Tensor& t : roots) nodes.push_back(node_of(t));
    return make_schedule(graph, nodes, {}, {.fuse = Fuse::kNone, .replaced = replaced});
  }
  void expect_producers_first(const Schedule& s) {
    const std::vector<size_t> at = places(s);
    for (size_t t = 0; t < s.launches.size(); ++t)
      for (const Kernel& k : s.launches[t].parts)
        for (const Slot& slot : k.slots)
          EXPECT_TRUE(slot.written || at[slot.value] == ~size_t{0} || at[slot.value] < t);
  }
};

Tensor square_input(int64_t number) { return input(number, {64, 64}); }

TEST_F(OrderTest, ProducersComeFirst) {
  const Tensor w = square_input(0), x = square_input(1);
  const Tensor loss = sum(square(tanh(matmul(relu(matmul(x, w)), w))));
  Schedule s = schedule({loss, gradients(loss, {w})[0]});
  expect_producers_first(s);
}

TEST_F(OrderTest, MemoryIsGivenBackAsSoonAsThatCostsNothing) {
  // Two long chains that end in one number each: one is done before the other begins.
  std::vector<Tensor> ends;
  for (int64_t i = 0; i < 2; ++i) {
    Tensor t = cumsum(square_input(i), 0);
    for (int k = 0; k < 3; ++k) t = cumsum(t, 1);
    ends.push_back(sum(t));
  }
  const Schedule s = schedule(ends);
  const std::vector<size_t> at = places(s);
  const size_t one = at[s.roots[0]], two = at[s.roots[1]];
  EXPECT_EQ(std::max(one, two), s.launches.size() - 1);
  EXPECT_EQ(std::min(one, two), s.launches.size() / 2 - 1);
}

TEST_F(OrderTest, ReadersOfAStateComeBeforeItsNextValue) {
  const Tensor state = square_input(0);
  const Tensor next = cumsum(state, 0), reader = cumsum(state, 1);
  Schedule s = schedule({next, reader}, {0, 0});
  const uint32_t leaf = s.values->value_of(node_of(state));
  for (const bool swapped : {false, true}) {
    Overwrite o{s.roots[swapped ? 1 : 0], leaf};
    order_launches(*s.values, s.launches, std::span(&o, 1));
    EXPECT_TRUE(o.granted);
    EXPECT_EQ(places(s)[o.root], 1u) << "the reader of the old value is first";
  }
}

TEST_F(OrderTest, WhatNoOrderAllowsIsRefused) {
  const Tensor a = square_input(0), b = square_input(1);
  Schedule s = schedule({cumsum(b, 0), cumsum(a, 0)}, {0, 1});  // each is made from the other's old value
  Overwrite swap[] = {{s.roots[0], s.values->value_of(node_of(a))},
                      {s.roots[1], s.values->value_of(node_of(b))}};
  order_launches(*s.values, s.launches, swap);
  EXPECT_FALSE(swap[0].granted && swap[1].granted);
  expect_producers_first(s);
}

TEST_F(OrderTest, TheOrderIsTheSameHoweverTheLaunchesCome) {
  const Tensor w = square_input(0), x = square_input(1);
  const Tensor loss = sum(square(tanh(matmul(relu(matmul(x, w)), w))) + square(matmul(w, w)));
  Schedule s = schedule({loss, gradients(loss, {w})[0]});
  const auto names = [&] {
    std::vector<support::Key> keys;
    for (const Launch& l : s.launches) keys.push_back(graph.key(l.parts[0].sink));
    return keys;
  };
  order_launches(*s.values, s.launches);
  const std::vector<support::Key> before = names();
  std::reverse(s.launches.begin(), s.launches.end());
  order_launches(*s.values, s.launches);
  EXPECT_EQ(names(), before);
}

}  // namespace
}  // namespace anneal::schedule
