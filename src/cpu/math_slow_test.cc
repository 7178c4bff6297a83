// SPDX-License-Identifier: MIT
// The transcendental functions against long double: f32 on every 1237th of all values, f64 on random values
// of every size, special values exactly, scalars against lanes. The bounds are those that math.h states; a
// failure prints what was found.
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <thread>

#include "cpu/test_cpu.h"
#include "support/random_stream.h"

namespace anneal::cpu {
namespace {

using Wide = long double;

struct Function {
  Op op;
  Wide (*reference)(Wide);
  double f32_bound, f64_bound;
};
Wide exp2_of(Wide x) { return std::exp2(x); }
const Function kFunctions[] = {
    {Op::Exp, [](Wide x) { return std::exp(x); }, 1.1, 1.2},
    {Op::Exp2, exp2_of, 1.1, 1.2},
    {Op::Expm1, [](Wide x) { return std::expm1(x); }, 1.5, 2.2},
    {Op::Log, [](Wide x) { return std::log(x); }, 1.0, 1.0},
    {Op::Log2, [](Wide x) { return std::log2(x); }, 1.0, 1.0},
    {Op::Log1p, [](Wide x) { return std::log1p(x); }, 1.0, 1.0},
    {Op::Sin, [](Wide x) { return std::sin(x); }, 1.1, 1.1},
    {Op::Cos, [](Wide x) { return std::cos(x); }, 1.1, 1.1},
    {Op::Tanh, [](Wide x) { return std::tanh(x); }, 2.5, 3.0},
    {Op::Atan, [](Wide x) { return std::atan(x); }, 2.0, 2.2},
    {Op::Erf, [](Wide x) { return std::erf(x); }, 1.5, 1.5},
};

template <typename T>
constexpr DType kType = sizeof(T) == 4 ? f32 : f64;

// Many values at once.
template <typename T>
struct Runner : CpuTest {
  static constexpr int64_t kCount = 1 << 14;
  Compiled code;
  Runner(Op op, const Target& target, int lanes) : code(graph, build(op, lanes), target) {}
  Program build(Op op, int lanes) {
    const Node i = range(0, kCount);
    std::vector<Node> in{b.load(slot(0, kType<T>, kCount), i)};
    if (op == Op::Pow) in.push_back(b.load(slot(1, kType<T>, kCount), i));
    return map(slot(2, kType<T>, kCount), i, b.make(op, in, ir::NoArg{}), lanes);
  }
  std::vector<T> run(std::vector<T> x, std::vector<T> y = {}) {
    const size_t n = x.size();
    x.resize(kCount), y.resize(kCount);
    std::vector<T> out(kCount);
    code.run({x.data(), y.data(), out.data()});
    out.resize(n);
    return out;
  }
};

template <typename T>
double ulp_error(T got, Wide expected) {
  const T nearest = static_cast<T>(expected);
  if (std::isnan(got) || std::isnan(nearest)) return std::isnan(got) == std::isnan(nearest) ? 0 : 1e9;
  if (std::isinf(nearest) || std::isinf(got)) {
    if (got == nearest) return 0;
    // The largest number for infinity, or the reverse, is one step.
    constexpr T kLargest = std::numeric_limits<T>::max();
    return std::fabs(std::isinf(got) ? nearest : got) == kLargest ? 1 : 1e9;
  }
  int exponent;
  std::frexp(expected, &exponent);
  exponent = std::max(exponent - std::numeric_limits<T>::digits,
                      std::numeric_limits<T>::min_exponent - std::numeric_limits<T>::digits);
  return static_cast<double>(std::fabs(static_cast<Wide>(got) - expected) / std::ldexp(Wide{1}, exponent));
}

template <typename T>
struct Worst {
  double error = 0;
  T x = 0, y = 0, got = 0;
  void add(double e, T at_x, T at_y, T value) {
    if (e > error) error = e, x = at_x, y = at_y, got = value;
  }
};

TEST(Math, F32IsWithinItsBounds) {
  const Target target = detect_target("");
  for (const Function& f : kFunctions) {
    Runner<float> runner(f.op, target, 16);
    Worst<float> worst;
    std::vector<float> x;
    for (uint64_t bits = 0; bits < (uint64_t{1} << 32); bits += 1237) {
      x.push_back(std::bit_cast<float>(static_cast<uint32_t>(bits)));
      if (x.size() < Runner<float>::kCount && bits + 1237 < (uint64_t{1} << 32)) continue;
      const std::vector<float> got = runner.run(x);
      for (size_t i = 0; i < x.size(); ++i) worst.add(ulp_error(got[i], f.reference(x[i])), x[i], 0, got[i]);
      x.clear();
    }
    std::printf("%-6s f32 %.3f at %a\n", ir::op_text(f.op).data(), worst.error, static_cast<double>(worst.x));
    EXPECT_LE(worst.error, f.f32_bound) << ir::op_text(f.op) << " of " << worst.x << ": " << worst.got;
  }
}

TEST(Math, F64IsWithinItsBounds) {
  const Target target = detect_target("");
  support::RandomStream random(3);
  for (const Function& f : kFunctions) {
    Runner<double> runner(f.op, target, 8);
    Worst<double> worst;
    for (int round = 0; round < 40; ++round) {
      std::vector<double> x;
      for (int64_t i = 0; i < Runner<double>::kCount; ++i)  // all bits, then sizes where functions bend
        x.push_back(round % 4 == 0 ? std::bit_cast<double>(random.next())
                                   : (random.one_in(2) ? 1 : -1) *
                                         std::ldexp(1 + random.unit(),
                                                    static_cast<int>(random.below(round % 4 == 1 ? 6 : 40)) -
                                                        (round % 4 == 1 ? 3 : 30)));
      const std::vector<double> got = runner.run(x);
      for (size_t i = 0; i < x.size(); ++i) {
        const bool beyond_reference = std::fabs(x[i]) > 0x1p60 && (f.op == Op::Sin || f.op == Op::Cos);
        const Wide expected = !beyond_reference ? f.reference(x[i])
                              : f.op == Op::Sin ? std::sin(x[i])
                                                : std::cos(x[i]);
        worst.add(ulp_error(got[i], expected), x[i], 0, got[i]);
      }
    }
    std::printf("%-6s f64 %.3f at %a\n", ir::op_text(f.op).data(), worst.error, worst.x);
    EXPECT_LE(worst.error, f.f64_bound) << ir::op_text(f.op) << " of " << worst.x << ": " << worst.got;
  }
}

template <typename T>
void check_pow(double bound) {
  Runner<T> runner(Op::Pow, detect_target(""), 8);
  support::RandomStream random(5);
  Worst<T> worst;
  constexpr T kInfinite = std::numeric_limits<T>::infinity(), kNan = std::numeric_limits<T>::quiet_NaN();
  const T specials[] = {0,
                        static_cast<T>(-0.0),
                        1,
                        -1,
                        2,
                        -2,
                        3,
                        -3,
                        T{0.5},
                        T{-0.5},
                        T{1.5},
                        T{-1.5},
                        kInfinite,
                        -kInfinite,
                        kNan,
                        std::numeric_limits<T>::max(),
                        std::numeric_limits<T>::min(),
                        std::numeric_limits<T>::denorm_min(),
                        -std::numeric_limits<T>::denorm_min(),
                        static_cast<T>(1e15),
                        static_cast<T>(-1e15),
                        1 + std::numeric_limits<T>::epsilon(),
                        101};
  std::vector<T> x, y;
  for (const T a : specials)
    for (const T c : specials) x.push_back(a), y.push_back(c);
  for (int round = 0; round < 30; ++round) {
    const std::vector<T> got = runner.run(x, y);
    for (size_t i = 0; i < x.size(); ++i) {
      const Wide expected = std::pow(static_cast<Wide>(x[i]), static_cast<Wide>(y[i]));
      worst.add(ulp_error(got[i], expected), x[i], y[i], got[i]);
      if (expected == 0) {
        EXPECT_EQ(std::signbit(got[i]), std::signbit(expected)) << x[i] << " " << y[i];
      }
    }
    x.clear(), y.clear();
    for (int64_t i = 0; i < Runner<T>::kCount; ++i) {
      const T base = static_cast<T>(std::ldexp(1 + random.unit(), static_cast<int>(random.below(40)) - 20));
      // The result's exponent is spread over the whole range.
      const double wanted = (random.unit() * 2 - 1) * (sizeof(T) == 4 ? 150 : 1075);
      x.push_back(base), y.push_back(static_cast<T>(wanted / std::log2(static_cast<double>(base))));
    }
  }
  std::printf("pow    f%zu %.3f at %a %a\n", sizeof(T) * 8, worst.error, static_cast<double>(worst.x),
              static_cast<double>(worst.y));
  EXPECT_LE(worst.error, bound) << worst.x << " to the " << worst.y << ": " << worst.got;
}

TEST(Math, PowIsWithinItsBounds) {
  check_pow<float>(0.51);
  check_pow<double>(2);
}

// The same bits in a lane, as a scalar, and whatever the instruction set.
TEST(Math, EveryFormGivesTheSameBits) {
  support::RandomStream random(9);
  std::vector<float> x, y;
  for (int64_t i = 0; i < Runner<float>::kCount; ++i) {
    x.push_back(std::bit_cast<float>(static_cast<uint32_t>(random.next())));
    y.push_back(static_cast<float>(random.unit() * 8 - 4));
  }
  std::vector<Op> ops{Op::Pow};
  for (const Function& f : kFunctions) ops.push_back(f.op);
  for (const Op op : ops) {
    const std::vector<float> first = Runner<float>(op, detect_target(""), 16).run(x, y);
    for (const Target& target : test_targets())
      for (const int lanes : {1, 4}) {
        const std::vector<float> got = Runner<float>(op, target, lanes).run(x, y);
        for (size_t i = 0; i < x.size(); ++i)
          ASSERT_TRUE(std::bit_cast<uint32_t>(got[i]) == std::bit_cast<uint32_t>(first[i]) ||
                      std::isnan(got[i]))
              << ir::op_text(op) << " of " << x[i] << " on " << target.level << " with " << lanes << " lanes";
      }
  }
}

}  // namespace
}  // namespace anneal::cpu
