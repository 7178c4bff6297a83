// SPDX-License-Identifier: MIT
// Random programs, forward and backward, through scheduling at every fusion level: the kernels, interpreted
// one by one, give what the program gives, with variables at both ends of their bounds. ANNEAL_FUZZ_PROGRAMS
// and ANNEAL_FUZZ_SEED choose how many and from where.
#include <gtest/gtest.h>

#include "schedule/test_fuzz.h"
#include "schedule/test_program.h"
#include "tests/support/test_random.h"

namespace anneal::schedule {
namespace {

constexpr Fuse kLevels[] = {Fuse::kNone, Fuse::kGreedy, Fuse::kModel};

void expect_same(ir::Graph& g, const std::vector<Node>& roots, uint64_t seed,
                 std::span<const int64_t> sizes) {
  const Fuse fuse = kLevels[seed / 2 % 3];  // not in step with what shape_of() takes from the seed
  const auto where = [&] {
    return "ANNEAL_FUZZ_SEED=" + std::to_string(seed) + " fuse " + std::to_string(static_cast<int>(fuse)) +
           "\n" + ir::print(g, roots);
  };
  Schedule schedule;
  try {
    schedule = make_schedule(g, roots, {}, {.fuse = fuse});
  } catch (const Error& error) {
    FAIL() << error.what() << "\n" << where();
  }
  for (int64_t size : sizes) {
    const interp::Bindings bindings = small_bindings(g, roots, seed, {{"N", size}});
    Values wanted;
    try {
      wanted = interp::evaluate(g, roots, bindings);
    } catch (const Error&) {
      continue;  // the program has no value for this N: the extreme of nothing
    }
    std::string bad = schedule_differs(g, wanted, schedule, bindings);
    if (!bad.empty() && multiplies_up(g, roots)) {
      const interp::Mode wide = interp::Mode::kDouble;
      bad =
          schedule_differs(g, interp::evaluate(g, roots, bindings, {.mode = wide}), schedule, bindings, wide);
    }
    ASSERT_EQ(bad, "") << "N = " << size << " " << where();
  }
}

TEST(ScheduleFuzz, Backward) {
  for (const uint64_t seed : test::seeds(0.25)) {
    ir::Graph g;
    const ir::Graph::Scope scope(g);
    const FuzzShape shape = shape_of(seed);
    const std::vector<Node> roots = backward_program(g, seed, shape);
    if (!roots.empty()) expect_same(g, roots, seed, shape.sizes);
    if (HasFatalFailure()) return;
  }
}

TEST(ScheduleFuzz, Forward) {
  for (const uint64_t seed : test::seeds()) {
    ir::Graph g;
    const ir::Graph::Scope scope(g);
    const FuzzShape shape = shape_of(seed);
    expect_same(g, rules::simplify(g, ir::random_program(g, seed, shape.options)), seed, shape.sizes);
    if (HasFatalFailure()) return;
  }
}

}  // namespace
}  // namespace anneal::schedule
