// SPDX-License-Identifier: MIT
// Captured functions: guards, state, named dimensions, and the ways to use them wrongly.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "anneal/anneal.h"
#include "anneal/error.h"
#include "ir/graph.h"
#include "runtime/backend.h"
#include "support/flags.h"
#include "tests/support/test_error.h"
#include "tests/support/test_threads.h"

namespace anneal::runtime {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class JitTest : public testing::TestWithParam<std::string> {
 protected:
  Using device{{.device = GetParam(), .poison = 1}};
  uint64_t plans() const { return current_context() == nullptr ? 0 : current_context()->counters().plans; }
};
INSTANTIATE_TEST_SUITE_P(All, JitTest, testing::Values("cpu", "loops", "interp"),
                         [](const auto& which) { return which.param; });

TEST_P(JitTest, RunsTheFunctionOnceForEachShapeAndType) {
  int runs = 0;
  const auto f = jit([&](const Tensor& x, const Tensor& y) {
    ++runs;
    return x * 2 + sum(y);
  });
  EXPECT_THAT(f(ones({2}), ones({3})).to_vector<float>(), ElementsAre(5, 5));
  const uint64_t made = plans();
  EXPECT_THAT(f(full({2}, 4.0).realize(), ones({3})).to_vector<float>(), ElementsAre(11, 11));
  EXPECT_EQ(runs, 1);
  EXPECT_LE(plans(), made + 2) << "what computes the arguments";
  EXPECT_THAT(f(ones({1}), ones({3})).to_vector<float>(), ElementsAre(5));
  EXPECT_EQ(runs, 2);
  EXPECT_THAT(f(ones({2}, i32), ones({3}, i32)).to_vector<int32_t>(), ElementsAre(5, 5));
  EXPECT_EQ(runs, 3);
  EXPECT_THAT(f(ones({2}), ones({3})).to_vector<float>(), ElementsAre(5, 5));
  EXPECT_EQ(f.captures(), 3u);
}

TEST_P(JitTest, ResultsOfManyKinds) {
  const auto pair = jit([](const Tensor& x) { return std::pair(x + 1, x * 2); });
  const auto [a, b] = pair(full({}, 5.0));
  EXPECT_EQ(a.item<float>(), 6);
  EXPECT_EQ(b.item<float>(), 10);
  const auto list = jit([](const std::vector<Tensor>& all) {
    std::vector<Tensor> out;
    for (const Tensor& t : all) out.push_back(t * t);
    return std::tuple(all[0], out);
  });
  const auto [first, squares] = list(std::vector<Tensor>{full({}, 2.0), full({}, 3.0)});
  EXPECT_EQ(first.item<float>(), 2);
  ASSERT_EQ(squares.size(), 2u);
  EXPECT_EQ(squares[1].item<float>(), 9);
}

TEST_P(JitTest, StateIsReplaced) {
  const auto step =
      jit([](const Tensor& w, const Tensor& x) { return std::pair(w - x * 0.5, sum(w)); }, {.state = 1});
  Tensor w = ones({4}), total;
  for (int i = 0; i < 5; ++i) {
    auto [next, before] = step(w, ones({4}));
    w = next;
    total = before;
  }
  EXPECT_THAT(w.to_vector<float>(), ElementsAre(-1.5F, -1.5F, -1.5F, -1.5F));
  EXPECT_EQ(total.item<float>(), -4);
}

TEST_P(JitTest, GradientsGoThroughIt) {
  const auto f = jit([](const Tensor& x) { return sum(x * x * x); });
  EXPECT_THAT(grad(f)(full({2}, 3.0)).to_vector<float>(), ElementsAre(27, 27));
  const auto slope = jit([&](const Tensor& x) { return grad(f)(x); });
  EXPECT_THAT(slope(full({2}, 3.0)).to_vector<float>(), ElementsAre(27, 27));
}

TEST_P(JitTest, NamedDimensionsTakeTheirValuesFromTheArguments) {
  const Extent n = dim("n", 1, 9);
  const auto f = jit([](const Tensor& x, const Tensor& y) { return matmul(x, y); },
                     {.sizes = {Sizes{2, n}, Sizes{n, 2}}});
  for (int64_t size : {1, 4, 9})
    EXPECT_THAT(f(ones({2, size}), ones({size, 2})).to_vector<float>(),
                testing::Each(static_cast<float>(size)));
  EXPECT_EQ(f.captures(), 1u);
  EXPECT_THAT(message_of([&] { f(ones({2, 10}), ones({10, 2})); }),
              HasSubstr("var \"n\": is bound to 10, allowed"));
  EXPECT_THAT(message_of([&] { f(ones({2, 4}), ones({5, 2})); }),
              HasSubstr("\"n\": is bound twice, to 4 and to 5"));
  EXPECT_THAT(message_of([&] { f(ones({3, 4}), ones({4, 2})); }),
              HasSubstr("argument 0 is f32[3,4], its shape must be [2,n]"));
}

// What a function reads from outside stays as it was captured; with `check` a change is an error.
TEST_P(JitTest, ChecksThatTheFunctionMakesWhatWasCaptured) {
  float rate = 0.1F;
  Tensor w = ones({2}).realize();
  const Tensor x = ones({2}).realize();
  const auto f = [&](const Tensor& t) { return std::pair(t + 1, (t + w) * rate); };
  const auto blind = jit(f), seeing = jit(f, {.check = true});
  blind(x);
  EXPECT_THAT(seeing(x).second.to_vector<float>(), ElementsAre(0.2F, 0.2F));
  EXPECT_THAT(seeing(x).second.to_vector<float>(), ElementsAre(0.2F, 0.2F));
  rate = 0.5F;
  EXPECT_THAT(blind(x).second.to_vector<float>(), ElementsAre(0.2F, 0.2F));
  const std::string changed = message_of([&] { seeing(x); });
  EXPECT_THAT(changed, HasSubstr("jit: result 1 is not what was captured: const 0.1 : f32 is now const 0.5"));
  EXPECT_THAT(changed, HasSubstr("jit_test.cc"));
  EXPECT_THAT(changed, HasSubstr("pass what changes between calls as an argument"));
  rate = 0.1F;
  w = (w * 5).realize();
  EXPECT_THAT(
      message_of([&] { seeing(x); }),
      HasSubstr("result 1 is not what was captured: a tensor f32[2] from outside has other elements, in"));
  w = ones({2}).realize();
  EXPECT_THAT(seeing(x).second.to_vector<float>(), ElementsAre(0.2F, 0.2F)) << "the same values";
  EXPECT_EQ(seeing.captures(), 1u);
}

TEST_P(JitTest, ChecksPassWhereNothingChanged) {
  support::set_flag(support::Flag::kCheckJit, "1");
  int64_t start = 0;
  const auto step = jit(
      [&](const Tensor& w, const Tensor& x) {
        const auto loss = [&](const Tensor& p) {
          return mean(square(x * p + from_data(std::vector<float>{1, 2, 3}, {3})));
        };
        const auto [value, slope] = value_and_grad(loss)(w);
        return std::tuple(w - slope * 0.1, value, zeros({3}), narrow(x, 0, start, 1));
      },
      {.state = 1});
  Tensor w = ones({3}).realize();
  for (int i = 0; i < 3; ++i) w = std::get<0>(step(w, ones({3})));
  start = 1;
  EXPECT_THAT(
      message_of([&] { step(w, ones({3})); }),
      HasSubstr("result 3 is not what was captured: slice start=[0] : f32[1] is now slice start=[1]"));
  EXPECT_EQ(step.captures(), 1u);
  support::set_flag(support::Flag::kCheckJit, "0");
}

TEST_P(JitTest, MistakesAreNamed) {
  const auto grows = jit([](const Tensor& w) { return cat({w, w}, 0); }, {.state = 1});
  EXPECT_THAT(message_of([&] { grows(ones({2})); }),
              HasSubstr("result 0 is f32[4] and cannot be the next value of argument 0, f32[2]"));
  const auto reads = jit([](const Tensor& x) { return x * x.item<float>(); });
  EXPECT_THAT(message_of([&] { reads(ones({})); }), HasSubstr("\"argument 0\": "));
  EXPECT_THAT(message_of([&] { reads(Tensor()); }), HasSubstr("operand 1 is an empty tensor"));
  EXPECT_THAT(message_of([&] { jit([](const Tensor& x) { return x; }, {.state = 2})(ones({})); }),
              HasSubstr("there are 2 states, but 1 arguments and 1 results"));
}

// A plan keeps what it runs: also the phases of attention, which the kernel that they were cut from does not
// reach.
TEST_P(JitTest, AttentionOutlivesACollection) {
  const Tensor x = (arange(2 * 32 * 8).to(f32) * 7 % 13 / 13).reshape({2, 1, 32, 8}).realize();
  const auto attend = jit([](const Tensor& q, const Tensor& k) {
    const Tensor out = scaled_dot_product_attention(q, k, k, {.causal = true});
    return std::pair(out, gradients(sum(out * out), {q})[0]);
  });
  const auto before = attend(x, x);
  const std::vector<float> out = before.first.to_vector<float>(), slope = before.second.to_vector<float>();
  for (int round = 0; round < 3; ++round) {
    ir::default_graph().collect();
    std::vector<Tensor> others;  // where the nodes lay that nobody kept
    for (int i = 0; i < 3000; ++i) others.push_back(full({2}, 1000 * round + i));
    const auto again = attend(x, x);
    EXPECT_EQ(again.first.to_vector<float>(), out);
    EXPECT_EQ(again.second.to_vector<float>(), slope);
  }
  EXPECT_EQ(attend.captures(), 1u);
}

TEST(JitDevice, WhatWasGivenAwayIsAnError) {
  Using device({.device = "cpu"});
  const auto step = jit([](const Tensor& w) { return w + 1; }, {.state = 1});
  const Tensor old = (ones({4}) * 2).realize(), next = step(old);
  EXPECT_THAT(message_of([&] { old.to_vector<float>(); }), HasSubstr("given to a compiled step"));
  EXPECT_THAT(message_of([&] { step(old); }), HasSubstr("given to a compiled step"));
  EXPECT_THAT(next.to_vector<float>(), ElementsAre(3, 3, 3, 3));
  EXPECT_THAT(message_of([&] {
                jit([](const Tensor& a, const Tensor& b) { return std::pair(a + 1, b + 1); }, {.state = 2})(
                    next, next);
              }),
              HasSubstr("was given the same tensor as another input too"));
  EXPECT_THAT(next.to_vector<float>(), ElementsAre(3, 3, 3, 3)) << "what is refused loses nothing";
}

TEST(JitDevice, ThreadsShareACapturedFunction) {
  Using device({.device = "cpu"});
  EXPECT_EQ(wrong_calls_of_threads(jit([](const Tensor& x) { return sum(x * 2); }), 5), 0);
}

TEST(JitDevice, AResultThatSharesMemoryIsNotOverwritten) {
  Using device({.device = "cpu"});
  const auto same = jit([](const Tensor& w) { return std::pair(w * 1 + 0, w); });
  const auto step = jit([](const Tensor& w) { return w + 1; }, {.state = 1});
  const Tensor w = (ones({4}) * 2).realize(), shared = same(w).second;
  const Tensor next = step(shared);
  EXPECT_THAT(w.to_vector<float>(), ElementsAre(2, 2, 2, 2));
  EXPECT_THAT(next.to_vector<float>(), ElementsAre(3, 3, 3, 3));
}

TEST(JitDevice, StatesMayChangePlaces) {
  Using device({.device = "cpu"});
  const auto swap =
      jit([](const Tensor& a, const Tensor& b) { return std::tuple(b, cumsum(a), a); }, {.state = 2});
  const auto [a, b, old] = swap((ones({3}) * 5).realize(), (ones({3}) * 7).realize());
  EXPECT_THAT(a.to_vector<float>(), ElementsAre(7, 7, 7));
  EXPECT_THAT(b.to_vector<float>(), ElementsAre(5, 10, 15));
  EXPECT_THAT(old.to_vector<float>(), ElementsAre(5, 5, 5));
}

}  // namespace
}  // namespace anneal::runtime
