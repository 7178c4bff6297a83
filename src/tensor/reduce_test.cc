// SPDX-License-Identifier: MIT
// Reductions, running folds and orders against loops, over every set of axes.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <numeric>

#include "tensor/test_tensors.h"

namespace anneal {
namespace {

using testing::HasSubstr;
using Fold = std::function<double(const Doubles&)>;

// Folds the axes of `mask` of row-major elements.
Doubles folded(const Doubles& v, const Ints& shape, unsigned mask, const Fold& fold) {
  std::vector<Doubles> groups;
  std::vector<size_t> order;
  size_t count = 1;
  for (size_t i = 0; i < shape.size(); ++i)
    if ((mask >> i & 1) == 0) count *= static_cast<size_t>(shape[i]);
  groups.resize(count);
  for (size_t flat = 0; flat < v.size(); ++flat) {
    size_t rest = flat, group = 0, scale = 1;
    for (size_t i = shape.size(); i-- > 0;) {
      const size_t at = rest % static_cast<size_t>(shape[i]);
      rest /= static_cast<size_t>(shape[i]);
      if ((mask >> i & 1) == 0) {
        group += at * scale;
        scale *= static_cast<size_t>(shape[i]);
      }
    }
    groups[group].push_back(v[flat]);
  }
  Doubles out;
  for (const Doubles& g : groups) out.push_back(fold(g));
  return out;
}

double sum_of(const Doubles& v) { return std::accumulate(v.begin(), v.end(), 0.0); }
double mean_of(const Doubles& v) { return sum_of(v) / static_cast<double>(v.size()); }
double var_of(const Doubles& v, double correction) {
  double total = 0;
  for (double x : v) total += (x - mean_of(v)) * (x - mean_of(v));
  return total / std::max(0.0, static_cast<double>(v.size()) - correction);
}

struct Reducer {
  const char* name;
  std::function<Tensor(const Tensor&, const Axes&, bool)> f;
  Fold expected;
};
const Reducer kReductions[] = {
    {"sum", [](const Tensor& t, const Axes& a, bool k) { return sum(t, a, k); }, sum_of},
    {"mean", [](const Tensor& t, const Axes& a, bool k) { return mean(t, a, k); }, mean_of},
    {"prod", [](const Tensor& t, const Axes& a, bool k) { return prod(t, a, k); },
     [](const Doubles& v) { return std::accumulate(v.begin(), v.end(), 1.0, std::multiplies<>()); }},
    {"max", [](const Tensor& t, const Axes& a, bool k) { return max(t, a, k); },
     [](const Doubles& v) { return *std::max_element(v.begin(), v.end()); }},
    {"min", [](const Tensor& t, const Axes& a, bool k) { return min(t, a, k); },
     [](const Doubles& v) { return *std::min_element(v.begin(), v.end()); }},
    {"var", [](const Tensor& t, const Axes& a, bool k) { return var(t, a, k); },
     [](const Doubles& v) { return var_of(v, 1); }},
    {"biased var", [](const Tensor& t, const Axes& a, bool k) { return var(t, a, k, 0); },
     [](const Doubles& v) { return var_of(v, 0); }},
    {"std", [](const Tensor& t, const Axes& a, bool k) { return anneal::std(t, a, k); },
     [](const Doubles& v) { return std::sqrt(var_of(v, 1)); }},
    {"logsumexp", [](const Tensor& t, const Axes& a, bool k) { return logsumexp(t, a, k); },
     [](const Doubles& v) {
       double total = 0;
       for (double x : v) total += std::exp(x);
       return std::log(total);
     }},
    {"norm", [](const Tensor& t, const Axes& a, bool k) { return norm(t, a, k); },
     [](const Doubles& v) {
       double total = 0;
       for (double x : v) total += x * x;
       return std::sqrt(total);
     }},
    {"any", [](const Tensor& t, const Axes& a, bool k) { return cast(any(t > 1, a, k), f64); },
     [](const Doubles& v) { return std::any_of(v.begin(), v.end(), [](double x) { return x > 1; }); }},
    {"all", [](const Tensor& t, const Axes& a, bool k) { return cast(all(t > -1, a, k), f64); },
     [](const Doubles& v) { return std::all_of(v.begin(), v.end(), [](double x) { return x > -1; }); }},
};

// The axes 0 and -1 of a scalar are taken by every function that folds, orders or runs along one.
TEST(Reduce, AxesOfAScalar) {
  const Tensor x = full({}, 3.0);
  for (int axis : {0, -1}) {
    for (const auto& f : std::vector<std::function<Tensor(const Tensor&)>>{
             [&](const Tensor& t) { return sum(t, axis); }, [&](const Tensor& t) { return mean(t, axis); },
             [&](const Tensor& t) { return prod(t, axis, true); },
             [&](const Tensor& t) { return max(t, axis); }, [&](const Tensor& t) { return min(t, axis); },
             [&](const Tensor& t) { return norm(t, axis); },
             [&](const Tensor& t) { return logsumexp(t, axis); },
             [&](const Tensor& t) { return topk(t, 1, axis).values; },
             [&](const Tensor& t) { return kthvalue(t, 1, axis).values; },
             [&](const Tensor& t) { return median(t, axis).values; },
             [&](const Tensor& t) { return cumsum(t, axis); },
             [&](const Tensor& t) { return sort(t, axis); }}) {
      EXPECT_TYPE(f(x), "f32");
      EXPECT_VALUES(f(x), {3});
    }
    EXPECT_VALUES(var(x, axis, false, 0), {0});
    EXPECT_VALUES(softmax(x, axis), {1});
    EXPECT_EQ(ints(argmax(x, axis)), (Ints{0}));
    EXPECT_EQ(ints(topk(x, 1, axis).indices), (Ints{0}));
    EXPECT_TRUE(any(x, axis).item<bool>());
  }
  EXPECT_THAT(failure([&] { return sum(x, 1); }), HasSubstr("sum: axis 1 is out of range"));
  EXPECT_THAT(failure([&] { return topk(x, 2, 0); }), HasSubstr("topk: k is 2 for an axis of 1"));
  EXPECT_THAT(failure([&] { return sum(x, Axes{0, -1}); }), HasSubstr("axis -1 is named twice"));
}

TEST(Reduce, EveryFunctionOverEverySetOfAxes) {
  const Ints shape{2, 3, 4};
  const Doubles v = spread_values(24);
  const Tensor x = data(v, shape);
  for (const Reducer& r : kReductions)
    for (unsigned mask = 1; mask < 8; ++mask) {
      Axes axes, negative;
      Ints kept, ones;
      for (int i = 0; i < 3; ++i) {
        const bool folds = (mask >> i & 1) != 0;
        if (folds) axes.push_back(i), negative.insert(negative.begin(), i - 3);
        if (!folds) kept.push_back(shape[static_cast<size_t>(i)]);
        ones.push_back(folds ? 1 : shape[static_cast<size_t>(i)]);
      }
      const Doubles expected = folded(v, shape, mask, r.expected);
      EXPECT_EQ(differences(values(r.f(x, axes, false)), expected, 1e-12), "") << r.name << ' ' << mask;
      EXPECT_EQ(differences(values(r.f(x, negative, true)), expected, 1e-12), "") << r.name << ' ' << mask;
      EXPECT_EQ(r.f(x, axes, false).shape(), kept) << r.name << ' ' << mask;
      EXPECT_EQ(r.f(x, negative, true).shape(), ones) << r.name << ' ' << mask;
      if (mask == 7) {
        EXPECT_EQ(differences(values(r.f(x, {}, false)), expected, 1e-12), "") << r.name;
        EXPECT_EQ(r.f(x, {}, true).shape(), (Ints{1, 1, 1})) << r.name;
      }
    }
}

TEST(Reduce, TypesOfTheResults) {
  EXPECT_TYPE(sum(ones({2}, boolean)), "i32");
  EXPECT_TYPE(prod(ones({2}, boolean)), "i32");
  EXPECT_TYPE(sum(ones({2}, u8)), "u8");
  EXPECT_TYPE(mean(ones({2}, i64)), "f32");
  EXPECT_TYPE(mean(ones({2}, f16)), "f16");
  EXPECT_TYPE(var(ones({2}, bf16)), "bf16");
  EXPECT_TYPE(max(ones({2}, boolean)), "bool");
  EXPECT_TYPE(any(ones({2}, f32)), "bool");
  EXPECT_TYPE(norm(ones({2}, i32)), "f32");
  EXPECT_EQ(ints(sum(tensor({true, false, true}))), (Ints{2}));
  EXPECT_EQ(ints(sum(tensor<uint8_t>({200, 100}))), (Ints{44}));
}

TEST(Reduce, NarrowFloatsAreSummedInF32) {
  // In f16 the partial sums would stop at 2048, and the squares overflow.
  EXPECT_VALUES(sum(ones({4096}, f16)), {4096});
  EXPECT_VALUES(mean(full({4096}, 30.0, f16)), {30});
  EXPECT_VALUES(norm(full({4}, 300.0, f16)), {600});
  EXPECT_VALUES(var(data({300, -300}, {2}, f16), {}, false, 0), {kInf});  // 90000 is beyond f16
  EXPECT_VALUES(anneal::std(data({200, -200}, {2}, f16), {}, false, 0), {200});
}

TEST(Reduce, OfNothing) {
  const Tensor none = zeros({2, 0}, f32);
  EXPECT_VALUES(sum(none, 1), {0, 0});
  EXPECT_VALUES(prod(none, 1), {1, 1});
  EXPECT_VALUES(max(none, 1), {-kInf, -kInf});
  EXPECT_VALUES(min(none, 1), {kInf, kInf});
  EXPECT_EQ(ints(max(zeros({2, 0}, i8), 1)), (Ints{-128, -128}));
  EXPECT_EQ(ints(min(zeros({2, 0}, i8), 1)), (Ints{127, 127}));
  EXPECT_VALUES(mean(none, 1), {kNan, kNan});
  EXPECT_VALUES(sum(none, 0), Doubles{});
  EXPECT_VALUES(logsumexp(none, 1), {-kInf, -kInf});
  EXPECT_EQ(any(none, 1).to_bools(), (Bools{false, false}));
  EXPECT_EQ(all(none, 1).to_bools(), (Bools{true, true}));
  EXPECT_VALUES(sum(data({3}, {})), {3});
  EXPECT_VALUES(var(tensor({1.f})), {kNan});
}

TEST(Reduce, LogsumexpKeepsInfinities) {
  EXPECT_VALUES(logsumexp(data({-kInf, -kInf, 1000, 1000, kInf, 0}, {3, 2}), 1),
                {-kInf, 1000 + std::log(2), kInf});
}

TEST(Reduce, SlopesWhereNothingVaries) {
  const Tensor x = alias(data({0, 0, 0}, {3})), y = alias(data({2, 2, 2}, {3}));
  EXPECT_VALUES(gradients(norm(x), {x})[0], {0, 0, 0});
  EXPECT_VALUES(gradients(anneal::std(y), {y})[0], {0, 0, 0});
  EXPECT_VALUES(gradients(norm(y), {y})[0], {1 / std::sqrt(3), 1 / std::sqrt(3), 1 / std::sqrt(3)});
}

TEST(Reduce, LogsumexpHasSlopesAtInfinities) {
  const Tensor x = alias(data({-kInf, -kInf, kInf, 0, -kInf, 1}, {3, 2}));
  EXPECT_VALUES(gradients(sum(logsumexp(x, 1)), {x})[0], {0.5, 0.5, 1, 0, 0, 1});
}

TEST(Reduce, Methods) {
  const Tensor x = counting({2, 3});
  EXPECT_VALUES(x.sum(1), {3, 12});
  EXPECT_VALUES(x.mean({0, 1}), {2.5});
  EXPECT_VALUES(x.max(0, true), {3, 4, 5});
  EXPECT_VALUES(x.min(-1), {0, 3});
}

TEST(ArgReduce, PositionsOfTheFirstExtreme) {
  const Tensor x = data({3, 1, 3, 0, 5, 0}, {2, 3});
  EXPECT_EQ(ints(argmax(x, 1)), (Ints{0, 1}));
  EXPECT_EQ(ints(argmin(x, 1)), (Ints{1, 0}));
  EXPECT_EQ(ints(argmax(x, 0)), (Ints{0, 1, 0}));
  EXPECT_EQ(ints(argmax(x)), (Ints{4}));
  EXPECT_EQ(ints(argmin(x)), (Ints{3}));
  EXPECT_TYPE(argmax(x, -1, true), "i32[2,1]");
  EXPECT_TYPE(argmax(x, std::nullopt, true), "i32[1,1]");
  EXPECT_TYPE(argmax(x), "i32");
  EXPECT_EQ(ints(argmax(data({1, kNan, 5}, {3}))), (Ints{1}));
  EXPECT_EQ(ints(argmax(tensor({false, true}))), (Ints{1}));
  EXPECT_EQ(ints(argmax(data({7}, {}))), (Ints{0}));
  EXPECT_EQ(ints(argmax(data({7}, {}), -1)), (Ints{0}));
  EXPECT_THAT(failure([] { return argmax(zeros({2, 0}), 1); }),
              HasSubstr("argmax: axis 1 is empty: there is no element to choose"));
  EXPECT_THAT(failure([] { return argmax(zeros({2, 0})); }),
              HasSubstr("argmax: there is no element to choose"));
}

TEST(Scan, RunningFoldsAlongEachAxis) {
  const Doubles v{2, -1, 3, 0, 5, -2};
  const Tensor x = data(v, {2, 3});
  EXPECT_VALUES(cumsum(x), {2, 1, 4, 0, 5, 3});
  EXPECT_VALUES(cumsum(x, 0), {2, -1, 3, 2, 4, 1});
  EXPECT_VALUES(cumprod(x, -1), {2, -2, -6, 0, 0, 0});
  EXPECT_VALUES(cummax(x, 1), {2, 2, 3, 0, 5, 5});
  EXPECT_VALUES(cummin(x, 1), {2, -1, -1, 0, 0, -2});
  EXPECT_EQ(ints(cumsum(tensor({true, true, false}))), (Ints{1, 2, 2}));
  EXPECT_TYPE(cummax(tensor({true, false})), "bool[2]");
  EXPECT_EQ(cummax(tensor({false, true, false})).to_bools(), (Bools{false, true, true}));
  EXPECT_EQ(cummin(tensor({true, false, true})).to_bools(), (Bools{true, false, false}));
  EXPECT_VALUES(cumsum(data({4}, {})), {4});
  EXPECT_VALUES(cumsum(zeros({0})), Doubles{});
}

TEST(Softmax, MatchesTheFormulaAndStaysFinite) {
  const Doubles v = spread_values(12, 3);
  const Tensor x = data(v, {3, 4});
  for (int axis : {0, 1, -1}) {
    const unsigned mask = axis == 0 ? 1 : 2;
    const Doubles totals = folded(v, {3, 4}, mask, [](const Doubles& g) {
      double total = 0;
      for (double e : g) total += std::exp(e);
      return total;
    });
    Doubles expected, logs;
    for (size_t i = 0; i < 12; ++i) {
      expected.push_back(std::exp(v[i]) / totals[axis == 0 ? i % 4 : i / 4]);
      logs.push_back(std::log(expected.back()));
    }
    EXPECT_VALUES(softmax(x, axis), expected);
    EXPECT_VALUES(log_softmax(x, axis), logs);
  }
  EXPECT_VALUES(softmax(data({1000, 1000, -1000}, {3})), {0.5, 0.5, 0});
  EXPECT_VALUES(log_softmax(data({1000, 1000}, {2})), {-std::log(2), -std::log(2)});
  EXPECT_VALUES(softmax(data({-kInf, 0}, {2})), {0, 1});
  EXPECT_VALUES(softmax(data({3}, {})), {1});
  EXPECT_VALUES(log_softmax(data({3}, {})), {0});
  EXPECT_TYPE(softmax(tensor({1, 2})), "f32[2]");
}

TEST(Order, SortIsStableAndPutsNanLast) {
  const Tensor x = data({3, 1, 2, 1, kNan, 0}, {6});
  EXPECT_VALUES(sort(x), {0, 1, 1, 2, 3, kNan});
  EXPECT_EQ(ints(argsort(x)), (Ints{5, 1, 3, 2, 0, 4}));
  EXPECT_VALUES(sort(x, 0, true), {kNan, 3, 2, 1, 1, 0});
  EXPECT_EQ(ints(argsort(x, 0, true)), (Ints{4, 0, 2, 1, 3, 5}));
  EXPECT_VALUES(sort(data({3, 1, 2, 0}, {2, 2}), 0), {2, 0, 3, 1});
  EXPECT_VALUES(sort(data({3, 1, 2, 0}, {2, 2}), -1), {1, 3, 0, 2});
  EXPECT_VALUES(sort(data({3}, {})), {3});
  EXPECT_EQ(ints(argsort(data({3}, {}))), (Ints{0}));
  EXPECT_EQ(ints(sort(tensor<uint8_t>({200, 3, 100}))), (Ints{3, 100, 200}));
}

TEST(Order, TopkTakesTheFirstOfTheOrder) {
  const Tensor x = data({3, 1, 4, 1, 5, 9, 2, 6}, {2, 4});
  const TopK two = topk(x, 2);
  EXPECT_VALUES(two.values, {4, 3, 9, 6});
  EXPECT_EQ(ints(two.indices), (Ints{2, 0, 1, 3}));
  const TopK least = topk(x, 1, 0, false);
  EXPECT_VALUES(least.values, {3, 1, 2, 1});
  EXPECT_EQ(ints(least.indices), (Ints{0, 0, 1, 0}));
  EXPECT_EQ(topk(x, 0).values.shape(), (Ints{2, 0}));
  EXPECT_THAT(failure([&] { return topk(x, 5).values; }), HasSubstr("topk: k is 5 for an axis of 4"));
  EXPECT_THAT(failure([&] { return topk(x, -1).values; }), HasSubstr("topk: k is -1 for an axis of 4"));
}

TEST(ReduceGradient, MatchesDifferences) {
  const Tensor x = spread({2, 3, 2}, 7);
  for (const Reducer& r : kReductions)
    for (const Axes& axes : {Axes{1}, Axes{0, 2}, Axes{}})
      EXPECT_EQ(gradient_differences([&](const Ins& in) { return r.f(in[0], axes, false); }, {x}), "")
          << r.name;
  const Tensor y = spread({2, 4}, 3), zeros_in = data({1.5, 0, -0.7, 0, 0.4, -1.2, 0, 2}, {2, 4});
  EXPECT_EQ(gradient_differences([](const Ins& in) { return softmax(in[0], 0); }, {y}), "");
  EXPECT_EQ(gradient_differences([](const Ins& in) { return log_softmax(in[0]); }, {y}), "");
  EXPECT_EQ(gradient_differences([](const Ins& in) { return cumsum(in[0]); }, {y}), "");
  EXPECT_EQ(gradient_differences([](const Ins& in) { return cumprod(in[0]); }, {zeros_in}), "");
  EXPECT_EQ(gradient_differences([](const Ins& in) { return cumprod(in[0], 0); }, {zeros_in}), "");
  EXPECT_EQ(gradient_differences([](const Ins& in) { return prod(in[0], 1); }, {zeros_in}), "");
  EXPECT_EQ(gradient_differences([](const Ins& in) { return cummax(in[0]); }, {y}), "");
  EXPECT_EQ(gradient_differences([](const Ins& in) { return sort(in[0], 1, true); }, {y}), "");
  EXPECT_EQ(gradient_differences([](const Ins& in) { return topk(in[0], 2, 1).values; }, {y}), "");
}

TEST(ReduceMade, ValuesAndGradients) {
  const Tensor x = spread({3, 4});
  EXPECT_CLOSE(var_mean(x, 1).var, 1e-12, values(var(x, 1)));
  EXPECT_CLOSE(var_mean(x, 1).mean, 1e-12, values(mean(x, 1)));
  EXPECT_CLOSE(std_mean(x, 0, true, 0).std, 1e-12, values(std(x, 0, true, 0)));
  EXPECT_TYPE(std_mean(x, 0, true).mean, "f64[1,4]");
  EXPECT_VALUES(aminmax(tensor({{3.0, 1.0}, {2.0, 5.0}}), 1).min, {1, 2});
  EXPECT_VALUES(aminmax(tensor({{3.0, 1.0}, {2.0, 5.0}}), 1).max, {3, 5});
  EXPECT_VALUES(nansum(tensor({1.0, kNan, 2.0})), {3});
  EXPECT_VALUES(count_nonzero(tensor({0.0, -2.0, kNan})), {2});
  EXPECT_TYPE(count_nonzero(x, 1), "i32[3]");
  EXPECT_CLOSE(softmin(x), 1e-12, values(softmax(-x)));
  EXPECT_VALUES(norm(tensor({3.0, -4.0}), {}, false, 1), {7});
  EXPECT_VALUES(norm(tensor({3.0, -4.0, 0.0}), {}, false, 0), {2});
  EXPECT_VALUES(norm(tensor({3.0, -4.0}), {}, true, kInf), {4});
  EXPECT_VALUES(norm(tensor({3.0, -4.0}), {}, false, -kInf), {3});
  EXPECT_CLOSE(norm(tensor({1.0, -2.0}), {}, false, 3), 1e-12, {std::cbrt(9.0)});
  EXPECT_VALUES(norm(zeros({2}, f64), {}, false, 3), {0});
  EXPECT_THAT(failure([&] { return norm(x, {}, false, kNan); }), HasSubstr("norm: p is NaN"));
  for (const auto& f : std::vector<std::function<Tensor(const Tensor&)>>{
           [](const Tensor& t) { return norm(t, 1, false, 3); },
           [](const Tensor& t) { return norm(t, 0, false, 1); },
           [](const Tensor& t) { return norm(t, 0, false, kInf); },
           [](const Tensor& t) { return softmin(t, 0); },
           [](const Tensor& t) { return var_mean(t, 0).var + std_mean(t, 0).mean; },
           [](const Tensor& t) { return nansum(t, 0); }, [](const Tensor& t) { return logcumsumexp(t, 1); },
           [](const Tensor& t) { return median(t, 1).values; },
           [](const Tensor& t) { return kthvalue(t, 2, 0).values; }})
    EXPECT_EQ(gradient_differences([&](const std::vector<Tensor>& in) { return f(in[0]); }, {x}, 1e-6), "");
  const Tensor nothing = alias(zeros({2}, f64));
  EXPECT_VALUES(gradients(norm(nothing, {}, false, 3), {nothing})[0], {0, 0});
}

TEST(Orders, OneOfThem) {
  const Tensor x = tensor({{4.0, 1.0, 3.0, 2.0}, {8.0, 7.0, 6.0, 5.0}});
  EXPECT_VALUES(kthvalue(x, 2).values, {2, 6});
  EXPECT_VALUES(kthvalue(x, 2).indices, {3, 2});
  EXPECT_VALUES(median(x), {4});
  EXPECT_VALUES(median(x, 0).values, {4, 1, 3, 2});
  EXPECT_VALUES(median(x, 1, true).values, {2, 6});
  EXPECT_TYPE(median(x, 1, true).indices, "i32[2,1]");
  EXPECT_VALUES(median(tensor({5.0})), {5});
  EXPECT_VALUES(median(full({}, 3.0)), {3});
  EXPECT_VALUES(median(tensor({{kNan, 1.0, 2.0}, {5.0, 3.0, 4.0}}), 1).values, {kNan, 4});
  EXPECT_VALUES(median(tensor({{kNan, 1.0, 2.0}, {5.0, 3.0, 4.0}}), 1).indices, {0, 2});
  EXPECT_THAT(failure([&] { return kthvalue(x, 5); }), HasSubstr("kthvalue: k is 5 for an axis of 4"));
  EXPECT_THAT(failure([&] { return kthvalue(x, 0); }), HasSubstr("kthvalue: k is 0"));
  EXPECT_THAT(failure([&] { return median(zeros({2, 0}), 1); }),
              HasSubstr("error[shape] median: axis 1 of 0 has no element to choose"));
  EXPECT_THAT(failure([&] { return kthvalue(zeros({dim("B", 0, 3)}), 1); }),
              HasSubstr("axis 0 of B may be empty: its dimension needs a minimum of 1"));
}

TEST(RunningFolds, WhereExtremesWereReached) {
  const Tensor x = tensor({1.0, 3.0, 2.0, 3.0, kNan, 9.0, kNan});
  EXPECT_VALUES(cummax_indices(x), {0, 1, 1, 3, 4, 4, 6});
  EXPECT_VALUES(cummin_indices(tensor({{2.0, 1.0}, {1.0, 1.0}}), 0), {0, 0, 1, 1});
  EXPECT_TYPE(cummax_indices(full({}, 2.0)), "i32");
  EXPECT_CLOSE(logcumsumexp(tensor({0.0, 0.0, -kInf})), 1e-12, {0, std::log(2.0), std::log(2.0)});
  EXPECT_CLOSE(logcumsumexp(tensor({-1000.0, 0.0})), 1e-12, {-1000, 0});
  EXPECT_VALUES(logcumsumexp(tensor({-kInf, kInf})), {-kInf, kInf});
}

}  // namespace
}  // namespace anneal
