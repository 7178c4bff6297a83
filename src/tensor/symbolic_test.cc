// SPDX-License-Identifier: MIT
// Named dimensions: extents as expressions, and every kind of function over a symbolic axis against the same
// function of a tensor that has the extent.
#include <gtest/gtest.h>

#include "tensor/test_tensors.h"

namespace anneal {
namespace {

using testing::AllOf;
using testing::HasSubstr;

TEST(Extent, Arithmetic) {
  const Extent n = dim("N", 1, 64), m = dim("M", 0, 8, 4);
  EXPECT_EQ((n * 2 + 1).str(), "2*N + 1");
  EXPECT_TRUE(n + m - m == n);
  EXPECT_TRUE(n * 6 / 3 == n * 2);
  EXPECT_FALSE(n == m);
  EXPECT_TRUE(Extent(7) / 2 == Extent(3));
  EXPECT_TRUE(Extent(5).is_const());
  EXPECT_FALSE(n.is_const());
  EXPECT_EQ(Extent(5).value(), 5);
  EXPECT_THAT(failure([&] { return n.value(); }),
              HasSubstr("error[shape] the extent N has no value until the program runs"));
  EXPECT_THAT(failure([] { return dim("N", -1, 3); }), HasSubstr("dim: \"N\": an extent cannot be negative"));
  EXPECT_THAT(failure([] { return dim("N", 4, 3); }),
              HasSubstr("dim: \"N\": the minimum 4 is above the maximum 3"));
  EXPECT_THAT(failure([&] { return n / 0; }), HasSubstr("extent divided by zero"));
}

TEST(Symbolic, TypesShowExpressions) {
  const Extent b = dim("B", 1, 8);
  const Tensor x = ones({b, 4});
  EXPECT_TYPE(x, "f32[B,4]");
  EXPECT_TYPE(x.reshape({b * 2, -1}), "f32[2*B,2]");
  EXPECT_TYPE(x.reshape({-1, 2}), "f32[2*B,2]");
  EXPECT_TYPE(x.reshape({-1}), "f32[4*B]");
  EXPECT_TYPE(cat({x, x, ones({3, 4})}), "f32[2*B + 3,4]");
  EXPECT_TYPE(x.transpose(), "f32[4,B]");
  EXPECT_TRUE(x.size(0) == b);
  EXPECT_TRUE(x.sizes()[1] == Extent(4));
  EXPECT_THAT(failure([&] { return x.shape(); }),
              HasSubstr("shape: f32[B,4] has a symbolic extent, B; use sizes()"));
  EXPECT_THAT(failure([&] { return x.numel(); }), HasSubstr("symbolic extent"));
  EXPECT_THAT(failure([&] { return ones({b * 4 + 2}).reshape({-1, 4}); }),
              HasSubstr("reshape: 4*B + 2 elements do not divide by 4, the product of the other extents"));
  EXPECT_THAT(failure([&] { return ones({b}).reshape({-1, 9}); }),
              HasSubstr("reshape: B elements do not divide by 9"));
  EXPECT_THAT(failure([&] { return x.reshape({b, 5}); }),
              HasSubstr("reshape: [B,4] has 4*B elements, [B,5] has 5*B"));
  EXPECT_THAT(failure([&] { return x + ones({9, 1}); }),
              AllOf(HasSubstr("add: shapes [B,4] and [9,1] do not broadcast"), HasSubstr("B and 9")));
}

// f of a tensor of extent B, run at several extents, against f of the concrete one.
using F = std::function<Tensor(const Tensor& x, const Extent& n)>;
const std::pair<const char*, F> kFunctions[] = {
    {"elementwise", [](const Tensor& x, const Extent&) { return exp(x) * 2 + x; }},
    {"broadcast", [](const Tensor& x, const Extent&) { return x + tensor({1.0, 2.0, 3.0}); }},
    {"sum of the axis", [](const Tensor& x, const Extent&) { return sum(x, 0); }},
    {"mean of the axis", [](const Tensor& x, const Extent&) { return mean(x, 0); }},
    {"mean of all", [](const Tensor& x, const Extent&) { return mean(x); }},
    {"var of the axis", [](const Tensor& x, const Extent&) { return var(x, 0, false, 0); }},
    {"max of the axis", [](const Tensor& x, const Extent&) { return max(x, 0); }},
    {"argmax", [](const Tensor& x, const Extent&) { return argmax(x, 0); }},
    {"argmax of all", [](const Tensor& x, const Extent&) { return argmax(x); }},
    {"logsumexp", [](const Tensor& x, const Extent&) { return logsumexp(x, 0); }},
    {"softmax", [](const Tensor& x, const Extent&) { return softmax(x, 0); }},
    {"log_softmax", [](const Tensor& x, const Extent&) { return log_softmax(x, 1); }},
    {"cumsum", [](const Tensor& x, const Extent&) { return cumsum(x, 0); }},
    {"cumprod", [](const Tensor& x, const Extent&) { return cumprod(x, 0); }},
    {"sort", [](const Tensor& x, const Extent&) { return sort(x, 0); }},
    {"matmul over it", [](const Tensor& x, const Extent&) { return matmul(x.transpose(), x); }},
    {"matmul beside it", [](const Tensor& x, const Extent&) { return matmul(x, counting({3, 2})); }},
    {"matmul square", [](const Tensor& x, const Extent&) { return matmul(x, x.transpose()); }},
    {"einsum", [](const Tensor& x, const Extent&) { return einsum("bi,bj->ij", {x, x}); }},
    {"reshape", [](const Tensor& x, const Extent&) { return x.reshape({-1}); }},
    {"flatten", [](const Tensor& x, const Extent&) { return x.unsqueeze(1).flatten(0, 1); }},
    {"unflatten", [](const Tensor& x, const Extent& n) { return unflatten(x.flatten(), 0, {n, 3, 1}); }},
    {"expand", [](const Tensor& x, const Extent& n) { return sum(x, 0, true).expand({n, 3}); }},
    {"narrow", [](const Tensor& x, const Extent& n) { return narrow(x, 0, 1, n - 1); }},
    {"narrow to a half", [](const Tensor& x, const Extent& n) { return narrow(x, 0, 0, (n + 1) / 2); }},
    {"narrow of the end", [](const Tensor& x, const Extent& n) { return narrow(x, 0, n - 1, 1); }},
    {"slice beside it", [](const Tensor& x, const Extent&) { return x.slice({_, {_, _, -2}}); }},
    {"slice of the start", [](const Tensor& x, const Extent&) { return x.slice({{_, 1}}); }},
    {"slice of some rows", [](const Tensor& x, const Extent&) { return x.slice({{1, 4}}); }},
    {"slice from the end", [](const Tensor& x, const Extent&) { return x.slice({{-3, _}}); }},
    {"slice of all but two", [](const Tensor& x, const Extent&) { return x.slice({{_, -2}}); }},
    {"slice of the middle", [](const Tensor& x, const Extent&) { return x.slice({{1, -1}}); }},
    {"slice by steps", [](const Tensor& x, const Extent&) { return x.slice({{_, _, 2}}); }},
    {"slice by steps from 2", [](const Tensor& x, const Extent&) { return x.slice({{2, _, 3}}); }},
    {"slice by steps to -1", [](const Tensor& x, const Extent&) { return x.slice({{_, -1, 2}}); }},
    {"slice backwards", [](const Tensor& x, const Extent&) { return x.slice({{_, _, -1}}); }},
    {"slice backwards by steps", [](const Tensor& x, const Extent&) { return x.slice({{-2, _, -2}}); }},
    {"slice backwards to 2", [](const Tensor& x, const Extent&) { return x.slice({{_, 2, -1}, {_, 2}}); }},
    {"the first", [](const Tensor& x, const Extent&) { return x[0]; }},
    {"the last", [](const Tensor& x, const Extent&) { return x[-1]; }},
    {"roll", [](const Tensor& x, const Extent&) { return roll(x, {1}, 0); }},
    {"roll back", [](const Tensor& x, const Extent&) { return roll(x, {-1}, 0); }},
    {"roll far", [](const Tensor& x, const Extent&) { return roll(x, {-9, 2}, {0, 1}); }},
    {"roll of all", [](const Tensor& x, const Extent&) { return roll(x, {4}, {}); }},
    {"split", [](const Tensor& x, const Extent&) { return split(tile(x, {4, 1}), {1, 2}, 1)[1]; }},
    {"split in its own extent",
     [](const Tensor& x, const Extent& n) { return cat(split(tile(x, {4, 1}), n), 1); }},
    {"split in extents",
     [](const Tensor& x, const Extent& n) { return split(tile(x, {4, 1}), {n, n * 2, n})[1]; }},
    {"chunk", [](const Tensor& x, const Extent&) { return cat(chunk(tile(x, {4, 1}), 2), 1); }},
    {"pad_replicate", [](const Tensor& x, const Extent&) { return pad_replicate(x, {{2, 3}, {0, 1}}); }},
    {"pad_reflect", [](const Tensor& x, const Extent&) { return pad_reflect(tile(x, {3, 1}), {{2, 1}}); }},
    {"adaptive_avg_pool",
     [](const Tensor& x, const Extent&) { return adaptive_avg_pool(x.transpose(), {3}); }},
    {"adaptive_max_pool", [](const Tensor& x, const Extent&) { return adaptive_max_pool(x, {2, 2}); }},
    {"cat", [](const Tensor& x, const Extent&) { return cat({x, x * 2}, 0); }},
    {"cat beside it", [](const Tensor& x, const Extent&) { return cat({x, x * 2}, 1); }},
    {"stack", [](const Tensor& x, const Extent&) { return stack({x, -x}, 1); }},
    {"pad", [](const Tensor& x, const Extent&) { return pad(x, {{1, 2}, {0, 1}}, 9); }},
    {"flip", [](const Tensor& x, const Extent&) { return flip(x, 0); }},
    {"tile", [](const Tensor& x, const Extent&) { return tile(x, {2, 1}); }},
    {"repeat_interleave", [](const Tensor& x, const Extent&) { return repeat_interleave(x, 2, 0); }},
    {"arange", [](const Tensor& x, const Extent& n) { return x * arange(n, f64).unsqueeze(1); }},
    {"eye", [](const Tensor& x, const Extent& n) { return matmul(eye(n, f64), x); }},
    {"tril", [](const Tensor& x, const Extent&) { return tril(x); }},
    {"where", [](const Tensor& x, const Extent&) { return where(x > 0, x, 0); }},
    {"index_select", [](const Tensor& x, const Extent&) { return index_select(x, 0, tensor({0, 0})); }},
    {"embedding", [](const Tensor& x, const Extent& n) { return embedding(arange(n), x); }},
    {"gather", [](const Tensor& x, const Extent&) { return gather(x, 0, argsort(x, 0)); }},
    {"scatter_add", [](const Tensor& x, const Extent&) { return scatter_add(x, 0, argsort(x, 0), x); }},
    {"one_hot",
     [](const Tensor& x, const Extent& n) { return one_hot(arange(n) % 2, 2) * x.slice({_, {0, 1}}); }},
    {"layer_norm", [](const Tensor& x, const Extent&) { return layer_norm(x); }},
    {"batch_norm", [](const Tensor& x, const Extent&) { return batch_norm_train(x).out; }},
    {"cross_entropy", [](const Tensor& x, const Extent& n) { return cross_entropy(x, arange(n) % 3); }},
    {"conv over a batch",
     [](const Tensor& x, const Extent& n) { return conv1d(x.reshape({n, 1, 3}), ones({2, 1, 2}, f64)); }},
    {"conv along it",
     [](const Tensor& x, const Extent& n) {
       return conv1d(x.transpose().reshape({1, 3, n}), counting({2, 3, 2}), {}, {.padding = {1}});
     }},
    {"conv along it by steps",
     [](const Tensor& x, const Extent& n) {
       return conv1d(x.transpose().reshape({1, 3, n}), counting({2, 3, 2}), {},
                     {.stride = {2}, .padding = {1}, .dilation = {2}});
     }},
    {"conv_transpose",
     [](const Tensor& x, const Extent& n) {
       return conv_transpose1d(x.transpose().reshape({1, 3, n}), counting({3, 2, 2}), {}, {.stride = {2}});
     }},
    {"max_pool along it",
     [](const Tensor& x, const Extent&) { return max_pool(x.transpose(), 1, {.padding = {1}}); }},
    {"avg_pool over a batch",
     [](const Tensor& x, const Extent&) { return avg_pool(x, 1, {.kernel = {3}, .stride = {1}}); }},
    {"attention",
     [](const Tensor& x, const Extent&) { return scaled_dot_product_attention(x, x, x, {.causal = true}); }},
    {"diag", [](const Tensor& x, const Extent&) { return diag(x.slice({_, 1})); }},
    {"diag off the main", [](const Tensor& x, const Extent&) { return diag(x.slice({_, 1}), -2); }},
    {"diagonal", [](const Tensor& x, const Extent&) { return diag(x); }},
    {"diagonal above", [](const Tensor& x, const Extent&) { return diag(x, 1); }},
    {"diagonal far below", [](const Tensor& x, const Extent&) { return diag(x, -4); }},
    {"diagonal of batches",
     [](const Tensor& x, const Extent& n) { return diagonal(x.reshape({n, 3, 1}) * x.reshape({n, 1, 3}), 1, 0, -1); }},
    {"trace", [](const Tensor& x, const Extent&) { return trace(x); }},
    {"diag_embed", [](const Tensor& x, const Extent&) { return diag_embed(x.transpose(), 1); }},
    {"median", [](const Tensor& x, const Extent&) { return median(x, 0).values; }},
    {"logcumsumexp", [](const Tensor& x, const Extent&) { return logcumsumexp(x, 0); }},
    {"cummax_indices", [](const Tensor& x, const Extent&) { return cummax_indices(x, 0); }},
    {"tensordot", [](const Tensor& x, const Extent&) { return tensordot(x, x, {0}, {0}); }},
    {"kron", [](const Tensor& x, const Extent&) { return kron(x, x); }},
    {"cdist", [](const Tensor& x, const Extent&) { return cdist(x, x * 2 + 1); }},
    {"index_copy", [](const Tensor& x, const Extent& n) { return index_copy(x, 0, arange(n), x * x); }},
    {"pixel_shuffle",
     [](const Tensor& x, const Extent& n) { return pixel_shuffle(tile(x, {4, 1}).reshape({1, 12, n, 1}), 2); }},
    {"group_norm over a batch",
     [](const Tensor& x, const Extent& n) { return group_norm(x.reshape({n, 3, 1}) * counting({3, 4}), 3); }},
    {"group_norm over space",
     [](const Tensor& x, const Extent& n) { return group_norm(x.transpose().reshape({1, 3, n}), 1); }},
    {"group_norm over channels",
     [](const Tensor& x, const Extent& n) { return group_norm(tile(x, {2, 1}).reshape({1, n * 2, 3}), 2); }},
    {"instance_norm",
     [](const Tensor& x, const Extent& n) { return instance_norm(x.reshape({1, n, 3})); }},
    {"attention over a head",
     [](const Tensor& x, const Extent&) {
       return scaled_dot_product_attention(x.transpose(), x.transpose(), x.transpose());
     }},
    {"interpolate beside it",
     [](const Tensor& x, const Extent& n) {
       return interpolate(x.reshape({1, n, 3}), {.scale = {1.5}, .mode = Interpolation::kLinear});
     }},
    {"interpolate by a whole scale",
     [](const Tensor& x, const Extent& n) {
       return interpolate(x.transpose().reshape({1, 1, 3, n}), {.scale = {1, 2}});
     }},
    {"interpolate linearly by a whole scale",
     [](const Tensor& x, const Extent& n) {
       return interpolate(x.transpose().reshape({1, 3, n}), {.scale = {3}, .mode = Interpolation::kLinear});
     }},
    {"interpolate to a size",
     [](const Tensor& x, const Extent& n) { return interpolate(x.transpose().reshape({1, 3, n}), {.size = {4}}); }},
    {"interpolate linearly to a size",
     [](const Tensor& x, const Extent& n) {
       return interpolate(x.transpose().reshape({1, 3, n}),
                          {.size = {4}, .mode = Interpolation::kLinear, .align_corners = true});
     }},
    {"dropout", [](const Tensor& x, const Extent&) { return dropout(x, 0.5, 3); }},
};

// The values of a buffer at a symbolic shape: rows of a table that is as long as the dimension can be.
Tensor rows_of(const Tensor& table, const Extent& n) { return embedding(arange(n), table); }

TEST(Symbolic, FunctionsAgreeWithConcreteExtents) {
  constexpr int64_t kMax = 6;
  const Tensor table = spread({kMax, 3}, 5);
  const Extent n = dim("B", 1, kMax);
  for (const auto& [name, f] : kFunctions) {
    const Tensor symbolic = f(rows_of(table, n), n);
    for (int64_t extent : {1, 2, 5, 6}) {
      const Tensor concrete = f(table.slice({{0, extent}}), extent);
      EXPECT_EQ(differences(values(symbolic, {.dims = {{"B", extent}}}), values(concrete), 1e-12), "")
          << name << " of " << extent;
    }
  }
}

TEST(Symbolic, GradientsAgreeWithConcreteExtents) {
  constexpr int64_t kMax = 6;
  const Tensor table = spread({kMax, 3}, 5);
  const Extent n = dim("B", 1, kMax);
  for (const auto& [name, function] : kFunctions) {
    const auto slope = [&, &f = function](const Tensor& x, const Extent& e) {
      const Tensor own = alias(x), y = f(own, e);
      if (!is_float(y.dtype())) return zeros_like(x);
      const Tensor flat = y.reshape({-1});
      return gradients(sum(flat * cos(arange(flat.size(0), f64))), {own})[0];
    };
    const Tensor symbolic = slope(rows_of(table, n), n);
    for (int64_t extent : {1, 2, 5, 6}) {
      const Doubles expected = values(slope(table.slice({{0, extent}}), extent));
      EXPECT_EQ(differences(values(symbolic, {.dims = {{"B", extent}}}), expected, 1e-11), "")
          << name << " of " << extent;
    }
  }
}

// The count of what is folded may be less than the correction takes off: then nothing is left, not less.
TEST(Symbolic, VarianceOfTooFewElements) {
  const Extent n = dim("B", 0, 6);
  const Tensor x = rows_of(spread({6, 3}, 5), n);
  const RunOptions none{.dims = {{"B", 0}}}, three{.dims = {{"B", 3}}};
  EXPECT_EQ(differences(values(var(x, 0, false, 5), three), {kInf, kInf, kInf}, 0), "");
  EXPECT_EQ(differences(values(var(x, 0), none), {kNan, kNan, kNan}, 0), "");
  EXPECT_EQ(differences(values(std(x, 0, false, 5), three), {kInf, kInf, kInf}, 0), "");
}

TEST(Symbolic, TheRestOfAShape) {
  const Extent e = dim("e", 4, 64, 4), f = dim("f", 2, 64, 2), n = dim("n", 1, 8);
  EXPECT_EQ(ints(arange(e).reshape({-1, 4}), {.dims = {{"e", 8}}}), (Ints{0, 1, 2, 3, 4, 5, 6, 7}));
  const Tensor x = ones({f, 6}).reshape({-1, 2, 6});
  EXPECT_TRUE(x.size(0) == f / 2) << x.type();
  EXPECT_EQ(sum(x, Axes{1, 2}).to_vector<float>({.dims = {{"f", 4}}}), (std::vector<float>{12, 12}));
  // Only the binding tells.
  const Tensor y = ones({n, 4}).reshape({-1, 3});
  EXPECT_EQ(sum(y, 1).to_vector<float>({.dims = {{"n", 3}}}), (std::vector<float>{3, 3, 3, 3}));
  EXPECT_THAT(failure([&] { return sum(y, 1).to_vector<float>({.dims = {{"n", 4}}}); }),
              HasSubstr("the numbers of elements differ"));
}

// Bounds that are known from the dimension leave no lesser or greater behind.
TEST(Symbolic, PartsHaveSimpleExtents) {
  const Extent n = dim("B", 4, 64, 4);
  const Tensor x = ones({n, 3});
  EXPECT_TYPE(x.slice({{1, _}}), "f32[B - 1,3]");
  EXPECT_TYPE(x.slice({{-4, _}}), "f32[4,3]");
  EXPECT_TYPE(x.slice({{2, -2}}), "f32[B - 4,3]");
  EXPECT_TYPE(roll(x, {-4}, 0), "f32[B,3]");
  EXPECT_EQ(chunk(x, 4).size(), 4u);
  EXPECT_TYPE(split(x, {3, n - 3})[1], "f32[B - 3,3]");
  EXPECT_EQ(split(ones({dim("C", 9, 12)}), 4).size(), 3u);
  EXPECT_TYPE(pad_reflect(x, {{3, 3}}), "f32[B + 6,3]");
}

TEST(Symbolic, PartsThatCannotBeAreRefused) {
  const Extent n = dim("B", 0, 6);
  const Tensor x = ones({n, 3});
  EXPECT_THAT(
      failure([&] { return split(x, 2); }),
      HasSubstr("split: axis 0 of B has no fixed number of parts of 2; give their sizes, or unflatten"));
  EXPECT_THAT(failure([&] { return chunk(x, 2); }),
              HasSubstr("chunk: axis 0 of B does not divide by 2 at every binding"));
  EXPECT_THAT(failure([&] { return split(x, {3, 4}); }),
              HasSubstr("split: the sizes add up to 7, axis 0 has B"));
  EXPECT_THAT(failure([&] { return x[6]; }), HasSubstr("position 6 is out of range for axis 0 of B"));
  EXPECT_THAT(failure([&] { return x[-7]; }), HasSubstr("position -7 is out of range for axis 0 of B"));
  EXPECT_THAT(failure([&] { return pad_reflect(x, {{6, 0}}); }),
              HasSubstr("amounts 6 and 0 on axis 0 of B: reflection reaches at most the extent minus 1"));
  EXPECT_THAT(failure([&] { return adaptive_max_pool(x.transpose(), {2}); }),
              HasSubstr("from an axis of B, which may be empty: its dimension needs a minimum of 1"));
  EXPECT_THAT(failure([&] { return unbind(x); }),
              HasSubstr("unbind: axis 0 of f32[B,3] has extent B: how many tensors there are must be known"));
  EXPECT_THAT(failure([&] { return max_pool(x, 2, {.ceil_mode = true}); }),
              HasSubstr("max_pool: axis 0 is B: with ceil_mode it must be a number"));
  EXPECT_THAT(failure([&] { return group_norm(ones({2, n, 3}), 2); }),
              HasSubstr("group_norm: B channels do not divide into 2 groups at every binding"));
  EXPECT_THAT(failure([&] { return interpolate(ones({1, 2, n + 1}), {.scale = {1.5}}); }),
              HasSubstr("interpolate: axis 2 is B + 1: it takes a size or a whole scale, not 1.5"));
  EXPECT_THAT(failure([&] { return interpolate(ones({1, 2, n}), {.size = {4}}); }),
              HasSubstr("an extent of 4 from an axis of B, which may be empty"));
  EXPECT_THAT(failure([&] { return conv1d(ones({1, 2, 9}), ones({3, 2, n + 1})); }),
              HasSubstr("conv1d: axis 2 of the weight is B + 1: the extents of a weight must be numbers"));
  EXPECT_THAT(failure([&] { return conv_transpose1d(ones({1, 2, 9}), ones({2, n, 3})); }),
              HasSubstr("conv_transpose1d: axis 1 of the weight is B"));
  EXPECT_THAT(failure([&] { return pixel_shuffle(ones({1, n, 3, 3}), 2); }),
              HasSubstr("pixel_shuffle: axis 1 of B does not divide by 4 at every binding"));
  // What may fit is compared when the extent is known.
  EXPECT_EQ(sum(split(x, {2, 3})[1]).item<float>({.dims = {{"B", 5}}}), 9);
  EXPECT_THAT(failure([&] { return sum(split(x, {2, 3})[1]).item<float>({.dims = {{"B", 6}}}); }),
              HasSubstr("the numbers of elements differ"));
  EXPECT_THAT(failure([&] { return x[2].item<float>({.dims = {{"B", 2}}}); }), HasSubstr("error[shape]"));
  EXPECT_THAT(failure([&] { return pad_reflect(x, {{2, 0}}).to_vector<float>({.dims = {{"B", 2}}}); }),
              HasSubstr("slice: from 1 takes 2 elements"));
}

TEST(Symbolic, PartsOfAnAxisThatMayBeEmpty) {
  const Extent n = dim("B", 0, 5);
  const Tensor x = alias(cast(arange(n), f64));
  const std::vector<Index> slices[] = {{{1, _}},
                                       {{_, -2}},
                                       {{_, _, 2}},
                                       {{1, 4, 2}},
                                       {{-3, -1}},
                                       {{_, _, -1}},
                                       {{_, _, -2}},
                                       {{3, 0, -2}},
                                       {{-1, 1, -3}},
                                       {{9, _, 3}},
                                       {{-9, 9, 4}},
                                       {{0, INT64_MAX, INT64_MAX}},
                                       {{_, INT64_MIN, INT64_MIN}}};
  for (const std::vector<Index>& indices : slices) {
    const Tensor part = x.slice(indices), slope = gradients(sum(part * part), {x})[0];
    for (int64_t extent = 0; extent <= 5; ++extent) {
      const Tensor known = alias(cast(arange(extent), f64)), expected = known.slice(indices);
      const RunOptions run{.dims = {{"B", extent}}};
      const auto which = [&] {
        return "start " + std::to_string(indices[0].start.value.value_or(-99)) + " step " +
               std::to_string(indices[0].step) + " of " + std::to_string(extent);
      };
      EXPECT_EQ(part.to_vector<double>(run), expected.to_vector<double>()) << which();
      EXPECT_EQ(slope.to_vector<double>(run),
                gradients(sum(expected * expected), {known})[0].to_vector<double>())
          << which();
    }
  }
  const Tensor rolled = roll(x, {2}, 0);
  for (int64_t extent = 0; extent <= 5; ++extent)
    EXPECT_EQ(rolled.to_vector<double>({.dims = {{"B", extent}}}),
              roll(cast(arange(extent), f64), {2}, 0).to_vector<double>());
}

TEST(Symbolic, RunsCheckTheirDimensions) {
  const Tensor x = ones({dim("B", 1, 8)});
  EXPECT_EQ(sum(x).item<float>({.dims = {{"B", 8}}}), 8);
  EXPECT_THAT(failure([&] { return sum(x).item<float>(); }),
              HasSubstr("var \"B\": has no value, allowed is 1 to 8"));
  EXPECT_THAT(failure([&] { return sum(x).item<float>({.dims = {{"B", 9}}}); }),
              HasSubstr("var \"B\": is bound to 9, allowed is 1 to 8"));
  const Tensor y = ones({dim("M", 0, 64, 16)});
  EXPECT_THAT(failure([&] { return y.to_vector<float>({.dims = {{"M", 17}}}); }),
              HasSubstr("multiples of 16"));
  // Extents that may be equal are accepted, and compared when they are known.
  const Tensor sum_of_both = x + ones({dim("C", 1, 8)});
  EXPECT_EQ(sum_of_both.to_vector<float>({.dims = {{"B", 2}, {"C", 2}}}), (std::vector<float>{2, 2}));
  EXPECT_THAT(failure([&] { return sum_of_both.to_vector<float>({.dims = {{"B", 2}, {"C", 3}}}); }),
              HasSubstr("error[shape]"));
}

TEST(Symbolic, RealizedTensorsAreConcrete) {
  const Tensor held = (ones({dim("B", 1, 8)}) * 3).realize({.dims = {{"B", 2}}});
  EXPECT_TYPE(held, "f32[2]");
  EXPECT_VALUES(held, {3, 3});
}

}  // namespace
}  // namespace anneal
