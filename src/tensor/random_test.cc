// SPDX-License-Identifier: MIT
// Random numbers: the same bits for the same key, everywhere and for ever; independence of keys;
// distributions on large samples, with bounds so wide that they fail only when something is wrong.
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <map>

#include "anneal/random.h"
#include "support/threefry.h"
#include "tensor/test_tensors.h"

namespace anneal {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<uint32_t> words(const Tensor& t) { return t.to_vector<uint32_t>(); }
std::vector<uint32_t> float_bits(const Tensor& t) { return words(bitcast(t, u32)); }

constexpr int64_t kCount = 100000;

// -- The same bits --

TEST(Random, BitsAreThreefryOfKeyAndPosition) {
  const uint64_t seed = 0x123456789abcdef0;
  const std::vector<uint32_t> got = words(Rng(seed).bits({2, 3}));
  for (uint32_t i = 0; i < 6; ++i)
    EXPECT_EQ(got[i], support::threefry2x32({static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32)},
                                            {i, 0})[0]);
}

TEST(Random, GoldenBits) {
  EXPECT_THAT(words(Rng(42).bits({4})), ElementsAre(3732534457u, 646961260u, 2234760234u, 1073472746u));
  EXPECT_THAT(float_bits(rand({4}, {.seed = 42})),
              ElementsAre(1063156212u, 1041907552u, 1057305532u, 1048571792u));
  EXPECT_THAT(float_bits(randn({4}, {.seed = 42})),
              ElementsAre(3208563208u, 1058152982u, 1064528815u, 1056492303u));
  EXPECT_THAT(ints(randint(-5, 1000, {4}, 42)), ElementsAre(246, 537, 376, 567));
  EXPECT_THAT(words(Rng(42).split(7).bits({2})), ElementsAre(3339520595u, 589208201u));
  EXPECT_THAT(words(Rng(42).fold_in(full({}, 3)).bits({2})), ElementsAre(766328080u, 2221863485u));
}

TEST(Random, OneSeedGivesOneSequence) {
  EXPECT_EQ(values(rand({3, 4}, {.seed = 5})), values(rand({3, 4}, {.seed = 5})));
  EXPECT_NE(values(rand({3, 4}, {.seed = 5})), values(rand({3, 4}, {.seed = 6})));
  EXPECT_EQ(values(rand({3, 4}, {.seed = 5})),
            values(rand({12}, {.seed = 5})));  // by position in row-major order
  EXPECT_EQ(rand({}, {.seed = 5}).item<double>(), values(rand({12}, {.seed = 5}))[0]);
  EXPECT_EQ(rand({0, 3}).shape(), (Ints{0, 3}));
}

// The number of equal positions of two samples of words; about 0 when they are independent.
int64_t common(const Tensor& a, const Tensor& b) {
  const std::vector<uint32_t> x = words(a), y = words(b);
  int64_t n = 0;
  for (size_t i = 0; i < x.size(); ++i) n += x[i] == y[i] ? 1 : 0;
  return n;
}
double correlation(const Doubles& x, const Doubles& y) {
  double sx = 0, sy = 0, sxy = 0, sxx = 0, syy = 0;
  for (size_t i = 0; i < x.size(); ++i)
    sx += x[i], sy += y[i], sxy += x[i] * y[i], sxx += x[i] * x[i], syy += y[i] * y[i];
  const auto n = static_cast<double>(x.size());
  return (sxy - sx * sy / n) / std::sqrt((sxx - sx * sx / n) * (syy - sy * sy / n));
}

TEST(Random, KeysThatAreSplitAreIndependent) {
  const Rng parent(9);
  const std::vector<Rng> keys{parent,
                              parent.split(0),
                              parent.split(1),
                              parent.split(2),
                              parent.split(1ull << 32),
                              parent.split(0).split(0),
                              parent.fold_in(full({}, 0)),
                              parent.fold_in(full({}, 1)),
                              Rng(10)};
  for (size_t i = 0; i < keys.size(); ++i)
    for (size_t j = 0; j < i; ++j) {
      EXPECT_LE(common(keys[i].bits({20000}), keys[j].bits({20000})), 1) << i << ' ' << j;
      EXPECT_LT(std::abs(correlation(values(keys[i].rand({20000})), values(keys[j].rand({20000})))), 0.04)
          << i << ' ' << j;
    }
}

TEST(Random, FoldInTakesAValueOfTheProgram) {
  const Rng key(3);
  EXPECT_EQ(words(key.fold_in(full({}, 2) + 3).bits({4})),
            words(key.fold_in(full({}, int64_t{5}, i64)).bits({4})));
  EXPECT_THAT(failure([&] { return key.fold_in(tensor({1, 2})); }),
              HasSubstr("fold_in: takes an integer scalar, not i32[2]"));
  EXPECT_THAT(failure([&] { return key.fold_in(full({}, 1.5)); }),
              HasSubstr("fold_in: takes an integer scalar, not f32"));
}

// -- Distributions --

struct Sample {
  explicit Sample(Doubles given) : v(std::move(given)) {
    for (double x : v) mean += x;
    mean /= static_cast<double>(v.size());
    for (double x : v) var += (x - mean) * (x - mean);
    var /= static_cast<double>(v.size());
    std::sort(v.begin(), v.end());
  }
  // The greatest distance to a distribution (Kolmogorov and Smirnov), times the root of the count.
  template <typename Cdf>
  double distance(Cdf cdf) const {
    double most = 0;
    const auto n = static_cast<double>(v.size());
    for (size_t i = 0; i < v.size(); ++i) {
      const double p = cdf(v[i]);
      most = std::max(
          {most, std::abs(p - static_cast<double>(i) / n), std::abs(p - static_cast<double>(i + 1) / n)});
    }
    return most * std::sqrt(n);
  }
  Doubles v;
  double mean = 0, var = 0;
};
constexpr double kDistance = 2.2;  // exceeded by chance once in ten thousand samples

TEST(Random, RandIsUniform) {
  for (DType t : {f32, f64}) {
    const Sample s(values(rand({kCount}, {.seed = 1, .dtype = t})));
    EXPECT_NEAR(s.mean, 0.5, 0.005);
    EXPECT_NEAR(s.var, 1.0 / 12, 0.002);
    EXPECT_GE(s.v.front(), 0);
    EXPECT_LT(s.v.back(), 1);
    EXPECT_LT(s.distance([](double x) { return x; }), kDistance);
    // Every value is a whole number of steps of the type.
    for (size_t i = 0; i < 100; ++i) EXPECT_EQ(std::fmod(s.v[i * 7] * (t == f32 ? 0x1p24 : 0x1p53), 1), 0);
  }
}

TEST(Random, NarrowRandStaysBelowOne) {
  for (DType t : {f16, bf16, f8e4m3, f8e5m2}) {
    const Sample s(values(rand({kCount}, {.seed = 2, .dtype = t})));
    EXPECT_TYPE(rand({2}, {.dtype = t}), std::string(dtype_name(t)) + "[2]");
    EXPECT_LT(s.v.back(), 1) << dtype_name(t);
    EXPECT_GT(s.v.back(), 0.8) << dtype_name(t);
    EXPECT_GE(s.v.front(), 0) << dtype_name(t);
    const double step = t == f16 ? 0x1p-11 : t == bf16 ? 0x1p-8 : t == f8e4m3 ? 0x1p-4 : 0x1p-3;
    EXPECT_NEAR(s.mean, 0.5 - step / 2, 0.005) << dtype_name(t);
  }
}

TEST(Random, RandnIsNormal) {
  for (DType t : {f32, f64, f16, bf16}) {
    const Sample s(values(randn({kCount}, {.seed = 3, .dtype = t})));
    EXPECT_NEAR(s.mean, 0, 0.015) << dtype_name(t);
    EXPECT_NEAR(s.var, 1, 0.02) << dtype_name(t);
    EXPECT_LT(s.v.front(), -3.5) << dtype_name(t);
    EXPECT_GT(s.v.back(), 3.5) << dtype_name(t);
    EXPECT_TRUE(std::isfinite(s.v.front()) && std::isfinite(s.v.back())) << dtype_name(t);
    if (t == f32 || t == f64) {
      EXPECT_LT(s.distance([](double x) { return 0.5 * std::erfc(-x / std::sqrt(2.0)); }), kDistance);
    }
  }
}

TEST(Random, RandnIsTheFormulaOfItsBits) {
  // Box and Muller, computed with the C++ library: the portable series agree to the last few bits.
  const int64_t n = 2000;
  const Doubles got = values(randn({n}, {.seed = 11, .dtype = f64})),
                got32 = values(randn({n}, {.seed = 11}));
  for (uint32_t i = 0; i < n; ++i) {
    const auto word = [&](uint32_t stream) { return support::threefry2x32({11, 0}, {i, stream << 24}); };
    const auto unit = [](std::array<uint32_t, 2> w) {
      return static_cast<double>((uint64_t{w[1]} << 21) ^ (w[0] >> 11)) * 0x1p-53;
    };
    const double exact = std::sqrt(-2 * std::log(1 - unit(word(0)))) * std::cos(2 * M_PI * unit(word(3)));
    EXPECT_NEAR(got[i], exact, 4e-15);
    const double u = static_cast<double>(word(0)[0] >> 8) * 0x1p-24,
                 turn = static_cast<double>(word(0)[1] >> 8) * 0x1p-24;
    EXPECT_NEAR(got32[i], std::sqrt(-2 * std::log(1 - u)) * std::cos(2 * M_PI * turn), 2e-6);
  }
}

TEST(Random, RandintIsUniformOverItsRange) {
  const Ints v = ints(randint(-3, 4, {kCount}, 4));
  std::map<int64_t, int64_t> counts;
  for (int64_t x : v) ++counts[x];
  ASSERT_EQ(counts.size(), 7u);
  EXPECT_EQ(counts.begin()->first, -3);
  EXPECT_EQ(counts.rbegin()->first, 3);
  for (const auto& [value, count] : counts)
    EXPECT_NEAR(static_cast<double>(count), kCount / 7.0, 500) << value;
  EXPECT_TYPE(randint(0, 2, {3}), "i32[3]");
  const Rng key(8);
  const Ints all = ints(key.randint(INT64_MIN, INT64_MAX, {1000}, i64));
  EXPECT_LT(*std::min_element(all.begin(), all.end()), INT64_MIN / 2);
  EXPECT_GT(*std::max_element(all.begin(), all.end()), INT64_MAX / 2);
  EXPECT_EQ(ints(key.randint(5, 6, {3}, u8)), (Ints{5, 5, 5}));
  EXPECT_THAT(failure([&] { return key.randint(3, 3, {2}); }),
              HasSubstr("randint: needs low < high, not 3 and 3"));
  EXPECT_THAT(failure([&] { return key.randint(0, 300, {2}, u8); }),
              HasSubstr("randint: 299 does not fit u8"));
  EXPECT_THAT(failure([&] { return key.randint(-1, 3, {2}, u32); }),
              HasSubstr("randint: -1 does not fit u32"));
  EXPECT_THAT(failure([&] { return key.randint(0, 3, {2}, f32); }),
              HasSubstr("randint: gives integers, not f32"));
  EXPECT_THAT(failure([&] { return key.rand({2}, i32); }), HasSubstr("rand: gives floats, not i32"));
  EXPECT_THAT(failure([&] { return key.randn({2}, i32); }), HasSubstr("randn: gives floats, not i32"));
}

TEST(Random, BernoulliHasItsProbability) {
  for (double p : {0.1, 0.5, 0.9}) EXPECT_NEAR(mean(bernoulli(p, {kCount}, 5)).item<double>(), p, 0.01);
  EXPECT_EQ(sum(bernoulli(0, {1000}, 5)).item<int>(), 0);
  EXPECT_EQ(sum(bernoulli(1, {1000}, 5)).item<int>(), 1000);
  const Tensor each = mean(bernoulli(tensor({0.2f, 0.7f}), {kCount, 2}, 6), 0);
  EXPECT_NEAR(values(each)[0], 0.2, 0.01);
  EXPECT_NEAR(values(each)[1], 0.7, 0.01);
  EXPECT_TYPE(bernoulli(0.5, {3}), "bool[3]");
  EXPECT_TYPE(bernoulli(ones({1, 3}), {2, 4, 3}), "bool[2,4,3]");
  for (const Ints& given : {Ints{2, 3}, Ints{2}, Ints{1, 3}})
    EXPECT_THAT(failure([&] { return bernoulli(ones(given), {3}); }),
                given == Ints{2} ? HasSubstr("probabilities of shape [2] do not broadcast to [3]")
                                 : HasSubstr("3] do not broadcast to [3]"));
}

TEST(Random, CategoricalHasTheFrequenciesOfSoftmax) {
  const Tensor logits = tensor({0.f, 1.f, -1.f, -1000.f});
  const Ints v = ints(categorical(logits.expand({kCount, 4}), 12));
  Doubles frequency(4, 0);
  for (int64_t x : v) frequency[static_cast<size_t>(x)] += 1.0 / kCount;
  const Doubles expected = values(softmax(logits));
  for (size_t i = 0; i < 4; ++i) EXPECT_NEAR(frequency[i], expected[i], 0.01) << i;
  EXPECT_EQ(frequency[3], 0);
  EXPECT_EQ(categorical(ones({3, 4, 5}), 1, 1).shape(), (Ints{3, 5}));
  EXPECT_TYPE(categorical(ones({3})), "i32");
}

TEST(Random, SymbolicSizes) {
  const Extent n = dim("N", 1, 100);
  const Doubles few = values(rand({n, 2}, {.seed = 3}), {.dims = {{"N", 3}}});
  EXPECT_EQ(few, values(rand({6}, {.seed = 3})));
}

}  // namespace
}  // namespace anneal
