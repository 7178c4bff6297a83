// SPDX-License-Identifier: MIT
// Indexing by data against loops: PyTorch's gather and scatter, embedding, one-hot.
#include <gtest/gtest.h>

#include "tensor/test_tensors.h"

namespace anneal {
namespace {

using testing::HasSubstr;

TEST(Indexing, Gather) {
  const Tensor x = counting({3, 4});
  EXPECT_VALUES(gather(x, 1, tensor({{0, 3}, {2, 2}, {1, 0}})), {0, 3, 6, 6, 9, 8});
  EXPECT_VALUES(gather(x, 0, tensor({{2, 1, 0, 1}})), {8, 5, 2, 7});
  EXPECT_VALUES(gather(x, -1, tensor({{-1, 4, 1}, {0, 0, 9}, {3, 3, 3}})), {0, 0, 1, 4, 4, 0, 11, 11, 11});
  // A smaller index reads a corner.
  EXPECT_VALUES(gather(x, 1, tensor({{3}, {0}})), {3, 4});
  EXPECT_EQ(gather(x, 0, zeros({0, 4}, i32)).shape(), (Ints{0, 4}));
  EXPECT_EQ(ints(gather(tensor({5, 6}), 0, tensor<uint8_t>({1, 1}))), (Ints{6, 6}));
  EXPECT_THAT(
      failure([&] { return gather(x, 0, ones({2, 5}, i32)); }),
      HasSubstr(
          "gather: an index of shape [2,5] for a tensor of shape [3,4]: off axis 0 it must not be larger"));
  EXPECT_THAT(failure([&] { return gather(x, 0, ones({2}, i32)); }), HasSubstr("the ranks must be equal"));
  EXPECT_THAT(failure([&] { return gather(x, 0, x); }),
              HasSubstr("error[dtype] gather: the index is f64, it must be an integer"));
  EXPECT_THAT(failure([&] { return gather(x, 2, ones({3, 4}, i32)); }),
              HasSubstr("gather: axis 2 is out of range"));
}

TEST(Indexing, TakeAlongDim) {
  const Tensor x = counting({3, 4});
  EXPECT_VALUES(take_along_dim(x, argsort(-x, 1), 1), {3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8});
  EXPECT_VALUES(take_along_dim(x, tensor({{2, 0}}), 1), {2, 0, 6, 4, 10, 8});
  EXPECT_VALUES(take_along_dim(counting({1, 4}), tensor({{1}, {2}}), 1), {1, 2});
  EXPECT_THAT(failure([&] { return take_along_dim(x, tensor({0}), 1); }),
              HasSubstr("take_along_dim: the ranks must be equal, [3,4] and [1]"));
  EXPECT_THAT(failure([&] { return take_along_dim(x, ones({2, 2}, i32), 1); }), HasSubstr("take_along_dim"));
}

TEST(Indexing, IndexSelectAndEmbedding) {
  const Tensor x = counting({3, 2});
  EXPECT_VALUES(index_select(x, 0, tensor({2, 0, 2})), {4, 5, 0, 1, 4, 5});
  EXPECT_VALUES(index_select(x, 1, tensor({1})), {1, 3, 5});
  EXPECT_VALUES(index_select(x, 0, 1), {2, 3});
  EXPECT_VALUES(index_select(x, 0, tensor({3, -1})), {0, 0, 0, 0});
  EXPECT_VALUES(embedding(tensor({{1, 0}, {2, 2}}), x), {2, 3, 0, 1, 4, 5, 4, 5});
  EXPECT_EQ(embedding(tensor({{1, 0}, {2, 2}}), x).shape(), (Ints{2, 2, 2}));
  EXPECT_VALUES(embedding(full({}, 1), x), {2, 3});
  EXPECT_THAT(failure([&] { return index_select(x, 0, ones({2, 2}, i32)); }),
              HasSubstr("index_select: the index must be a vector"));
  EXPECT_THAT(failure([&] { return embedding(tensor({1}), counting({3})); }),
              HasSubstr("embedding: the weight must be [rows, width], not f64[3]"));
  EXPECT_THAT(failure([&] { return embedding(x, x); }), HasSubstr("embedding: the index is f64"));
}

TEST(Indexing, Scatter) {
  const Tensor base = zeros({3, 3}, f64), values_in = data({1, 2, 3, 4}, {2, 2}),
               at = tensor({{0, 2}, {1, 1}});
  EXPECT_VALUES(scatter(base, 1, at, values_in), {1, 0, 2, 0, 4, 0, 0, 0, 0});  // the last one wins
  EXPECT_VALUES(scatter_add(base, 1, at, values_in), {1, 0, 2, 0, 7, 0, 0, 0, 0});
  EXPECT_VALUES(scatter_add(base, 0, at, values_in), {1, 0, 0, 3, 4, 0, 0, 2, 0});
  EXPECT_VALUES(scatter(base + 9, 0, tensor({{-1, 3, 1}}), data({1, 2, 3}, {1, 3})),
                {9, 9, 9, 9, 9, 3, 9, 9, 9});
  EXPECT_VALUES(scatter(base, 1, tensor({{2}, {0}, {1}}), 5), {0, 0, 5, 5, 0, 0, 0, 5, 0});
  EXPECT_VALUES(scatter_add(base, 0, tensor<uint8_t>({{0, 2}}), 1), {1, 0, 0, 0, 0, 0, 0, 1, 0});
  // Values may be larger than the index.
  EXPECT_VALUES(scatter(base, 1, tensor({{1}}), data({7, 8, 9, 10}, {2, 2})), {0, 7, 0, 0, 0, 0, 0, 0, 0});
  EXPECT_TYPE(scatter_add(zeros({2}, i32), 0, tensor({0}), tensor({1.5f})), "f32[2]");
  EXPECT_THAT(failure([&] { return scatter(base, 1, ones({4, 2}, i32), ones({4, 2})); }),
              HasSubstr("scatter: an index of shape [4,2] for a tensor of shape [3,3]"));
  EXPECT_THAT(failure([&] { return scatter_add(base, 1, at, ones({1, 2})); }),
              HasSubstr("scatter_add: values of shape [1,2] for an index of shape [2,2]"));
}

TEST(Indexing, OneHot) {
  EXPECT_VALUES(one_hot(tensor({2, 0, -1, 3}), 3), {0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0});
  EXPECT_TYPE(one_hot(tensor({{2, 0}}), 3, i32), "i32[1,2,3]");
  EXPECT_EQ(one_hot(tensor({1}), 0).shape(), (Ints{1, 0}));
  EXPECT_VALUES(one_hot(full({}, 1), 2), {0, 1});
  EXPECT_VALUES(one_hot(tensor<uint8_t>({255, 1}), 300).slice({0, 255}), {1});
  EXPECT_THAT(failure([] { return one_hot(tensor({1}), -1); }),
              HasSubstr("one_hot: -1 classes: it cannot be negative"));
  EXPECT_THAT(failure([] { return one_hot(tensor({1.f}), 2); }),
              HasSubstr("one_hot: the index is f32, it must be an integer"));
}

TEST(IndexingGradient, MatchesDifferences) {
  const Tensor x = spread({3, 4}), v = spread({2, 2}, 9), at = tensor({{0, 3}, {2, 2}});
  const std::function<Tensor(const Ins&)> functions[] = {
      [&](const Ins& in) { return gather(in[0], 1, at); },
      [&](const Ins& in) { return index_select(in[0], 0, tensor({1, 1, 5})); },
      [&](const Ins& in) { return embedding(tensor({{2, 0}, {2, 2}}), in[0]); },
      [&](const Ins& in) { return scatter(in[0], 1, at, in[1]); },
      [&](const Ins& in) { return scatter_add(in[0], 1, at, in[1]); },
      [&](const Ins& in) { return scatter(in[0], 0, tensor({{1, 7}, {1, 1}}), in[1]); },
      [&](const Ins& in) { return take_along_dim(in[0], tensor({{2, 0, 0}}), 1); },
      [&](const Ins& in) { return take_along_dim(in[0].slice({{0, 1}}), tensor({{2}, {0}}), 1); },
  };
  size_t number = 0;
  for (const auto& f : functions) EXPECT_EQ(gradient_differences(f, {x, v}), "") << number++;
}

}  // namespace
}  // namespace anneal
