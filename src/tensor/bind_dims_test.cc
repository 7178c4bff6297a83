// SPDX-License-Identifier: MIT
#include "tensor/bind_dims.h"

#include "anneal/compile.h"
#include "tensor/test_tensors.h"

namespace anneal {
namespace {

using testing::AllOf;
using testing::HasSubstr;

const auto kTotal = [](const Tensor& x) { return sum(x); };
const auto kSecond = [](const Tensor&, const Tensor& y) { return sum(y); };
double total(const Tensor& t) { return t.item<double>(); }

TEST(BindDims, WhatIsLinearInOneNameIsSolved) {
  const Extent b = dim("B", 1, 8);
  const auto twice = jit(kTotal, {.sizes = {Sizes{b * 2}}});
  for (const int64_t n : {2, 6, 16}) EXPECT_EQ(total(twice(ones({n}))), static_cast<double>(n));
  EXPECT_EQ(twice.captures(), 1u);
  EXPECT_THAT(failure([&] { twice(ones({7})); }),
              HasSubstr("argument 0 is f32[7], its shape must be [2*B]: no \"B\" makes 2*B 7"));
  EXPECT_THAT(
      failure([&] { twice(ones({18})); }),
      HasSubstr(
          "argument 0 is f32[18], its shape must be [2*B]: var \"B\": is bound to 9, allowed is 1 to 8"));
  EXPECT_THAT(failure([&] { twice(ones({0})); }), HasSubstr("var \"B\": is bound to 0, allowed is 1 to 8"));

  const auto more = jit(kTotal, {.sizes = {Sizes{b * 3 + 1}}});
  EXPECT_EQ(total(more(ones({13}))), 13);
  EXPECT_THAT(failure([&] { more(ones({1})); }), HasSubstr("is bound to 0, allowed"));
  EXPECT_THAT(failure([&] { more(ones({12})); }), HasSubstr("no \"B\" makes 3*B + 1 12"));
  const auto less = jit(kTotal, {.sizes = {Sizes{Extent(9) - b}}});
  EXPECT_EQ(total(less(ones({1}))), 1);
  EXPECT_EQ(total(less(ones({8}))), 8);
  EXPECT_THAT(failure([&] { less(ones({9})); }), HasSubstr("var \"B\": is bound to 0, allowed"));
}

TEST(BindDims, OneExtentTellsWhatTheNextOneLacks) {
  const Extent b = dim("B", 1, 8), n = dim("N", 1, 8);
  const auto f = jit([](const Tensor& x, const Tensor& y) { return sum(x) + sum(y); },
                     {.sizes = {Sizes{b * n + 1, b * b, b / 2}, Sizes{b * 2, n * 2 + b}}});
  EXPECT_EQ(total(f(ones({13, 9, 1}), ones({6, 11}))), 13 * 9 + 66);  // B = 3, N = 4
  EXPECT_THAT(failure([&] { f(ones({13, 8, 1}), ones({6, 11})); }),
              AllOf(HasSubstr("argument 0 is f32[13,8,1]"), HasSubstr("is 9, not 8")));
  EXPECT_THAT(failure([&] { f(ones({14, 9, 1}), ones({6, 11})); }), HasSubstr("is 13, not 14"));
  EXPECT_THAT(failure([&] { f(ones({13, 9, 2}), ones({6, 11})); }), HasSubstr("is 1, not 2"));
}

TEST(BindDims, EveryExtentOfANameAgrees) {
  const Extent b = dim("B", 1, 8);
  for (const auto& sizes : {std::vector<std::optional<Sizes>>{Sizes{b}, Sizes{b * 2}},
                            std::vector<std::optional<Sizes>>{Sizes{b + 1}, Sizes{b * 2}}}) {
    const auto f = jit(kSecond, {.sizes = sizes});
    EXPECT_EQ(total(f(ones({sizes[0]->front() == b ? 3 : 4}), ones({6}))), 6);
    EXPECT_THAT(failure([&] { f(ones({5}), ones({6})); }), HasSubstr("argument 1 is f32[6]"));
  }
}

// Also those that the program has no use for.
TEST(BindDims, BoundsHoldWhetherOrNotADimensionIsUsed) {
  const Extent b = dim("B", 1, 8), m = dim("M", 0, 64, 4);
  const auto f = jit(kSecond, {.sizes = {Sizes{b}}});
  EXPECT_EQ(total(f(ones({8}), ones({3}))), 3);
  EXPECT_THAT(
      failure([&] { f(ones({100}), ones({3})); }),
      HasSubstr("argument 0 is f32[100], its shape must be [B]: var \"B\": is bound to 100, allowed is "
                "1 to 8"));
  const auto g = jit(kSecond, {.sizes = {Sizes{m}}});
  EXPECT_EQ(total(g(ones({0}), ones({3}))), 3);
  EXPECT_EQ(total(g(ones({64}), ones({3}))), 3);
  EXPECT_THAT(failure([&] { g(ones({6}), ones({3})); }),
              HasSubstr("var \"M\": is bound to 6, allowed is 0 to 64, multiples of 4"));
  EXPECT_THAT(failure([&] { g(ones({68}), ones({3})); }), HasSubstr("is bound to 68"));
}

TEST(BindDims, WhatCannotBeSolvedIsRefusedAtTheFirstCall) {
  const Extent b = dim("B", 1, 8), n = dim("N", 1, 8);
  const auto told = [](const Extent& e) {
    int bodies = 0;
    const auto f = jit(
        [&](const Tensor& x) {
          ++bodies;
          return sum(x);
        },
        {.sizes = {Sizes{e}}});
    const std::string message = failure([&] { f(ones({4})); });
    EXPECT_EQ(bodies, 0);
    return message;
  };
  EXPECT_THAT(told(b * b), HasSubstr("argument 0 is f32[4], its shape must be [B*B]: what \"B\" is cannot be "
                                     "told from B*B; give an argument that has the extent B itself"));
  EXPECT_THAT(told(b + n), HasSubstr("what \"B\" is cannot be told from"));
  EXPECT_THAT(told(b / 2), HasSubstr("what \"B\" is cannot be told"));
  const auto f = jit(kSecond, {.sizes = {Sizes{b * b}, Sizes{b}}});
  EXPECT_EQ(total(f(ones({9}), ones({3}))), 3) << "another argument names it";
  EXPECT_THAT(failure([&] { f(ones({8}), ones({3})); }), HasSubstr("is 9, not 8"));
}

}  // namespace
}  // namespace anneal
