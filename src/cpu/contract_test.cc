// SPDX-License-Identifier: MIT
#include "cpu/contract.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <random>

#include "cpu/test_contract.h"

namespace anneal::cpu {
namespace {

constexpr Isa kIsas[] = {Isa::kGeneric, Isa::kAvx2, Isa::kAvx512};

std::string name_of(Isa isa) {
  return isa == Isa::kGeneric ? "generic" : isa == Isa::kAvx2 ? "avx2" : "avx512";
}

class ContractTest : public testing::TestWithParam<Isa> {
 protected:
  void SetUp() override {
    if (!TestJit::host_has(GetParam())) GTEST_SKIP() << "this processor has no " << name_of(GetParam());
  }
};
INSTANTIATE_TEST_SUITE_P(Isas, ContractTest, testing::ValuesIn(kIsas),
                         [](const auto& p) { return name_of(p.param); });

// Memory that ends where it ends: the last element touches a guard that must keep its value, before and
// after.
template <class T>
class Guarded {
 public:
  explicit Guarded(size_t size, T fill) : data_(size + 2 * kGuard, fill), size_(size) {}
  T* data() { return data_.data() + kGuard; }
  T& operator[](size_t i) { return data_[kGuard + i]; }
  bool guards_are(T value) const {
    for (size_t i = 0; i < kGuard; ++i) {
      if (data_[i] != value || data_[kGuard + size_ + i] != value) return false;
    }
    return true;
  }
  size_t size() const { return size_; }

 private:
  static constexpr size_t kGuard = 64;
  std::vector<T> data_;
  size_t size_;
};

constexpr double kUntouched = 12345.0;

// One contraction of random values: runs it, in two halves of its items the second one first, and keeps
// everything.
template <class T>
struct Trial {
  PlainContract plain;
  ContractPlan plan;
  // Operands are surrounded by NaN: a lane that reads outside and gets into a sum shows.
  Guarded<T> a, b, c;
  AlignedScratch scratch;
  ContractFunction* f = nullptr;
  std::unique_ptr<TestJit> jit;

  static size_t count(int64_t x, int64_t y, int64_t z) { return static_cast<size_t>(x * y * z); }

  Trial(const PlainContract& p, Isa isa, int threads = 1)
      : plain(p),
        plan(contract_plan(p.known(), {.isa = isa, .threads = threads}, p.traits())),
        a(count(p.shape.batch, p.shape.m, p.shape.k), static_cast<T>(NAN)),
        b(count(p.shape.batch, p.shape.k, p.shape.n), static_cast<T>(NAN)),
        c(count(p.shape.batch, p.shape.m, p.shape.n), static_cast<T>(kUntouched)),
        scratch(make_scratch(plan.scratch_bytes)),
        jit(std::make_unique<TestJit>(isa)) {
    std::mt19937 random(7);
    std::uniform_real_distribution<T> values(-1, 1);
    for (size_t i = 0; i < a.size(); ++i) a[i] = values(random);
    for (size_t i = 0; i < b.size(); ++i) b[i] = values(random);
    // What scratch holds must not matter: all bits set is a NaN.
    std::memset(scratch.get(), 0xff, static_cast<size_t>(plan.scratch_bytes));
    PlainHoles holes(plain);
    const ContractSpec spec = holes.spec();
    f = reinterpret_cast<ContractFunction*>(
        jit->compile("f", [&](llvm::Module& module) { emit_contract(module, "f", spec, plan); }));
  }

  void run(int64_t begin, int64_t end) {
    void* slots[] = {a.data(), b.data(), c.data()};
    const ContractShape& s = plain.shape;
    const int64_t vars[] = {s.batch, s.m, s.n, s.k};
    f(slots, vars, begin, end, scratch.get());
  }
  void run_all() {
    const int64_t items = plan.items(plain.shape);
    run(items / 2, items);
    run(0, items / 2);
  }

  // A sum of k products, each at most 1 in size, is off by less than its count of roundings.
  void check() {
    const ContractShape& s = plain.shape;
    const double eps = sizeof(T) == 4 ? 0x1p-24 : 0x1p-53;
    ASSERT_TRUE(c.guards_are(static_cast<T>(kUntouched))) << "wrote outside: " << to_string(plan);
    for (int64_t x = 0; x < s.batch; ++x) {
      for (int64_t i = 0; i < s.m; ++i) {
        for (int64_t j = 0; j < s.n; ++j) {
          double sum = 0;
          for (int64_t k = 0; k < s.k; ++k) {
            sum +=
                static_cast<double>(
                    a[static_cast<size_t>(x * plain.a[0] + i * plain.a[1] + k * plain.a[2])]) *
                static_cast<double>(b[static_cast<size_t>(x * plain.b[0] + j * plain.b[1] + k * plain.b[2])]);
          }
          const double got = c[static_cast<size_t>(x * plain.c[0] + i * plain.c[1] + j * plain.c[2])];
          const double bound = eps * static_cast<double>(s.k + 1) * std::sqrt(static_cast<double>(s.k + 1));
          ASSERT_NEAR(got, sum, bound) << "at " << x << "," << i << "," << j << " of " << s.batch << "x"
                                       << s.m << "x" << s.n << "x" << s.k << ": " << to_string(plan);
        }
      }
    }
  }
};

template <class T>
void check_shape(ContractShape shape, Isa isa, bool symbolic = false) {
  for (const bool ta : {false, true}) {
    for (const bool tb : {false, true}) {
      PlainContract plain = PlainContract::make(shape, ta, tb, sizeof(T) == 8);
      plain.symbolic = symbolic;
      Trial<T> trial(plain, isa, 2);
      trial.run_all();
      trial.check();
      if (testing::Test::HasFatalFailure()) return;
    }
  }
}

TEST_P(ContractTest, AgreesWithTripleLoop) {
  const ContractShape shapes[] = {
      {1, 5, 7, 3},     {1, 13, 31, 17},  {1, 14, 32, 4},    {1, 15, 33, 5},   {2, 28, 64, 16},
      {3, 29, 65, 15},  {1, 6, 16, 511},  {1, 7, 17, 512},   {1, 9, 19, 513},  {1, 53, 37, 1031},
      {1, 57, 5, 129},  {1, 5, 200, 2},   {1, 127, 101, 97}, {2, 11, 513, 64}, {1, 41, 1025, 33},
      {1, 1030, 9, 21}, {4, 64, 64, 64},  {1, 67, 530, 600}, {1, 8, 1, 9},     {1, 1, 8, 9},
      {1, 1, 1, 1},     {2, 1, 67, 131},  {3, 2, 70, 63},    {1, 4, 33, 257},  {1, 600, 1, 70},
      {1, 33, 3, 4100}, {2, 3, 1041, 37}, {1, 1, 17, 8200},  {1, 2, 2, 5000},  {1, 2100, 2, 5},
  };
  for (const ContractShape& shape : shapes) {
    check_shape<float>(shape, GetParam());
    if (HasFatalFailure()) return;
  }
}

TEST_P(ContractTest, EmptyExtents) {
  // Nothing to write, or sums of nothing.
  for (const ContractShape& shape :
       {ContractShape{0, 5, 7, 3}, ContractShape{1, 0, 7, 3}, ContractShape{0, 40, 70, 3},
        ContractShape{1, 5, 0, 3}, ContractShape{2, 15, 33, 0}, ContractShape{2, 1, 33, 0},
        ContractShape{1, 33, 2, 0}}) {
    check_shape<float>(shape, GetParam());
    check_shape<float>(shape, GetParam(), true);
  }
}

TEST_P(ContractTest, ExtentsKnownAtRunTime) {
  for (const ContractShape& shape :
       {ContractShape{1, 1, 1, 1}, ContractShape{2, 15, 33, 5}, ContractShape{1, 530, 517, 20},
        ContractShape{3, 9, 40, 513}, ContractShape{1, 31, 29, 1200}}) {
    check_shape<float>(shape, GetParam(), true);
    if (HasFatalFailure()) return;
  }
}

TEST_P(ContractTest, DoublePrecision) {
  for (const ContractShape& shape :
       {ContractShape{1, 15, 17, 5}, ContractShape{2, 30, 70, 600}, ContractShape{1, 1, 70, 100},
        ContractShape{1, 70, 2, 100}, ContractShape{1, 3, 5, 4200}}) {
    check_shape<double>(shape, GetParam());
    check_shape<double>(shape, GetParam(), true);
    if (HasFatalFailure()) return;
  }
}

TEST_P(ContractTest, EverySplitGivesTheSameBits) {
  for (const ContractShape& shape :
       {ContractShape{3, 70, 90, 1030}, ContractShape{2, 1, 1000, 2200}, ContractShape{1, 900, 500, 9}}) {
    for (const bool transposed : {false, true}) {
      const PlainContract plain = PlainContract::make(shape, transposed, transposed);
      Trial<float> whole(plain, GetParam(), 1);
      whole.run(0, whole.plan.items(shape));
      for (const int threads : {2, 3, 8}) {
        Trial<float> split(plain, GetParam(), threads);
        const int64_t items = split.plan.items(shape);
        // One by one, last first.
        for (int64_t i = items; i-- > 0;) split.run(i, i + 1);
        ASSERT_EQ(0, std::memcmp(whole.c.data(), split.c.data(), whole.c.size() * sizeof(float)))
            << to_string(whole.plan) << " against " << to_string(split.plan);
      }
    }
  }
}

TEST_P(ContractTest, KnownAndSymbolicExtentsGiveTheSameBits) {
  PlainContract plain = PlainContract::make({1, 61, 77, 1100}, false, true);
  Trial<float> known(plain, GetParam());
  plain.symbolic = true;
  Trial<float> symbolic(plain, GetParam());
  known.run_all();
  symbolic.run_all();
  EXPECT_EQ(0, std::memcmp(known.c.data(), symbolic.c.data(), known.c.size() * sizeof(float)));
}

// What fusion asks for: a prologue on both operands, two results of each sum, and sums of the operands.
struct Fused {
  ContractShape shape;
  bool ta, tb, use_sums;
};

void check_fused(const Fused& fused, Isa isa) {
  const ContractShape& s = fused.shape;
  const PlainContract plain = PlainContract::make(s, fused.ta, fused.tb);
  PlainHoles holes(plain);
  ContractSpec spec = holes.spec();
  const Strides c = plain.c;
  // A is a*a + k, B is b + 2 (so that lanes which are not there would not be zeros), for the sums to see.
  spec.a = [&](llvm::IRBuilderBase& code, const OperandAt& at) {
    llvm::Value* x = holes.load(code, 0, plain.a, at);
    llvm::Value* k = code.CreateVectorSplat(at.lanes, code.CreateSIToFP(at.k, code.getFloatTy()));
    if (at.along == Axis::kK) {
      std::vector<llvm::Constant*> steps;
      for (unsigned i = 0; i < at.lanes; ++i) steps.push_back(llvm::ConstantFP::get(code.getFloatTy(), i));
      k = code.CreateFAdd(k, llvm::ConstantVector::get(steps));
    }
    return code.CreateFAdd(code.CreateFMul(x, x),
                           code.CreateFMul(k, llvm::ConstantFP::get(k->getType(), 0x1p-6)));
  };
  spec.b = [&](llvm::IRBuilderBase& code, const OperandAt& at) {
    llvm::Value* x = holes.load(code, 1, plain.b, at);
    return code.CreateFAdd(x, llvm::ConstantFP::get(x->getType(), 2));
  };
  spec.result = [&](llvm::IRBuilderBase& code, const ResultAt& at) {
    holes.store(code, 2, c, at, at.value);
    llvm::Value* other = code.CreateFMul(at.value, llvm::ConstantFP::get(at.value->getType(), 2));
    if (fused.use_sums) other = code.CreateFAdd(other, code.CreateFAdd(at.a_sum, at.b_sum));
    // Counts how often an element is given: it has to be once.
    ResultAt where = at;
    OperandAt old{.b = at.b,
                  .row = at.m,
                  .k = at.n,
                  .along = at.along == Axis::kN ? Axis::kK : Axis::kM,
                  .lanes = at.lanes,
                  .mask = at.mask};
    other = code.CreateFAdd(other, holes.load(code, 3, c, old));
    holes.store(code, 3, c, where, other);
  };
  if (fused.use_sums) {
    spec.a_sum = [&](llvm::IRBuilderBase& code, const SumAt& at) {
      const ResultAt where{.b = at.b,
                           .m = code.getInt64(0),
                           .n = at.row,
                           .along = Axis::kN,
                           .lanes = at.lanes,
                           .mask = at.mask};
      holes.store(code, 4, {s.m, 0, 1}, where, at.value);
    };
    spec.b_sum = [&](llvm::IRBuilderBase& code, const SumAt& at) {
      const ResultAt where{.b = at.b,
                           .m = code.getInt64(0),
                           .n = at.row,
                           .along = Axis::kN,
                           .lanes = at.lanes,
                           .mask = at.mask};
      holes.store(code, 5, {s.n, 0, 1}, where, at.value);
    };
  }
  ContractTraits traits = plain.traits();
  traits.a_sums = traits.b_sums = fused.use_sums;
  const ContractPlan plan = contract_plan(s, {.isa = isa, .threads = 3}, traits);
  TestJit jit(isa);
  auto* f = reinterpret_cast<ContractFunction*>(
      jit.compile("f", [&](llvm::Module& module) { emit_contract(module, "f", spec, plan); }));

  const auto count = [](int64_t x, int64_t y) { return static_cast<size_t>(x * y); };
  std::mt19937 random(11);
  std::uniform_real_distribution<float> values(-1, 1);
  Guarded<float> a(count(s.batch, s.m * s.k), NAN), b(count(s.batch, s.k * s.n), NAN);
  for (size_t i = 0; i < a.size(); ++i) a[i] = values(random);
  for (size_t i = 0; i < b.size(); ++i) b[i] = values(random);
  Guarded<float> out(count(s.batch, s.m * s.n), 7), twice(count(s.batch, s.m * s.n), 0),
      as(count(s.batch, s.m), 7), bs(count(s.batch, s.n), 7);
  void* slots[] = {a.data(), b.data(), out.data(), twice.data(), as.data(), bs.data()};
  const AlignedScratch scratch = make_scratch(plan.scratch_bytes);
  std::memset(scratch.get(), 0xff, static_cast<size_t>(plan.scratch_bytes));
  for (int64_t i = plan.items(s); i-- > 0;) f(slots, nullptr, i, i + 1, scratch.get());
  EXPECT_TRUE(out.guards_are(7) && twice.guards_are(0) && as.guards_are(7) && bs.guards_are(7));

  const auto a_at = [&](int64_t x, int64_t i, int64_t k) {
    const double v = a[static_cast<size_t>(x * plain.a[0] + i * plain.a[1] + k * plain.a[2])];
    return v * v + static_cast<double>(k) / 64;
  };
  const auto b_at = [&](int64_t x, int64_t j, int64_t k) {
    return 2.0 + b[static_cast<size_t>(x * plain.b[0] + j * plain.b[1] + k * plain.b[2])];
  };
  for (int64_t x = 0; x < s.batch; ++x) {
    std::vector<double> a_sum(static_cast<size_t>(s.m)), b_sum(static_cast<size_t>(s.n));
    for (int64_t k = 0; k < s.k; ++k) {
      for (int64_t i = 0; i < s.m; ++i) a_sum[static_cast<size_t>(i)] += a_at(x, i, k);
      for (int64_t j = 0; j < s.n; ++j) b_sum[static_cast<size_t>(j)] += b_at(x, j, k);
    }
    for (int64_t i = 0; i < s.m; ++i) {
      for (int64_t j = 0; j < s.n; ++j) {
        double sum = 0;
        for (int64_t k = 0; k < s.k; ++k) sum += a_at(x, i, k) * b_at(x, j, k);
        const size_t at = static_cast<size_t>(x * c[0] + i * c[1] + j);
        const double extra =
            fused.use_sums ? a_sum[static_cast<size_t>(i)] + b_sum[static_cast<size_t>(j)] : 0;
        ASSERT_NEAR(out[at], sum, 1e-5 * sum + 1e-5) << i << "," << j << " " << to_string(plan);
        ASSERT_NEAR(twice[at], 2 * sum + extra, 1e-5 * (2 * sum + extra) + 1e-5)
            << i << "," << j << " " << to_string(plan);
      }
    }
    if (!fused.use_sums) continue;
    for (int64_t i = 0; i < s.m; ++i) {
      const double sum = a_sum[static_cast<size_t>(i)];
      ASSERT_NEAR(as[static_cast<size_t>(x * s.m + i)], sum, 1e-5 * sum + 1e-5) << to_string(plan);
    }
    for (int64_t j = 0; j < s.n; ++j) {
      const double sum = b_sum[static_cast<size_t>(j)];
      ASSERT_NEAR(bs[static_cast<size_t>(x * s.n + j)], sum, 1e-5 * sum + 1e-5) << to_string(plan);
    }
  }
}

TEST_P(ContractTest, PrologueEpilogueAndSums) {
  for (const ContractShape& shape :
       {ContractShape{2, 31, 45, 37}, ContractShape{1, 70, 33, 530}, ContractShape{2, 1, 45, 70},
        ContractShape{1, 45, 2, 70}, ContractShape{1, 5, 7, 1}}) {
    for (const bool ta : {false, true}) {
      for (const bool tb : {false, true}) {
        for (const bool sums : {false, true}) {
          check_fused({shape, ta, tb, sums}, GetParam());
          if (HasFatalFailure()) return;
        }
      }
    }
  }
}

TEST(ContractOrder, MachinesWithFusedMultiplyAddAgreeInBits) {
  if (!TestJit::host_has(Isa::kAvx2) || !TestJit::host_has(Isa::kAvx512))
    GTEST_SKIP() << "needs avx2 and avx512";
  for (const ContractShape& shape :
       {ContractShape{1, 37, 45, 1100}, ContractShape{1, 1, 100, 700}, ContractShape{1, 2, 100, 700}}) {
    for (const bool transposed : {false, true}) {
      const PlainContract plain = PlainContract::make(shape, transposed, transposed);
      Trial<float> narrow(plain, Isa::kAvx2), wide(plain, Isa::kAvx512);
      narrow.run_all();
      wide.run_all();
      EXPECT_EQ(0, std::memcmp(narrow.c.data(), wide.c.data(), wide.c.size() * sizeof(float)))
          << to_string(wide.plan);
    }
  }
}

}  // namespace
}  // namespace anneal::cpu
