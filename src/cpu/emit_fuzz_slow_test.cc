// SPDX-License-Identifier: MIT
// Random kernels, lowered and compiled, against the interpreter: equal bits where the kernel has neither sums
// of floats nor transcendental functions, whose last bits may differ; for the others nearly all elements are
// close. ANNEAL_FUZZ_PROGRAMS and ANNEAL_FUZZ_SEED choose how many and from where.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>

#include "cpu/test_cpu.h"
#include "interp/arrays.h"
#include "ir/text.h"
#include "ir/walk.h"
#include "loop/lower.h"
#include "loop/print.h"
#include "loop/random_kernel.h"
#include "support/random_stream.h"
#include "tests/support/test_random.h"

namespace anneal::cpu {
namespace {

// Where results may differ in the last bits, and in what follows from them.
bool is_inexact(const ir::Graph& g, Node kernel) {
  for (const Node n : ir::postorder(g, std::span(&kernel, 1))) {
    const Op op = g.op(n);
    const auto sums = [&](Node s) { return is_float(g.dtype(s)); };
    if (ir::has_flag(op, ir::kTranscendental) && is_float(g.dtype(n))) return true;
    if (op == Op::Accumulate && sums(n) && g.arg_as<ir::ReduceArg>(n).op <= ir::ReduceOp::kMul) return true;
    if (op == Op::ScanStore && sums(g.source(n, 2)) && g.arg_as<ir::ScanArg>(n).op <= ir::ReduceOp::kMul)
      return true;
  }
  return false;
}

struct Closeness {
  uint64_t elements = 0, far = 0;
};

void compare(const interp::Array& got, const interp::Array& expected, bool inexact, Closeness& closeness,
             const std::string& text) {
  const DType t = got.dtype;
  for (size_t i = 0; i < got.bytes.size() / static_cast<size_t>(dtype_size(t)); ++i) {
    const Scalar a = interp::element(got, i), e = interp::element(expected, i);
    if (!inexact) {
      ASSERT_EQ(a, e) << "element " << i << ": "
                      << (is_float(t) ? a.as_double(t) : static_cast<double>(a.as_int(t))) << " is not "
                      << (is_float(t) ? e.as_double(t) : static_cast<double>(e.as_int(t))) << "\n"
                      << text;
      continue;
    }
    ++closeness.elements;
    if (a == e) continue;
    const double x = a.as_double(t), y = e.as_double(t);
    const double step = t == f64 ? 1e-12 : t == f32 ? 1e-5 : t == f16 ? 1e-2 : 0.5;
    if (!is_float(t) || !(std::fabs(x - y) <= step * (1 + std::fabs(y)))) ++closeness.far;
  }
}

void check(uint64_t seed, const Target& target, Closeness& closeness) {
  ir::Graph g;
  const ir::Graph::Scope scope(g);
  support::RandomStream r(seed ^ 0xc0ffee);
  const loop::RandomKernelOptions sizes{.max_extent = r.one_in(3) ? 40 : 7};
  const Node kernel = loop::random_kernel(g, seed, sizes);
  const std::string where =
      "ANNEAL_FUZZ_SEED=" + std::to_string(seed) + "\n" + ir::print(g, std::span(&kernel, 1));
  interp::Bindings bindings;
  constexpr int64_t kSizes[] = {0, 1, 2, 3, 5};
  bindings.vars = {{"N", kSizes[r.below(5)]}};
  const interp::KernelArrays actual = loop::random_arrays(g, kernel, bindings, seed),
                             expected = loop::copies(actual);
  interp::run_kernel(g, std::span(&kernel, 1), expected, bindings);
  constexpr int64_t kWorks[] = {1, 20, 300, 1 << 15};
  const loop::LowerOptions options{.lanes = r.one_in(4) ? 1 : 4 << r.below(3),
                                   .item_work = kWorks[r.below(4)],
                                   .contraction_work = r.one_in(2) ? 0 : 1e9};
  const Program program = loop::lower(g, kernel, options);
  const Compiled compiled(g, program, target);
  std::vector<void*> slots(static_cast<size_t>(slots_of(g, program.kernel)));
  for (const auto& [slot, array] : actual)
    if (slot < static_cast<int64_t>(slots.size())) slots[static_cast<size_t>(slot)] = array->bytes.data();
  std::vector<int64_t> vars;
  for (const Node v : variables_of(g, program.kernel)) vars.push_back(bindings.vars.at(0).second), (void)v;
  compiled.run(slots, vars);
  const bool inexact = is_inexact(g, kernel);
  for (size_t i = 0; i < actual.size(); ++i)
    compare(*actual[i].second, *expected[i].second, inexact, closeness, where + loop::print(g, program));
}

TEST(EmitFuzz, KernelsGiveWhatTheInterpreterGives) {
  const std::vector<Target> targets = test_targets();
  Closeness closeness;
  for (const uint64_t seed : test::seeds(0.05))
    if (!testing::Test::HasFatalFailure()) check(seed, targets[seed % targets.size()], closeness);
  EXPECT_LE(static_cast<double>(closeness.far), 0.005 * static_cast<double>(closeness.elements))
      << closeness.far << " of " << closeness.elements << " elements";
}

}  // namespace
}  // namespace anneal::cpu
