// SPDX-License-Identifier: MIT
// tensordot, kron, cross, distances, linear maps and diagonals: against einsum or values worked out by hand,
// and gradients against differences.
#include <gtest/gtest.h>

#include "tensor/test_tensors.h"

namespace anneal {
namespace {

using testing::HasSubstr;

TEST(Products, TensordotIsAnEinsum) {
  const Tensor a = spread({2, 3, 4}, 1), b = spread({3, 4, 5}, 2), c = spread({4, 5, 3}, 3);
  EXPECT_CLOSE(tensordot(a, b), 1e-12, values(einsum("ijk,jkl->il", {a, b})));
  EXPECT_CLOSE(tensordot(a, spread({4, 2}), 1), 1e-12, values(einsum("ijk,kl->ijl", {a, spread({4, 2})})));
  EXPECT_CLOSE(tensordot(a, c, {1, -1}, {2, 0}), 1e-12, values(einsum("ijk,klj->il", {a, c})));
  EXPECT_TYPE(tensordot(a, b, 0), "f64[2,3,4,3,4,5]");
  EXPECT_TYPE(tensordot(a, a, {0, 1, 2}, {0, 1, 2}), "f64");
  EXPECT_EQ(
      gradient_differences([](const Ins& in) { return tensordot(in[0], in[1], {1, 2}, {2, 0}); }, {a, c}),
      "");
  EXPECT_THAT(
      failure([&] { return tensordot(a, b, 1); }),
      HasSubstr(
          "error[shape] tensordot: axis 2 of the first operand has 4 elements, axis 0 of the second 3"));
  EXPECT_THAT(failure([&] { return tensordot(a, b, 4); }), HasSubstr("tensordot: 4 axes of f64[2,3,4]"));
  EXPECT_THAT(failure([&] { return tensordot(a, b, {0}, {0, 1}); }),
              HasSubstr("1 axes of the first operand and 2"));
  EXPECT_THAT(failure([&] { return tensordot(a, b, {1, 1}, {0, 1}); }), HasSubstr("axis 1 is named twice"));
}

TEST(Products, OfTwoTensors) {
  EXPECT_VALUES(kron(tensor({{1.0, 2.0}}), tensor({{3.0}, {4.0}})), {3, 6, 4, 8});
  EXPECT_VALUES(cross(tensor({1.0, 0.0, 0.0}), tensor({0.0, 1.0, 0.0})), {0, 0, 1});
  EXPECT_VALUES(cdist(tensor({{0.0, 0.0}}), tensor({{3.0, 4.0}, {0.0, 1.0}})), {5, 1});
  EXPECT_VALUES(cdist(tensor({{0.0, 0.0}}), tensor({{3.0, 4.0}}), 1), {7});
  EXPECT_VALUES(addmm(tensor({{1.0}}), tensor({{2.0}}), tensor({{5.0}}), 2, 3), {32});
  EXPECT_VALUES(addmm(tensor({1.0}), tensor({{2.0}}), tensor({5.0})), {11});
  EXPECT_VALUES(addr(ones({1, 2}), ones({1}), tensor({2.F, 3.F}), 1, 0.5), {2, 2.5});
  EXPECT_VALUES(linear(tensor({{1.0, 2.0}}), tensor({{3.0, 4.0}}), tensor({5.0})), {16});
  EXPECT_VALUES(linear(tensor({1.0, 2.0}), tensor({3.0, 4.0})), {11});
  EXPECT_VALUES(
      bilinear(tensor({1.0, 2.0}), tensor({3.0}), data({1, 10, 2, 20}, {2, 2, 1}), tensor({1.0, 0.0})),
      {64, 126});
  const Ins two{spread({2, 3}, 1), spread({2, 3}, 2)};
  for (const auto& f : std::vector<std::function<Tensor(const Ins&)>>{
           [](const Ins& in) { return kron(in[0], in[1]); },
           [](const Ins& in) { return cross(in[0], in[1]); },
           [](const Ins& in) { return cdist(in[0], in[1], 3); },
           [](const Ins& in) { return linear(in[0], in[1]); },
           [](const Ins& in) { return addmm(in[0], in[0], matmul(transpose(in[0]), in[1]), 0.5, 2); },
           [](const Ins& in) { return addr(in[0], in[0].slice({_, 0}), in[1][0], 0.5, 2); },
           [](const Ins& in) { return bilinear(in[0], in[1], counting({2, 3, 3}) * 0.1); }})
    EXPECT_EQ(gradient_differences(f, two), "");
}

TEST(Products, SayWhatDoesNotFit) {
  EXPECT_THAT(failure([] { return kron(ones({2}), ones({2, 2})); }),
              HasSubstr("kron: the ranks must be equal"));
  EXPECT_THAT(failure([] { return cross(ones({3}), ones({2})); }),
              HasSubstr("cross: axis 0 of f32[2] has 2 elements, not 3"));
  EXPECT_THAT(failure([] { return cdist(ones({3}), ones({2, 3})); }),
              HasSubstr("cdist: takes [..., rows, width]"));
  EXPECT_THAT(failure([] { return linear(ones({2, 3}), ones({4, 2})); }),
              HasSubstr("linear: the weight takes 2 values, x is f32[2,3]"));
  EXPECT_THAT(failure([] { return bilinear(ones({2}), ones({2}), ones({4, 2})); }),
              HasSubstr("bilinear: takes a weight [out, in a, in b], not f32[4,2]"));
}

// Against positions that are taken one by one.
TEST(Diagonals, OfEveryShapeAndOffset) {
  for (int64_t rows : {0, 1, 3, 4})
    for (int64_t columns : {0, 2, 3})
      for (int64_t offset = -5; offset <= 5; ++offset) {
        const Tensor x = counting({2, rows, columns});
        Doubles expected;
        for (int64_t n = 0; n < 2; ++n)
          for (int64_t i = 0; i < rows; ++i)
            if (i + offset >= 0 && i + offset < columns)
              expected.push_back(static_cast<double>((n * rows + i) * columns + i + offset));
        EXPECT_EQ(differences(values(diagonal(x, offset, 1, 2)), expected, 0), "")
            << rows << " x " << columns << " at " << offset;
        EXPECT_EQ(values(diagonal(x, -offset, 2, 1)), values(diagonal(x, offset, 1, 2)));
      }
  EXPECT_VALUES(diagonal(counting({2, 2, 2})), {0, 6, 1, 7});
  EXPECT_VALUES(diag_embed(tensor({{1.0, 2.0}, {3.0, kInf}})), {1, 0, 0, 2, 3, 0, 0, kInf});
  EXPECT_VALUES(diag_embed(tensor({1.0}), -1), {0, 0, 1, 0});
  EXPECT_EQ(gradient_differences([](const Ins& in) { return diagonal(in[0], 1, 2, 0); }, {spread({3, 2, 3})}),
            "");
  EXPECT_EQ(gradient_differences([](const Ins& in) { return diag_embed(in[0], -2); }, {spread({2, 3})}), "");
  EXPECT_THAT(failure([] { return diagonal(ones({3})); }), HasSubstr("diagonal: needs a matrix, not f32[3]"));
  EXPECT_THAT(failure([] { return diagonal(ones({3, 3}), 0, 1, -1); }), HasSubstr("axis 1 is named twice"));
  EXPECT_THAT(failure([] { return diag_embed(ones({})); }), HasSubstr("diag_embed: needs a vector"));
}

}  // namespace
}  // namespace anneal
