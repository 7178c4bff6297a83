// SPDX-License-Identifier: MIT
// Random programs, forward and backward, through scheduling at every fusion level: the kernels, interpreted
// one by one, give what the program gives, with variables at both ends of their bounds. ANNEAL_FUZZ_PROGRAMS
// and ANNEAL_FUZZ_SEED choose how many and from where.
#include <gtest/gtest.h>

#include <cstdlib>

#include "autodiff/gradient.h"
#include "ir/builder.h"
#include "ir/random_program.h"
#include "rules/simplify.h"
#include "schedule/test_program.h"
#include "support/flags.h"

namespace anneal::schedule {
namespace {

uint64_t number(support::Flag flag) { return std::strtoull(support::flag_text(flag).c_str(), nullptr, 10); }

constexpr Fuse kLevels[] = {Fuse::kNone, Fuse::kGreedy, Fuse::kModel};

// Products have any order, and one order may overflow on its way to 0 where another does not.
bool multiplies_up(const ir::Graph& g, std::span<const Node> roots) {
  const std::vector<Node> all = ir::postorder(g, roots);
  return std::any_of(all.begin(), all.end(), [&](Node n) {
    const auto* reduce = std::get_if<ir::ReduceArg>(&g.arg(n));
    return reduce != nullptr && reduce->op == ir::ReduceOp::kMul && is_float(g.dtype(n));
  });
}

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

// The sums of all gradients with respect to the float inputs, and nothing where an op has none.
std::vector<Node> slopes_of(ir::Graph& g, std::span<const Node> all) {
  std::vector<Node> inputs, ones, roots(all.begin(), all.end()), slopes;
  for (Node n : ir::postorder(g, roots))
    if (g.op(n) == ir::Op::Param && is_float(g.dtype(n))) inputs.push_back(n);
  std::erase_if(roots, [&](Node n) { return !is_float(g.dtype(n)); });
  if (inputs.empty() || roots.empty()) return {};
  const ir::Builder b{g};
  for (Node n : roots) ones.push_back(b.full(g.shape(n), b.constant_float(1, g.dtype(n))));
  try {
    slopes = autodiff::vjp(g, roots, ones, inputs);
  } catch (const Error&) {
    return {};
  }
  std::erase(slopes, Node{});
  return slopes;
}

// Every seventh program is large, and every third has a variable, which may be 0 in half of them.
struct Shape {
  ir::RandomProgramOptions options;
  std::vector<int64_t> sizes;
};
Shape shape_of(uint64_t seed) {
  Shape shape;
  shape.options.nodes = seed % 7 == 0 ? 30 + static_cast<int>(seed % 17) : 8 + static_cast<int>(seed % 17);
  shape.options.symbolic = seed % 3 == 0;
  shape.options.min_symbol = seed % 2 == 0 ? 0 : 1;
  shape.sizes = {shape.options.min_symbol, ir::kMaxSymbol};
  if (!shape.options.symbolic) shape.sizes.resize(1);
  return shape;
}

TEST(ScheduleFuzz, Backward) {
  const uint64_t first = number(support::Flag::kFuzzSeed), count = number(support::Flag::kFuzzPrograms) / 4;
  for (uint64_t seed = first; seed < first + count; ++seed) {
    ir::Graph g;
    const ir::Graph::Scope scope(g);
    Shape shape = shape_of(seed);
    shape.options.floats_only = true;
    std::vector<Node> roots = ir::random_program(g, seed, shape.options);
    std::vector<Node> slopes = slopes_of(g, roots);
    if (slopes.empty()) continue;
    // And the gradients of the gradients, of every fourth that is not large.
    if (seed % 4 == 0 && seed % 7 != 0)
      for (Node n : slopes_of(g, slopes)) slopes.push_back(n);
    std::erase_if(roots, [&](Node n) { return !is_float(g.dtype(n)); });
    roots.insert(roots.end(), slopes.begin(), slopes.end());
    expect_same(g, rules::simplify(g, roots), seed, shape.sizes);
    if (HasFatalFailure()) return;
  }
}

TEST(ScheduleFuzz, Forward) {
  const uint64_t first = number(support::Flag::kFuzzSeed), count = number(support::Flag::kFuzzPrograms);
  for (uint64_t seed = first; seed < first + count; ++seed) {
    ir::Graph g;
    const ir::Graph::Scope scope(g);
    const Shape shape = shape_of(seed);
    expect_same(g, rules::simplify(g, ir::random_program(g, seed, shape.options)), seed, shape.sizes);
    if (HasFatalFailure()) return;
  }
}

}  // namespace
}  // namespace anneal::schedule
