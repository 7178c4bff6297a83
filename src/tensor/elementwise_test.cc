// SPDX-License-Identifier: MIT
// Elementwise functions against the C++ library, element by element; promotion, weak numbers, broadcasting.
#include <gtest/gtest.h>

#include <functional>

#include "tensor/test_tensors.h"

namespace anneal {
namespace {

using testing::HasSubstr;

const Doubles kPoints{-2.5, -1.5, -1, -0.75, -0.5, -0.25, -0.0, 0.0, 0.125, 0.5, 0.75, 1, 1.5, 2.5, 3};

struct Unary {
  const char* name;
  std::function<Tensor(const Tensor&)> f;
  std::function<double(double)> expected;
  double low = -3, high = 3;  // of the points taken
};

double softplus_of(double v) { return std::log1p(std::exp(-std::abs(v))) + std::max(v, 0.0); }
double sigmoid_of(double v) { return 1 / (1 + std::exp(-v)); }
double clamp_of(double v, double low, double high) { return std::min(std::max(v, low), high); }

const Unary kUnaries[] = {
    {"neg", [](const Tensor& t) { return neg(t); }, [](double v) { return -v; }},
    {"operator-", [](const Tensor& t) { return -t; }, [](double v) { return -v; }},
    {"abs", [](const Tensor& t) { return abs(t); }, [](double v) { return std::abs(v); }},
    {"sign", [](const Tensor& t) { return sign(t); }, [](double v) { return v > 0   ? 1
                                                                            : v < 0 ? -1
                                                                                    : 0; }},
    {"reciprocal", [](const Tensor& t) { return reciprocal(t); }, [](double v) { return 1 / v; }},
    {"sqrt", [](const Tensor& t) { return sqrt(t); }, [](double v) { return std::sqrt(v); }, 0},
    {"rsqrt", [](const Tensor& t) { return rsqrt(t); }, [](double v) { return 1 / std::sqrt(v); }, 0.1},
    {"square", [](const Tensor& t) { return square(t); }, [](double v) { return v * v; }},
    {"exp", [](const Tensor& t) { return exp(t); }, [](double v) { return std::exp(v); }},
    {"exp2", [](const Tensor& t) { return exp2(t); }, [](double v) { return std::exp2(v); }},
    {"expm1", [](const Tensor& t) { return expm1(t); }, [](double v) { return std::expm1(v); }},
    {"log", [](const Tensor& t) { return log(t); }, [](double v) { return std::log(v); }, 0},
    {"log2", [](const Tensor& t) { return log2(t); }, [](double v) { return std::log2(v); }, 0},
    {"log10", [](const Tensor& t) { return log10(t); }, [](double v) { return std::log10(v); }, 0},
    {"log1p", [](const Tensor& t) { return log1p(t); }, [](double v) { return std::log1p(v); }, -1},
    {"sin", [](const Tensor& t) { return sin(t); }, [](double v) { return std::sin(v); }},
    {"cos", [](const Tensor& t) { return cos(t); }, [](double v) { return std::cos(v); }},
    {"tan", [](const Tensor& t) { return tan(t); }, [](double v) { return std::tan(v); }},
    {"asin", [](const Tensor& t) { return asin(t); }, [](double v) { return std::asin(v); }, -1, 1},
    {"acos", [](const Tensor& t) { return acos(t); }, [](double v) { return std::acos(v); }, -1, 1},
    {"atan", [](const Tensor& t) { return atan(t); }, [](double v) { return std::atan(v); }},
    {"sinh", [](const Tensor& t) { return sinh(t); }, [](double v) { return std::sinh(v); }},
    {"cosh", [](const Tensor& t) { return cosh(t); }, [](double v) { return std::cosh(v); }},
    {"tanh", [](const Tensor& t) { return tanh(t); }, [](double v) { return std::tanh(v); }},
    {"asinh", [](const Tensor& t) { return asinh(t); }, [](double v) { return std::asinh(v); }},
    {"acosh", [](const Tensor& t) { return acosh(t); }, [](double v) { return std::acosh(v); }, 1},
    {"atanh", [](const Tensor& t) { return atanh(t); }, [](double v) { return std::atanh(v); }, -0.9, 0.9},
    {"erf", [](const Tensor& t) { return erf(t); }, [](double v) { return std::erf(v); }},
    {"floor", [](const Tensor& t) { return floor(t); }, [](double v) { return std::floor(v); }},
    {"ceil", [](const Tensor& t) { return ceil(t); }, [](double v) { return std::ceil(v); }},
    {"round", [](const Tensor& t) { return round(t); }, [](double v) { return std::nearbyint(v); }},
    {"trunc", [](const Tensor& t) { return trunc(t); }, [](double v) { return std::trunc(v); }},
    {"frac", [](const Tensor& t) { return frac(t); }, [](double v) { return v - std::trunc(v); }},
    {"stop_gradient", [](const Tensor& t) { return stop_gradient(t); }, [](double v) { return v; }},
    {"relu", [](const Tensor& t) { return relu(t); }, [](double v) { return std::max(v, 0.0); }},
    {"relu6", [](const Tensor& t) { return relu6(t * 4); }, [](double v) { return clamp_of(4 * v, 0, 6); }},
    {"leaky_relu", [](const Tensor& t) { return leaky_relu(t, 0.1); },
     [](double v) { return v > 0 ? v : 0.1 * v; }},
    {"elu", [](const Tensor& t) { return elu(t, 2); },
     [](double v) { return v > 0 ? v : 2 * std::expm1(v); }},
    {"celu", [](const Tensor& t) { return celu(t, 2); },
     [](double v) { return v > 0 ? v : 2 * std::expm1(v / 2); }},
    {"selu", [](const Tensor& t) { return selu(t); },
     [](double v) { return 1.0507009873554805 * (v > 0 ? v : 1.6732632423543772 * std::expm1(v)); }},
    {"gelu", [](const Tensor& t) { return gelu(t); },
     [](double v) { return 0.5 * v * (1 + std::erf(v / std::sqrt(2.0))); }},
    {"gelu, tanh", [](const Tensor& t) { return gelu(t, Gelu::kTanh); },
     [](double v) { return 0.5 * v * (1 + std::tanh(std::sqrt(2 / M_PI) * (v + 0.044715 * v * v * v))); }},
    {"sigmoid", [](const Tensor& t) { return sigmoid(t); }, sigmoid_of},
    {"log_sigmoid", [](const Tensor& t) { return log_sigmoid(t); },
     [](double v) { return -softplus_of(-v); }},
    {"hardsigmoid", [](const Tensor& t) { return hardsigmoid(t * 2); },
     [](double v) { return clamp_of(v / 3 + 0.5, 0, 1); }},
    {"hardswish", [](const Tensor& t) { return hardswish(t * 2); },
     [](double v) { return 2 * v * clamp_of(v / 3 + 0.5, 0, 1); }},
    {"hardtanh", [](const Tensor& t) { return hardtanh(t, -0.5, 2); },
     [](double v) { return clamp_of(v, -0.5, 2); }},
    {"silu", [](const Tensor& t) { return silu(t); }, [](double v) { return v * sigmoid_of(v); }},
    {"mish", [](const Tensor& t) { return mish(t); }, [](double v) { return v * std::tanh(softplus_of(v)); }},
    {"softplus", [](const Tensor& t) { return softplus(t, 2); },
     [](double v) { return softplus_of(2 * v) / 2; }},
    {"softplus beyond its threshold", [](const Tensor& t) { return softplus(t, 1, 1); },
     [](double v) { return v > 1 ? v : softplus_of(v); }},
    {"softsign", [](const Tensor& t) { return softsign(t); }, [](double v) { return v / (1 + std::abs(v)); }},
};

TEST(Elementwise, OneOperandMatchesTheLibrary) {
  for (const Unary& u : kUnaries) {
    Doubles at, expected;
    for (double v : kPoints)
      if (v >= u.low && v <= u.high) at.push_back(v), expected.push_back(u.expected(v));
    const Tensor x = data(at, {static_cast<int64_t>(at.size())});
    EXPECT_EQ(differences(values(u.f(x)), expected, 1e-13), "") << u.name;
    EXPECT_EQ(u.f(x).type(), x.type()) << u.name;
    const Tensor narrow = x.to(f32);
    EXPECT_EQ(differences(values(u.f(narrow)), expected, 1e-6), "") << u.name;
    EXPECT_EQ(u.f(narrow).dtype(), f32) << u.name;
    // A scalar and an integer, where the function takes it.
    EXPECT_EQ(differences(values(u.f(data({at[0]}, {}))), {expected[0]}, 1e-13), "") << u.name;
    if (u.low <= 1 && u.high >= 1) {
      EXPECT_EQ(differences(values(u.f(data({1}, {1}, i32))), {u.expected(1)}, 1e-6), "") << u.name;
    }
  }
}

TEST(Elementwise, FarFromZero) {
  const Doubles at{-1000, -100, -40, -20, -10, 10, 20, 40, 100, 1000};
  const Tensor x = data(at, {10}, f32);
  const auto expected = [&](double (*f)(double)) {
    Doubles out;
    for (double v : at) out.push_back(static_cast<double>(static_cast<float>(f(v))));
    return out;
  };
  EXPECT_CLOSE(sigmoid(x), 1e-6, expected([](double v) { return 1 / (1 + std::exp(-v)); }));
  EXPECT_CLOSE(tanh(x), 1e-6, expected([](double v) { return std::tanh(v); }));
  EXPECT_CLOSE(softplus(x), 1e-6,
               expected([](double v) { return std::max(v, 0.0) + std::log1p(std::exp(-std::abs(v))); }));
  EXPECT_CLOSE(log_sigmoid(x), 1e-6,
               expected([](double v) { return std::min(v, 0.0) - std::log1p(std::exp(-std::abs(v))); }));
  EXPECT_CLOSE(asinh(x * 1e30), 1e-6,
               {-std::asinh(1e33), -std::asinh(1e32), -std::asinh(4e31), -std::asinh(2e31), -std::asinh(1e31),
                std::asinh(1e31), std::asinh(2e31), std::asinh(4e31), std::asinh(1e32), std::asinh(1e33)});
  EXPECT_CLOSE(sinh(x), 1e-6, expected([](double v) { return std::sinh(v); }));
  EXPECT_CLOSE(cosh(x), 1e-6, expected([](double v) { return std::cosh(v); }));
  EXPECT_CLOSE(selu(x), 1e-6, expected([](double v) {
                 return 1.0507009873554805 * (v > 0 ? v : 1.6732632423543772 * std::expm1(v));
               }));
  EXPECT_CLOSE(gelu(x), 1e-6, expected([](double v) { return v > 0 ? v : 0; }));
  EXPECT_CLOSE(acosh(data({1e19, 1e30}, {2}, f32)), 1e-6, {std::acosh(1e19), std::acosh(1e30)});
}

TEST(Elementwise, NarrowFloatsStayInRange) {
  EXPECT_CLOSE(sinh(data({11.5, -11.5, 7}, {3}, f16)), 2e-3,
               {std::sinh(11.5), -std::sinh(11.5), std::sinh(7)});
  EXPECT_CLOSE(asinh(data({60000, -300}, {2}, f16)), 2e-3, {std::asinh(60000), -std::asinh(300)});
  EXPECT_CLOSE(sigmoid(data({-12, 12}, {2}, f16)), 1e-6, {6.139278e-06, 1});
  EXPECT_CLOSE(asinh(data({400}, {1}, f8e4m3)), 0.1, {std::asinh(400)});
}

TEST(Elementwise, SpecialValues) {
  EXPECT_VALUES(sign(data({kNan, -0.0, kInf}, {3})), {kNan, 0, 1});
  EXPECT_VALUES(abs(data({kNan, -kInf}, {2})), {kNan, kInf});
  EXPECT_VALUES(round(data({0.5, 1.5, 2.5, -0.5}, {4})), {0, 2, 2, 0});
  EXPECT_VALUES(relu(data({kInf, -kInf, kNan}, {3})), {kInf, 0, kNan});
  // No number lies between a bound that is NaN and another.
  EXPECT_VALUES(clamp(data({1, 2}, {2}), kNan, 3), {kNan, kNan});
  EXPECT_VALUES(clamp(data({1, 2}, {2}), std::nullopt, kNan), {kNan, kNan});
  EXPECT_TYPE(clamp(data({1, 2}, {2}, i32), 0, kNan), "f32[2]");
  EXPECT_VALUES(asin(data({1, -1}, {2})), {std::asin(1), -std::asin(1)});
  EXPECT_VALUES(acos(data({1, -1}, {2})), {0, std::acos(-1)});
  EXPECT_VALUES(sqrt(data({-1, kInf}, {2})), {kNan, kInf});
  EXPECT_EQ(isnan(data({kNan, kInf, 0}, {3})).to_bools(), (Bools{true, false, false}));
  EXPECT_EQ(isinf(data({kNan, -kInf, 0}, {3})).to_bools(), (Bools{false, true, false}));
  EXPECT_EQ(isfinite(data({kNan, kInf, 0}, {3})).to_bools(), (Bools{false, false, true}));
  EXPECT_EQ(isfinite(data({1}, {1}, i64)).to_bools(), (Bools{true}));
  EXPECT_EQ(isnan(tensor({1, 2})).to_bools(), (Bools{false, false}));
}

TEST(Elementwise, BitsAndTruth) {
  EXPECT_EQ(ints(bitwise_not(tensor({0, 5}))), (Ints{-1, -6}));
  EXPECT_EQ(ints(~tensor<uint8_t>({0, 5})), (Ints{255, 250}));
  EXPECT_EQ((~tensor({true, false})).to_bools(), (Bools{false, true}));
  EXPECT_EQ((!tensor({0, 5})).to_bools(), (Bools{true, false}));
  EXPECT_EQ(logical_not(data({0, -0.0, kNan}, {3})).to_bools(), (Bools{true, true, false}));
  EXPECT_EQ(ints(bitcast(tensor({1.0f}), i32)), (Ints{0x3f800000}));
  EXPECT_EQ(ints(cast(data({-1.9, 300, kNan}, {3}), u8)), (Ints{0, 255, 0}));
  EXPECT_EQ(cast(data({0, 0.5}, {2}), boolean).to_bools(), (Bools{false, true}));
}

// -- Two operands --

struct Binary {
  const char* name;
  std::function<Tensor(In, In)> f;
  std::function<double(double, double)> expected;
  bool positive_left = false;
};
double floor_mod_of(double a, double b) { return a - std::floor(a / b) * b; }
const Binary kBinaries[] = {
    {"add", [](In a, In b) { return a + b; }, [](double a, double b) { return a + b; }},
    {"sub", [](In a, In b) { return a - b; }, [](double a, double b) { return a - b; }},
    {"mul", [](In a, In b) { return a * b; }, [](double a, double b) { return a * b; }},
    {"div", [](In a, In b) { return a / b; }, [](double a, double b) { return a / b; }},
    {"floordiv", [](In a, In b) { return floordiv(a, b); },
     [](double a, double b) { return std::floor(a / b); }},
    {"remainder", [](In a, In b) { return a % b; }, floor_mod_of},
    {"truncdiv", [](In a, In b) { return truncdiv(a, b); },
     [](double a, double b) { return std::trunc(a / b); }},
    {"fmod", [](In a, In b) { return fmod(a, b); }, [](double a, double b) { return std::fmod(a, b); }},
    {"pow", [](In a, In b) { return pow(a, b); }, [](double a, double b) { return std::pow(a, b); }, true},
    {"maximum", [](In a, In b) { return maximum(a, b); }, [](double a, double b) { return std::max(a, b); }},
    {"minimum", [](In a, In b) { return minimum(a, b); }, [](double a, double b) { return std::min(a, b); }},
    {"atan2", [](In a, In b) { return atan2(a, b); }, [](double a, double b) { return std::atan2(a, b); }},
    {"hypot", [](In a, In b) { return hypot(a, b); }, [](double a, double b) { return std::hypot(a, b); }},
    {"logaddexp", [](In a, In b) { return logaddexp(a, b); },
     [](double a, double b) { return std::log(std::exp(a) + std::exp(b)); }},
    {"lt", [](In a, In b) { return cast(a < b, f64); }, [](double a, double b) { return a < b; }},
    {"le", [](In a, In b) { return cast(a <= b, f64); }, [](double a, double b) { return a <= b; }},
    {"gt", [](In a, In b) { return cast(a > b, f64); }, [](double a, double b) { return a > b; }},
    {"ge", [](In a, In b) { return cast(a >= b, f64); }, [](double a, double b) { return a >= b; }},
    {"eq", [](In a, In b) { return cast(a == b, f64); }, [](double a, double b) { return a == b; }},
    {"ne", [](In a, In b) { return cast(a != b, f64); }, [](double a, double b) { return a != b; }},
    {"logical_and", [](In a, In b) { return cast(logical_and(a, b), f64); },
     [](double a, double b) { return a != 0 && b != 0; }},
    {"logical_or", [](In a, In b) { return cast(logical_or(a, b), f64); },
     [](double a, double b) { return a != 0 || b != 0; }},
    {"logical_xor", [](In a, In b) { return cast(logical_xor(a, b), f64); },
     [](double a, double b) { return (a != 0) != (b != 0); }},
};

TEST(Elementwise, TwoOperandsMatchTheLibraryInEveryArrangement) {
  const Doubles left = spread_values(6, 2), right = spread_values(6, 5);
  for (const Binary& f : kBinaries) {
    Doubles a = left, b = right;
    if (f.positive_left)
      for (double& v : a) v = std::abs(v);
    a[1] = b[1];  // a tie
    const auto check = [&](const char* how, const Tensor& actual, const Ints& shape,
                           const std::function<double(int64_t, int64_t)>& at) {
      Doubles expected;
      for (int64_t i = 0; i < shape[0]; ++i)
        for (int64_t j = 0; j < shape[1]; ++j) expected.push_back(at(i, j));
      EXPECT_EQ(differences(values(actual), expected, 1e-12), "") << f.name << ", " << how;
      EXPECT_EQ(actual.shape(), shape) << f.name << ", " << how;
    };
    const auto el = [](const Doubles& v, int64_t i) { return v[static_cast<size_t>(i)]; };
    const Tensor ta = data(a, {2, 3}), tb = data(b, {2, 3});
    check("equal shapes", f.f(ta, tb), {2, 3},
          [&](int64_t i, int64_t j) { return f.expected(el(a, 3 * i + j), el(b, 3 * i + j)); });
    check("rows", f.f(ta, data({b[0], b[1], b[2]}, {3})), {2, 3},
          [&](int64_t i, int64_t j) { return f.expected(el(a, 3 * i + j), el(b, j)); });
    check("columns", f.f(data({a[0], a[1]}, {2, 1}), tb), {2, 3},
          [&](int64_t i, int64_t j) { return f.expected(el(a, i), el(b, 3 * i + j)); });
    check("both", f.f(data({a[0], a[1]}, {2, 1}), data({b[0], b[1], b[2]}, {1, 3})), {2, 3},
          [&](int64_t i, int64_t j) { return f.expected(el(a, i), el(b, j)); });
    check("a scalar tensor", f.f(data({a[2]}, {}), tb), {2, 3},
          [&](int64_t i, int64_t j) { return f.expected(a[2], el(b, 3 * i + j)); });
    check("a number on the right", f.f(ta, 1.25), {2, 3},
          [&](int64_t i, int64_t j) { return f.expected(el(a, 3 * i + j), 1.25); });
    check("a number on the left", f.f(1.25, tb), {2, 3},
          [&](int64_t i, int64_t j) { return f.expected(1.25, el(b, 3 * i + j)); });
    check("an integer", f.f(ta, 2), {2, 3},
          [&](int64_t i, int64_t j) { return f.expected(el(a, 3 * i + j), 2); });
    EXPECT_EQ(f.f(zeros({0, 3}, f64), tb.slice({{0, 1}})).shape(), (Ints{0, 3})) << f.name;
  }
}

TEST(Elementwise, IntegerArithmetic) {
  const Tensor a = tensor({7, -7, 7, -7, 5}), b = tensor({2, 2, -2, -2, 0});
  EXPECT_EQ(ints(floordiv(a, b)), (Ints{3, -4, -4, 3, 0}));
  EXPECT_EQ(ints(a % b), (Ints{1, 1, -1, -1, 0}));
  EXPECT_EQ(ints(truncdiv(a, b)), (Ints{3, -3, -3, 3, 0}));
  EXPECT_EQ(ints(fmod(a, b)), (Ints{1, -1, 1, -1, 0}));
  EXPECT_EQ(ints(pow(a, 2)), (Ints{49, 49, 49, 49, 25}));
  EXPECT_VALUES(a / b, {3.5, -3.5, -3.5, 3.5, kInf});
  EXPECT_TYPE(a / b, "f32[5]");
  EXPECT_EQ(ints(a << 2), (Ints{28, -28, 28, -28, 20}));
  EXPECT_EQ(ints(a >> 1), (Ints{3, -4, 3, -4, 2}));
  EXPECT_EQ(ints(tensor({6, 3}) & 5), (Ints{4, 1}));
  EXPECT_EQ(ints(tensor({6, 3}) | 8), (Ints{14, 11}));
  EXPECT_EQ(ints(tensor({6, 3}) ^ tensor({3, 3})), (Ints{5, 0}));
  EXPECT_EQ(ints(tensor<int8_t>({100, -100}) + tensor<int8_t>({100, -100})), (Ints{-56, 56}));
  EXPECT_EQ((tensor({true, false}) & tensor({true, true})).to_bools(), (Bools{true, false}));
}

TEST(Elementwise, PowHasExactFormsForCommonExponents) {
  const Tensor x = tensor({1.5f, 2.f, 3.f});
  EXPECT_VALUES(pow(x, 2), {2.25, 4, 9});
  EXPECT_VALUES(pow(x, 3), {3.375, 8, 27});
  EXPECT_VALUES(pow(x, 1), {1.5, 2, 3});
  EXPECT_VALUES(pow(x, 0), {1, 1, 1});
  EXPECT_CLOSE(pow(x, 0.5), 1e-6, {std::sqrt(1.5), std::sqrt(2), std::sqrt(3)});
  EXPECT_CLOSE(pow(x, -1), 1e-6, {1 / 1.5, 0.5, 1.0 / 3});
  EXPECT_CLOSE(pow(x, -0.5), 1e-6, {1 / std::sqrt(1.5), 1 / std::sqrt(2), 1 / std::sqrt(3)});
  EXPECT_CLOSE(pow(2, x), 1e-6, {std::pow(2, 1.5), 4, 8});
  EXPECT_VALUES(pow(tensor({-2.f}), 2), {4});
  EXPECT_VALUES(pow(tensor({-2.f}), 3), {-8});
}

TEST(Elementwise, Atan2GoesAround) {
  const Doubles y{0, 1, 1, 0, -1, -1, 0, 1e-300}, x{1, 1, -1, -1, -1, 1, 0, -1};
  Doubles expected;
  for (size_t i = 0; i < y.size(); ++i) expected.push_back(std::atan2(y[i], x[i]));
  EXPECT_VALUES(atan2(data(y, {8}), data(x, {8})), expected);
}

TEST(Elementwise, HypotAndLogaddexpDoNotOverflow) {
  EXPECT_VALUES(hypot(data({3e200, 0, -3}, {3}), data({4e200, 0, 4}, {3})), {5e200, 0, 5});
  EXPECT_VALUES(logaddexp(data({1000, -kInf, kInf, -kInf}, {4}), data({1000, -kInf, 1, 3}, {4})),
                {1000 + std::log(2), -kInf, kInf, 3});
}

// -- Three operands --

TEST(Elementwise, WhereBroadcastsAllThree) {
  const Tensor c = tensor({true, false, true});
  EXPECT_VALUES(where(c, data({1, 2}, {2, 1}), 9), {1, 9, 1, 2, 9, 2});
  EXPECT_TYPE(where(c, data({1, 2}, {2, 1}), 9), "f64[2,3]");
  EXPECT_VALUES(where(c, 1, 2), {1, 2, 1});
  EXPECT_TYPE(where(c, 1, 2), "i32[3]");
  EXPECT_TYPE(where(c, 1, 2.5), "f32[3]");
  EXPECT_VALUES(where(full({}, true), tensor({1, 2}), 0), {1, 2});
  EXPECT_VALUES(where(tensor({2, 0}), 1, -1), {1, -1});
}

TEST(Elementwise, ClampKeepsTheTypeWhereTheBoundsFit) {
  const Tensor x = tensor({-5, 0, 5});
  EXPECT_EQ(ints(clamp(x, -2, 3)), (Ints{-2, 0, 3}));
  EXPECT_TYPE(clamp(x, -2, 3), "i32[3]");
  EXPECT_TYPE(clamp(x, 0.5, {}), "f32[3]");
  EXPECT_TYPE(clamp(x, 1.0, {}), "f32[3]");  // as with any float: the value does not matter
  for (DType t : {u8, i8}) {
    EXPECT_EQ(clamp(tensor({0, 7, 100}).to(t), -5, 300).dtype(), t);
    EXPECT_EQ(ints(clamp(tensor({0, 7, 100}).to(t), -500, 300)), (Ints{0, 7, 100}));
  }
  EXPECT_EQ(ints(clamp(tensor({0, 7, 100}).to(u8), 300, {})), (Ints{255, 255, 255}));
  constexpr int64_t kOdd = (int64_t{1} << 53) + 1;
  const Tensor wide = from_data(std::vector<int64_t>{kOdd - 1, kOdd, kOdd + 1, INT64_MAX}, {4});
  EXPECT_EQ(ints(clamp(wide, kOdd, kOdd)), (Ints{kOdd, kOdd, kOdd, kOdd}));
  EXPECT_EQ(ints(clamp(wide, {}, kOdd)), (Ints{kOdd - 1, kOdd, kOdd, kOdd}));
  const Tensor most = from_data(std::vector<uint64_t>{0, UINT64_MAX - 1, UINT64_MAX}, {3});
  EXPECT_EQ(clamp(most, -1, UINT64_MAX - 1).to_vector<uint64_t>(),
            (std::vector<uint64_t>{0, UINT64_MAX - 1, UINT64_MAX - 1}));
  EXPECT_EQ(ints(clamp(wide, {}, UINT64_MAX)), (Ints{kOdd - 1, kOdd, kOdd + 1, INT64_MAX}));
  EXPECT_VALUES(clamp(data({1, 5}, {2}), tensor({2.0}), 4), {2, 4});
  EXPECT_VALUES(clamp(x, 0.5, {}), {0.5, 0.5, 5});
  EXPECT_VALUES(clamp(data({-3, kNan, 3}, {3}), {}, 1), {-3, kNan, 1});
  EXPECT_TYPE(clamp(data({1}, {1}, f16), 0, 1), "f16[1]");
  EXPECT_VALUES(clamp(x, std::nullopt, std::nullopt), {-5, 0, 5});
}

TEST(Elementwise, MaskedFillAndLerp) {
  const Tensor x = tensor({1.f, 2.f, 3.f});
  EXPECT_VALUES(masked_fill(x, tensor({true, false, true}), -kInf), {-kInf, 2, -kInf});
  EXPECT_TYPE(masked_fill(tensor({1, 2}), tensor({true, false}), 7), "i32[2]");
  EXPECT_VALUES(lerp(x, 5, 0.25), {2, 2.75, 3.5});
  EXPECT_VALUES(lerp(x, x * 3, tensor({0.f, 0.5f, 1.f})), {1, 4, 9});
}

// -- Types --

TEST(Promotion, NumbersTakeTheTypeOfTheTensor) {
  struct Case {
    DType tensor;
    const char *with_bool, *with_int, *with_float;
  };
  const Case cases[] = {
      {boolean, "i32[2]", "i32[2]", "f32[2]"},
      {u8, "u8[2]", "u8[2]", "f32[2]"},
      {i8, "i8[2]", "i8[2]", "f32[2]"},
      {i32, "i32[2]", "i32[2]", "f32[2]"},
      {i64, "i64[2]", "i64[2]", "f32[2]"},
      {u32, "u32[2]", "u32[2]", "f32[2]"},
      {f8e4m3, "f8e4m3[2]", "f8e4m3[2]", "f8e4m3[2]"},
      {f16, "f16[2]", "f16[2]", "f16[2]"},
      {bf16, "bf16[2]", "bf16[2]", "bf16[2]"},
      {f32, "f32[2]", "f32[2]", "f32[2]"},
      {f64, "f64[2]", "f64[2]", "f64[2]"},
  };
  for (const Case& c : cases) {
    const Tensor t = ones({2}, c.tensor);
    for (const auto& [actual, expected] :
         {std::pair{t + true, c.with_bool}, std::pair{true + t, c.with_bool}, std::pair{t + 1, c.with_int},
          std::pair{1 + t, c.with_int}, std::pair{t * 1.5, c.with_float}, std::pair{1.5f * t, c.with_float}})
      EXPECT_TYPE(actual, expected);
  }
  EXPECT_TYPE(In(1) + In(2), "i32");
  EXPECT_TYPE(In(1) + In(2.5), "f32");
}

TEST(Promotion, TensorsPromoteToTheirJoin) {
  EXPECT_TYPE(ones({2}, i32) + ones({2}, f16), "f16[2]");
  EXPECT_TYPE(ones({2}, f16) + ones({2}, bf16), "f32[2]");
  EXPECT_TYPE(ones({2}, u8) * ones({2}, i8), "i16[2]");
  EXPECT_TYPE(ones({2}, boolean) + ones({2}, boolean), "i32[2]");
  EXPECT_TYPE(maximum(ones({2}, boolean), ones({2}, boolean)), "bool[2]");
  EXPECT_TYPE(ones({2}, i64) / ones({2}, i64), "f32[2]");
  EXPECT_TYPE(ones({2}, f16) / ones({2}, i64), "f16[2]");
  EXPECT_TYPE(ones({2}, i32) < ones({2}, f64), "bool[2]");
  EXPECT_TYPE(sin(ones({2}, i64)), "f32[2]");
  EXPECT_TYPE(floor(ones({2}, i64)), "i64[2]");
  EXPECT_TYPE(neg(ones({2}, boolean)), "i32[2]");
  EXPECT_TYPE(square(ones({2}, boolean)), "i32[2]");
}

TEST(Promotion, NumbersThatDoNotFitAreRefused) {
  const Tensor bytes = ones({2}, u8);
  EXPECT_THAT(failure([&] { return bytes > -1; }),
              HasSubstr("error[argument] gt: the number -1 does not fit u8"));
  EXPECT_THAT(failure([&] { return bytes + 256; }), HasSubstr("add: the number 256 does not fit u8"));
  EXPECT_THAT(failure([&] { return ones({2}, i32) + int64_t{3000000000}; }),
              HasSubstr("the number 3000000000 does not fit i32"));
  EXPECT_EQ((ones({2}, u64) == uint64_t{UINT64_MAX}).to_bools(), (Bools{false, false}));
  EXPECT_EQ(ints(ones({2}, u32) & uint32_t{0xffffffff}), (Ints{1, 1}));
}

TEST(Promotion, WrongKindsAreRefused) {
  const Tensor real = ones({2}, f32);
  EXPECT_THAT(failure([&] { return real & real; }),
              HasSubstr("error[dtype] bitwise_and: takes integers or bool, not f32"));
  EXPECT_THAT(failure([&] { return real << 1; }),
              HasSubstr("error[dtype] shift_left: takes integers, not f32"));
  EXPECT_THAT(failure([&] { return ~real; }),
              HasSubstr("error[dtype] bitwise_not: not: takes integers or bool, not f32"));
  EXPECT_THAT(failure([&] { return bitcast(real, f16); }),
              HasSubstr("bitcast: from f32 to f16: the sizes must be equal"));
}

// -- Slopes where a formula has a corner but the function has none --

TEST(ElementwiseGradient, IsSmoothAtZero) {
  const auto slopes = [](Tensor (*f)(In), int order) {
    Tensor x = alias(data({0}, {})), y = f(x);
    for (int i = 0; i < order; ++i) y = gradients(y, {x})[0];
    return y.item<double>();
  };
  EXPECT_EQ(slopes([](In x) { return sinh(x); }, 1), 1);
  EXPECT_EQ(slopes([](In x) { return sinh(x); }, 3), 1);
  EXPECT_EQ(slopes([](In x) { return cosh(x); }, 1), 0);
  EXPECT_EQ(slopes([](In x) { return cosh(x); }, 2), 1);
  EXPECT_EQ(slopes([](In x) { return asinh(x); }, 1), 1);
  EXPECT_EQ(slopes([](In x) { return asinh(x); }, 3), -1);
  EXPECT_EQ(slopes([](In x) { return softplus(x); }, 1), 0.5);
  EXPECT_EQ(slopes([](In x) { return softplus(x); }, 2), 0.25);
  EXPECT_EQ(slopes([](In x) { return sigmoid(x); }, 1), 0.25);
  EXPECT_EQ(slopes([](In x) { return sigmoid(x); }, 3), -0.125);
  EXPECT_EQ(slopes([](In x) { return elu(x); }, 1), 1);
  EXPECT_EQ(slopes([](In x) { return relu(x); }, 1), 0);
  EXPECT_EQ(slopes([](In x) { return log_sigmoid(x); }, 2), -0.25);
}

TEST(ElementwiseGradient, HasNoNanFarFromZero) {
  for (DType t : {f16, f32, f64})
    for (double v : {-1000.0, -90.0, -12.0, 12.0, 90.0, 1000.0}) {
      const Tensor x = alias(data({v}, {}, t));
      const Tensor smooth[] = {sigmoid(x), log_sigmoid(x), softplus(x),   tanh(x),     silu(x),
                               mish(x),    elu(x),         selu(x),       celu(x),     relu(x),
                               erf(x),     asinh(x),       hardswish(x),  softsign(x), relu6(x),
                               atan(x),    hypot(x, 1),    softplus(x, 2)};
      for (const Tensor& y : smooth) {
        const double slope = gradients(y, {x})[0].item<double>();
        EXPECT_FALSE(std::isnan(y.item<double>())) << y.type() << " at " << v;
        EXPECT_TRUE(std::isfinite(slope)) << y.type() << " at " << v << " gives " << slope;
      }
    }
}

TEST(ElementwiseGradient, OfLogaddexpAtInfinities) {
  const Tensor a = alias(data({-kInf, kInf, -kInf, kInf, 2, 1}, {6})),
               b = alias(data({-kInf, kInf, 3, -kInf, kInf, 1}, {6}));
  const std::vector<Tensor> slopes = gradients(sum(logaddexp(a, b)), {a, b});
  EXPECT_VALUES(slopes[0], {0.5, 0.5, 0, 1, 0, 0.5});
  EXPECT_VALUES(slopes[1], {0.5, 0.5, 1, 0, 1, 0.5});
}

TEST(ElementwiseGradient, OfBoundedFunctionsAtTheirBounds) {
  const Tensor x = alias(data({0, 3, 6}, {3}));
  EXPECT_VALUES(gradients(sum(clamp(x, 0, 6)), {x})[0], {1, 1, 1});
  EXPECT_VALUES(gradients(sum(relu6(x)), {x})[0], {0, 1, 0});
}

TEST(ElementwiseGradient, MatchesDifferences) {
  for (const Unary& u : kUnaries) {
    if (std::string_view(u.name) == "stop_gradient") continue;
    Doubles at;
    for (double v : {-2.3, -1.3, -0.63, -0.3, 0.3, 0.63, 1.3, 2.3})
      if (v > u.low + 0.01 && v < u.high - 0.01) at.push_back(v);
    const Tensor x = data(at, {static_cast<int64_t>(at.size())});
    EXPECT_EQ(gradient_differences([&](const std::vector<Tensor>& in) { return u.f(in[0]); }, {x}), "")
        << u.name;
  }
  for (const Binary& f : kBinaries) {
    Tensor a = data({-1.7, 0.9, 1.35, -0.45, 0.6, -1.1}, {2, 3}),
           b = data({1.3, -0.7, 2.2}, {3});  // away from jumps
    if (f.positive_left) a = abs(a);
    EXPECT_EQ(gradient_differences([&](const std::vector<Tensor>& in) { return f.f(in[0], in[1]); }, {a, b}),
              "")
        << f.name;
  }
}

}  // namespace
}  // namespace anneal
