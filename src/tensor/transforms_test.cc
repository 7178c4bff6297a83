// SPDX-License-Identifier: MIT
// grad, value_and_grad, vjp, jvp and custom gradients through the tensor API, nested to any order.
#include <gtest/gtest.h>

#include "tensor/test_tensors.h"

namespace anneal {
namespace {

using testing::HasSubstr;

const auto kSumOfCubes = [](const Tensor& x) { return sum(x * x * x); };

TEST(Transforms, ParametersThatBeginEqualAreNotOne) {
  const Tensor w = tensor({1, 2, 3}).to(f32);
  const Tensor a = zeros({3}), b = zeros({3});
  const std::vector<Tensor> slopes = gradients(sum((a + w) * 2) + sum(b * 5), {a, b});
  EXPECT_VALUES(slopes[0], {2, 2, 2});
  EXPECT_VALUES(slopes[1], {5, 5, 5});
  EXPECT_VALUES(gradients(sum(a * w), {b})[0], {0, 0, 0});
  for (const auto& make :
       {+[] { return ones({2}); }, +[] { return full({2}, 1.0); }, +[] { return eye(1, 2); },
        +[] { return linspace(0, 1, 2); }, +[] { return arange(2, f32); }, +[] { return rand({2}); },
        +[] { return randn({2}); }}) {
    const Tensor x = make(), y = make();
    EXPECT_VALUES(gradients(sum(x), {y})[0], {0, 0});
    EXPECT_VALUES(vjp({x}, {ones(x.sizes())}, {y})[0], {0, 0});
    EXPECT_VALUES(jvp({x}, {y}, {ones(x.sizes())})[0], {0, 0});
  }
}

TEST(Transforms, Grad) {
  const Tensor x = tensor({1.0, 2.0, -3.0});
  EXPECT_VALUES(grad(kSumOfCubes)(x), {3, 12, 27});
  const auto two = [](const Tensor& a, const Tensor& b) { return sum(a * a * b); };
  EXPECT_VALUES(grad(two)(x, x), {2, 8, 18});  // with respect to the first use only
  const std::vector<Tensor> both = grad(two, {.argnums = {1, 0}})(x, x * 2);
  EXPECT_VALUES(both[0], {1, 4, 9});
  EXPECT_VALUES(both[1], {4, 16, 36});
  EXPECT_VALUES(grad(two, {.argnums = {0, 0}})(x, x)[1], {2, 8, 18});
  const std::string none = failure([&] { return grad(two, {.argnums = {2}})(x, x); });
  EXPECT_THAT(none, HasSubstr("error[argument] grad: argnums names argument 2, the function has 2"));
}

TEST(Transforms, ValueAndGrad) {
  const Tensor x = tensor({1.0, 2.0});
  const auto [value, slope] = value_and_grad(kSumOfCubes)(x);
  EXPECT_VALUES(value, {9});
  EXPECT_VALUES(slope, {3, 12});
  const auto f = [](const Tensor& a, const Tensor& b) { return mean(a * b); };
  const auto [loss, slopes] = value_and_grad(f, {.argnums = {0, 1}})(x, x + 1);
  EXPECT_VALUES(loss, {4});
  EXPECT_VALUES(slopes[0], {1, 1.5});
  EXPECT_VALUES(slopes[1], {0.5, 1});
}

TEST(Transforms, GradientsNest) {
  const Tensor x = tensor({1.0, 2.0, -3.0}), v = tensor({1.0, 10.0, 100.0});
  // A Hessian times a vector, both ways around.
  EXPECT_VALUES(grad([&](const Tensor& w) { return sum(grad(kSumOfCubes)(w) * v); })(x), {6, 120, -1800});
  const Tensor own = alias(x), slope = gradients(kSumOfCubes(own), {own})[0];
  EXPECT_VALUES(jvp({slope}, {own}, {v})[0], {6, 120, -1800});
  const auto third = grad([](const Tensor& a) {
    return sum(grad([](const Tensor& b) { return sum(grad(kSumOfCubes)(b)); })(a));
  });
  EXPECT_VALUES(third(x), {6, 6, 6});
  // Variables of an inner gradient do not mix with the outer ones.
  const auto mixed = [](const Tensor& a) {
    return sum(a * grad([&](const Tensor& b) { return sum(a * b * b); })(a));
  };
  EXPECT_VALUES(grad(mixed)(x), {6, 24, 54});  // 2 a^3
}

TEST(Transforms, ZerosWhereNothingDepends) {
  const Tensor x = tensor({1.0f, 2.0f}), y = tensor({3.0f});
  const std::vector<Tensor> found = gradients(sum(x), {y, x});
  EXPECT_VALUES(found[0], {0});
  EXPECT_TYPE(found[0], "f32[1]");
  EXPECT_VALUES(found[1], {1, 1});
  EXPECT_VALUES(gradients(sum(stop_gradient(x) * 2), {x})[0], {0, 0});
  EXPECT_VALUES(jvp({sum(x)}, {y}, {y})[0], {0});
}

TEST(Transforms, VjpAndJvp) {
  const Tensor x = tensor({1.0, 2.0}), u = tensor({5.0, 7.0});
  EXPECT_VALUES(vjp({x * x, sum(x)}, {u, full({}, 100.0, f64)}, {x})[0], {110, 128});
  EXPECT_VALUES(jvp({x * x, sum(x)}, {x}, {u})[0], {10, 28});
  EXPECT_VALUES(jvp({x * x, sum(x)}, {x}, {u})[1], {12});
  const Tensor narrow = tensor({1.0f, 2.0f}).to(f16);
  EXPECT_TYPE(gradients(sum(cast(narrow, f32)), {narrow})[0], "f32[2]");
  EXPECT_THAT(failure([&] { return vjp({x}, {u, u}, {x}); }),
              HasSubstr("vjp: 2 upstream tensors for 1 outputs"));
  EXPECT_THAT(failure([&] { return vjp({x}, {ones({2}, i32)}, {x}); }),
              HasSubstr("error[dtype] vjp: upstream 0 is i32[2] for an output f64[2]"));
  EXPECT_THAT(failure([&] { return jvp({x}, {x}, {sum(u)}); }),
              HasSubstr("jvp: tangent 0 is f64 for an input f64[2]"));
  EXPECT_THAT(failure([&] { return jvp({x}, {x}, {}); }), HasSubstr("jvp: 0 tangents for 1 inputs"));
  EXPECT_THAT(failure([&] { return gradients(sum(x), {Tensor()}); }),
              HasSubstr("gradients: parameter 0 is an empty tensor"));
  EXPECT_THAT(failure([&] { return gradients(x, {x}); }),
              HasSubstr("error[shape] gradients: the loss is f64[2], it must be a scalar: sum or mean it, or "
                        "use vjp with an upstream"));
  EXPECT_THAT(failure([&] { return gradients(sum(tensor({1, 2})), {x}); }),
              HasSubstr("only floats have gradients"));
}

TEST(Transforms, CustomGradient) {
  const Tensor x = tensor({1.0, 2.0});
  const auto clipped = [](const Tensor& t) {
    return custom_gradient(t, {t}, [](const Tensor& up, const std::vector<Tensor>&) {
      return std::vector<Tensor>{clamp(up, -1, 1)};
    });
  };
  EXPECT_VALUES(grad([&](const Tensor& t) { return sum(clipped(t) * 5); })(x), {1, 1});
  const auto partly = [&](const Tensor& a, const Tensor& b) {
    return sum(custom_gradient(a * b, {a, b}, [](const Tensor& up, const std::vector<Tensor>& in) {
      return std::vector<Tensor>{up * in[1] * 10, Tensor()};
    }));
  };
  const std::vector<Tensor> found = grad(partly, {.argnums = {0, 1}})(x, x + 1);
  EXPECT_VALUES(found[0], {20, 30});
  EXPECT_VALUES(found[1], {0, 0});
  // A second derivative goes through the function that was given.
  const auto square_of = [](const Tensor& t) {
    return custom_gradient(t * t, {t}, [](const Tensor& up, const std::vector<Tensor>& in) {
      return std::vector<Tensor>{up * in[0] * in[0]};
    });
  };
  EXPECT_VALUES(grad([&](const Tensor& t) {
                  return sum(grad([&](const Tensor& s) { return sum(square_of(s)); })(t));
                })(x),
                {2, 4});
}

TEST(Transforms, AStepOfDescentFollowsTheGradient) {
  const Tensor target = tensor({3.0, -1.0});
  Tensor w = zeros({2}, f64);
  for (int step = 0; step < 100; ++step)
    w = (w - 0.1 * grad([&](const Tensor& t) { return sum(square(t - target)); })(w)).realize();
  EXPECT_CLOSE(w, 1e-8, {3, -1});
}

TEST(Transforms, EmptyTensorsAreNamed) {
  EXPECT_FALSE(Tensor().defined());
  EXPECT_THAT(failure([] { return Tensor() + 1; }),
              HasSubstr("error[argument] add: operand 1 is an empty tensor"));
  EXPECT_THAT(failure([] { return where(tensor({true}), 1, Tensor()); }),
              HasSubstr("where: operand 3 is an empty tensor"));
  EXPECT_THAT(failure([] { return Tensor().shape(); }), HasSubstr("shape: operand 1 is an empty tensor"));
}

}  // namespace
}  // namespace anneal
