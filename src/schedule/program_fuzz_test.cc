// SPDX-License-Identifier: MIT
// Random programs, forward and backward, through scheduling at every fusion level: the kernels, interpreted
// one by one, give what the program gives. ANNEAL_FUZZ_PROGRAMS and ANNEAL_FUZZ_SEED choose how many and from
// where.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>

#include "anneal/error.h"
#include "autodiff/gradient.h"
#include "interp/arrays.h"
#include "ir/builder.h"
#include "ir/random_program.h"
#include "ir/text.h"
#include "ir/verify.h"
#include "ir/walk.h"
#include "rules/simplify.h"
#include "schedule/test_run.h"
#include "support/flags.h"
#include "support/random_stream.h"

namespace anneal::schedule {
namespace {

uint64_t number(support::Flag flag) { return std::strtoull(support::flag_text(flag).c_str(), nullptr, 10); }

interp::Bindings random_bindings(const ir::Graph& g, std::span<const Node> roots, uint64_t seed) {
  support::RandomStream r(seed ^ 0x5bd1e995u);
  interp::Bindings bindings;
  bindings.vars = {{"N", 1 + r.below(4)}};
  for (Node n : ir::postorder(g, roots, true)) {
    const auto* param = std::get_if<ir::ParamArg>(&g.arg(n));
    if (param == nullptr) continue;
    std::vector<int64_t> shape;
    size_t count = 1;
    for (const ir::Dim& d : g.shape(n)) {
      shape.push_back(interp::evaluate_dim(g, d, bindings));
      count *= static_cast<size_t>(shape.back());
    }
    // Small multiples of 1/4: their sums and products are exact, so the order of a sum does not show.
    std::vector<double> values(count);
    for (double& v : values)
      v = is_float(g.dtype(n)) ? static_cast<double>(r.below(17) - 8) / 4
                               : static_cast<double>(r.below(11) - 5);
    bindings.params.emplace_back(param->index, interp::array_from(g.dtype(n), std::move(shape), values));
  }
  return bindings;
}

// Sums run in another order than the interpreter's, which only the last bits may show.
bool close(DType t, double a, double b) {
  if (std::isnan(a) || std::isnan(b)) return std::isnan(a) && std::isnan(b);
  const double allowed = !is_float(t) ? 0 : dtype_size(t) == 8 ? 1e-12 : dtype_size(t) == 4 ? 1e-4 : 2e-2;
  return a == b || std::abs(a - b) <= allowed * std::max({1.0, std::abs(a), std::abs(b)});
}

void expect_same(ir::Graph& g, const std::vector<Node>& roots, uint64_t seed, Fuse fuse) {
  const std::string where = "ANNEAL_FUZZ_SEED=" + std::to_string(seed) + " fuse " +
                            std::to_string(static_cast<int>(fuse)) + "\n" + ir::print(g, roots);
  const interp::Bindings bindings = random_bindings(g, roots, seed);
  const auto wanted = interp::evaluate(g, roots, bindings, {.mode = interp::Mode::kExact});
  Schedule schedule;
  std::vector<std::shared_ptr<interp::Array>> found;
  try {
    schedule = make_schedule(g, roots, {}, {.fuse = fuse});
    for (const Launch& launch : schedule.launches)
      for (const Kernel& k : launch.parts)
        ASSERT_EQ(ir::verify(g, std::span(&k.sink, 1), ir::Stage::kKernel, "schedule"), "") << where;
    found = run_schedule(g, schedule, bindings, interp::Mode::kExact);
  } catch (const Error& error) {
    FAIL() << error.what() << "\n" << where;
  }
  for (size_t i = 0; i < wanted.size(); ++i) {
    const size_t count = wanted[i]->bytes.size() / static_cast<size_t>(dtype_size(wanted[i]->dtype));
    for (size_t e = 0; e < count; ++e) {
      const double a = interp::element(*wanted[i], e).as_double(wanted[i]->dtype);
      const double b = interp::element(*found[i], e).as_double(found[i]->dtype);
      ASSERT_TRUE(close(wanted[i]->dtype, a, b))
          << "result " << i << " element " << e << ": " << a << " and " << b << "\n"
          << where;
    }
  }
}

constexpr Fuse kLevels[] = {Fuse::kNone, Fuse::kGreedy, Fuse::kModel};

TEST(ScheduleFuzz, Backward) {
  const uint64_t first = number(support::Flag::kFuzzSeed), count = number(support::Flag::kFuzzPrograms) / 4;
  for (uint64_t seed = first; seed < first + count; ++seed) {
    ir::Graph g;
    const ir::Graph::Scope scope(g);
    std::vector<Node> roots = ir::random_program(
        g, seed, {.nodes = 8 + static_cast<int>(seed % 9), .symbolic = seed % 3 == 0, .floats_only = true});
    std::vector<Node> inputs, ones;
    for (Node n : ir::postorder(g, roots))
      if (g.op(n) == ir::Op::Param && is_float(g.dtype(n))) inputs.push_back(n);
    std::erase_if(roots, [&](Node n) { return !is_float(g.dtype(n)); });
    if (inputs.empty() || roots.empty()) continue;
    const ir::Builder b{g};
    for (Node n : roots) ones.push_back(b.full(g.shape(n), b.constant_float(1, g.dtype(n))));
    std::vector<Node> slopes;
    try {
      slopes = autodiff::vjp(g, roots, ones, inputs);
    } catch (const Error& error) {
      continue;  // an op on the way has no gradient
    }
    roots.insert(roots.end(), slopes.begin(), slopes.end());
    std::erase(roots, Node{});
    expect_same(g, rules::simplify(g, roots), seed, kLevels[seed % 3]);
    if (HasFatalFailure()) return;
  }
}

TEST(ScheduleFuzz, Forward) {
  const uint64_t first = number(support::Flag::kFuzzSeed), count = number(support::Flag::kFuzzPrograms);
  for (uint64_t seed = first; seed < first + count; ++seed) {
    ir::Graph g;
    const ir::Graph::Scope scope(g);
    const std::vector<Node> roots = rules::simplify(
        g,
        ir::random_program(g, seed, {.nodes = 8 + static_cast<int>(seed % 17), .symbolic = seed % 3 == 0}));
    expect_same(g, roots, seed, kLevels[seed % 3]);
    if (HasFatalFailure()) return;
  }
}

}  // namespace
}  // namespace anneal::schedule
