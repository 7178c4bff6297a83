// SPDX-License-Identifier: MIT
// Axes without elements: every function either gives the shape it should, or says why it cannot.
#include <gtest/gtest.h>

#include "anneal/random.h"
#include "tensor/test_tensors.h"

namespace anneal {
namespace {

struct Case {
  const char* name;
  std::function<Tensor(const Tensor&)> f;  // of f64[0,3]
  Ints shape;
};
const Case kCases[] = {
    {"elementwise", [](const Tensor& x) { return gelu(x) + 1; }, {0, 3}},
    {"broadcast", [](const Tensor& x) { return x.unsqueeze(1) * ones({4, 1}, f64); }, {0, 4, 3}},
    {"where", [](const Tensor& x) { return where(x > 0, x, 1); }, {0, 3}},
    {"sum", [](const Tensor& x) { return sum(x); }, {}},
    {"prod", [](const Tensor& x) { return prod(x, 0); }, {3}},
    {"logsumexp", [](const Tensor& x) { return logsumexp(x, 1); }, {0}},
    {"any", [](const Tensor& x) { return any(x, 0); }, {3}},
    {"argmax beside it", [](const Tensor& x) { return argmax(x, 1); }, {0}},
    {"softmax", [](const Tensor& x) { return softmax(x, 0); }, {0, 3}},
    {"log_softmax", [](const Tensor& x) { return log_softmax(x, 1); }, {0, 3}},
    {"cumsum", [](const Tensor& x) { return cumsum(x, 0); }, {0, 3}},
    {"cumprod", [](const Tensor& x) { return cumprod(x, 0); }, {0, 3}},
    {"cummax", [](const Tensor& x) { return cummax(x, 1); }, {0, 3}},
    {"sort", [](const Tensor& x) { return sort(x, 0); }, {0, 3}},
    {"topk", [](const Tensor& x) { return topk(x, 2, 1).values; }, {0, 2}},
    {"matmul", [](const Tensor& x) { return matmul(x.transpose(), x); }, {3, 3}},
    {"outer matmul", [](const Tensor& x) { return matmul(x, x.transpose()); }, {0, 0}},
    {"einsum", [](const Tensor& x) { return einsum("ij,ik->jk", {x, x}); }, {3, 3}},
    {"reshape", [](const Tensor& x) { return x.reshape({3, 0, 5}); }, {3, 0, 5}},
    {"flatten", [](const Tensor& x) { return x.flatten(); }, {0}},
    {"permute", [](const Tensor& x) { return x.transpose(); }, {3, 0}},
    {"slice", [](const Tensor& x) { return x.slice({{_, _, -1}, {1, _}}); }, {0, 2}},
    {"flip", [](const Tensor& x) { return flip(x, 0); }, {0, 3}},
    {"roll", [](const Tensor& x) { return roll(x, {1}, {}); }, {0, 3}},
    {"pad", [](const Tensor& x) { return pad(x, {{1, 1}}, 2); }, {2, 3}},
    {"cat", [](const Tensor& x) { return cat({x, x, ones({1, 3}, f64)}); }, {1, 3}},
    {"stack", [](const Tensor& x) { return stack({x, x}, 2); }, {0, 3, 2}},
    {"tile", [](const Tensor& x) { return tile(x, {2, 2}); }, {0, 6}},
    {"repeat_interleave", [](const Tensor& x) { return repeat_interleave(x, 3, 0); }, {0, 3}},
    {"tril", [](const Tensor& x) { return tril(x); }, {0, 3}},
    {"diag", [](const Tensor& x) { return diag(x); }, {0}},
    {"index_select", [](const Tensor& x) { return index_select(x, 1, zeros({0}, i32)); }, {0, 0}},
    {"index_select out of it", [](const Tensor& x) { return index_select(x, 0, tensor({0, 1})); }, {2, 3}},
    {"embedding", [](const Tensor& x) { return embedding(zeros({2, 0}, i32), x); }, {2, 0, 3}},
    {"scatter", [](const Tensor& x) { return scatter(x, 1, zeros({0, 1}, i32), 1); }, {0, 3}},
    {"one_hot", [](const Tensor& x) { return one_hot(cast(x, i32), 2, f64); }, {0, 3, 2}},
    {"conv over no batch",
     [](const Tensor& x) { return conv1d(x.unsqueeze(1), ones({2, 1, 2}, f64)); },
     {0, 2, 2}},
    {"max_pool beside it", [](const Tensor& x) { return max_pool(x, 1, {.stride = {1}}); }, {0, 2}},
    {"interpolate over no batch",
     [](const Tensor& x) { return interpolate(x.unsqueeze(1), {.size = {6}}); },
     {0, 1, 6}},
    {"layer_norm", [](const Tensor& x) { return layer_norm(x); }, {0, 3}},
    {"batch_norm", [](const Tensor& x) { return batch_norm(x, ones({3}, f64), ones({3}, f64)); }, {0, 3}},
    {"attention", [](const Tensor& x) { return scaled_dot_product_attention(x, x, x); }, {0, 3}},
    {"attention to nothing",
     [](const Tensor& x) {
       return scaled_dot_product_attention(ones({2, 3}, f64), x, x, {.mask = ones({2, 0}, boolean)});
     },
     {2, 3}},
    {"summed losses", [](const Tensor& x) { return mse_loss(x, 0, Reduction::kSum); }, {}},
    {"cross_entropy",
     [](const Tensor& x) { return cross_entropy(x, zeros({0}, i32), {.reduction = Reduction::kSum}); },
     {}},
    {"dropout", [](const Tensor& x) { return dropout(x, 0.5, 1); }, {0, 3}},
};

TEST(EmptyAxes, GiveTheirShapesAndNoNan) {
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.name);
    const Tensor x = alias(zeros({0, 3}, f64)), y = c.f(x);
    EXPECT_EQ(y.shape(), c.shape);
    for (double v : values(y)) EXPECT_FALSE(std::isnan(v));
    if (!is_float(y.dtype())) continue;
    const Tensor slope = gradients(sum(y), {x})[0];
    EXPECT_EQ(slope.shape(), (Ints{0, 3}));
    EXPECT_EQ(values(slope), Doubles());
  }
}

TEST(EmptyAxes, RandomNumbers) {
  EXPECT_EQ(rand({0, 2}).shape(), (Ints{0, 2}));
  EXPECT_EQ(values(randn({3, 0})), Doubles());
  EXPECT_EQ(ints(categorical(ones({0, 4}))), Ints());
}

}  // namespace
}  // namespace anneal
