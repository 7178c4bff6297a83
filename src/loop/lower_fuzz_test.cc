// SPDX-License-Identifier: MIT
// Random kernels: what lower() makes of them verifies and gives the same bits as the interpreter of the
// kernel stage, for several sizes of items and vectors and orders of items. ANNEAL_FUZZ_PROGRAMS and
// ANNEAL_FUZZ_SEED choose how many and from where; a failure prints the seed, the kernel and the program.
#include <gtest/gtest.h>

#include <cstdlib>

#include "anneal/error.h"
#include "interp/arrays.h"
#include "ir/random_program.h"
#include "ir/text.h"
#include "ir/verify.h"
#include "loop/lower.h"
#include "loop/print.h"
#include "loop/random_kernel.h"
#include "loop/run.h"
#include "loop/verify.h"
#include "support/random_stream.h"
#include "tests/support/test_random.h"

namespace anneal::loop {
namespace {

// Equal bits; a NaN equals any NaN.
bool same(const interp::Array& a, const interp::Array& b) {
  if (a.bytes == b.bytes) return true;
  for (size_t i = 0; i < a.bytes.size() / static_cast<size_t>(dtype_size(a.dtype)); ++i)
    if (!(interp::element(a, i) == interp::element(b, i))) return false;
  return true;
}

void check(uint64_t seed) {
  ir::Graph g;
  const ir::Graph::Scope scope(g);
  support::RandomStream r(seed ^ 0xabcdef);
  const Node kernel = random_kernel(g, seed);
  const std::string where =
      "ANNEAL_FUZZ_SEED=" + std::to_string(seed) + "\n" + ir::print(g, std::span(&kernel, 1));
  ASSERT_EQ(ir::verify(g, std::span(&kernel, 1), ir::Stage::kKernel), "") << where;
  interp::Bindings bindings;
  constexpr int64_t kSizes[] = {0, 1, 2, 3, 5};
  bindings.vars = {{"N", kSizes[r.below(5)]}};
  const interp::KernelArrays before = random_arrays(g, kernel, bindings, seed), expected = copies(before);
  constexpr int64_t kWorks[] = {1, 20, 300, 1 << 15};
  const LowerOptions options{.lanes = r.one_in(4) ? 1 : 4 << r.below(3), .item_work = kWorks[r.below(4)]};
  const Program program = lower(g, kernel, options);
  const std::string text = where + print(g, program);
  ASSERT_EQ(verify(g, program), "") << where;
  // In f64 constants that were folded keep the rounding of their type, so the simplified kernel is compared.
  const interp::Mode mode = r.one_in(4) ? interp::Mode::kDouble : interp::Mode::kExact;
  const Node reference = mode == interp::Mode::kDouble ? program.kernel : kernel;
  try {
    interp::run_kernel(g, std::span(&reference, 1), expected, bindings, {.mode = mode});
  } catch (const Error& e) {
    FAIL() << e.message() << "\n" << text;
  }
  const interp::KernelArrays actual = copies(before);
  try {
    run(g, program, actual, bindings, {.mode = mode, .shuffle_seed = seed});
  } catch (const Error& e) {
    FAIL() << e.message() << "\n" << text;
  }
  for (size_t i = 0; i < actual.size(); ++i)
    ASSERT_TRUE(same(*actual[i].second, *expected[i].second)) << "slot " << actual[i].first << " differs\n"
                                                              << text;
}

TEST(LowerFuzz, ProgramsGiveTheBitsOfTheirKernels) {
  for (const uint64_t seed : test::seeds(0.1))
    if (!HasFatalFailure()) check(seed);
}

TEST(LowerFuzz, IsTheSameWhateverWasInTheGraphBefore) {
  for (uint64_t seed = 0; seed < 100; ++seed) {
    ir::Graph a, b;
    const ir::Graph::Scope in_a(a), in_b(b);
    for (uint64_t other = 1; other < 4; ++other) random_kernel(b, seed + 1000 * other);
    ASSERT_EQ(print(a, lower(a, random_kernel(a, seed))), print(b, lower(b, random_kernel(b, seed)))) << seed;
  }
}

}  // namespace
}  // namespace anneal::loop
