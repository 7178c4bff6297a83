// SPDX-License-Identifier: MIT
// Random programs, forward and backward, with all types and with variables at both ends of their bounds,
// through the whole runtime with poisoned memory:
//   loops    gives what the interpreter gives;
//   cpu      gives the same bits however memory is planned, also over two steps that replace their state; and
//            what the interpreter gives, exactly where nothing in the program may differ in its last bits,
//            for nearly all elements elsewhere.
// ANNEAL_FUZZ_PROGRAMS and ANNEAL_FUZZ_SEED choose how many and from where; a program that fails is made
// small.
#include <gtest/gtest.h>

#include <cmath>

#include "ir/text.h"
#include "pass/shrink.h"
#include "runtime/test_run.h"
#include "schedule/test_fuzz.h"
#include "schedule/test_program.h"
#include "tests/support/test_random.h"

namespace anneal::runtime {
namespace {

using ir::Node;
using ir::Op;
using schedule::Fuse;

constexpr Fuse kLevels[] = {Fuse::kNone, Fuse::kGreedy, Fuse::kModel};

Settings settings_of(const char* device, uint64_t seed, bool share = true) {
  return {.device = device,
          .plan = {.fuse = kLevels[seed / 2 % 3], .share = share},
          .memory_limit = 0,
          .poison = 1};
}

// Where the last bits of a result are free, and with them all that is decided by it.
bool is_inexact(const ir::Graph& g, std::span<const Node> roots) {
  for (const Node n : ir::postorder(g, roots)) {
    if (!is_float(g.dtype(n))) continue;
    if (ir::has_flag(g.op(n), ir::kTranscendental)) return true;
    const auto* reduce = std::get_if<ir::ReduceArg>(&g.arg(n));
    const auto* scan = std::get_if<ir::ScanArg>(&g.arg(n));
    const bool folds =
        reduce != nullptr || (scan != nullptr && g.op(n) == Op::Scan) || g.op(n) == Op::Scatter;
    const ir::ReduceOp op = reduce != nullptr ? reduce->op : scan != nullptr ? scan->op : ir::ReduceOp::kAdd;
    if (folds && (op == ir::ReduceOp::kAdd || op == ir::ReduceOp::kMul)) return true;
  }
  return false;
}

struct Closeness {
  uint64_t programs = 0, exact = 0, elements = 0, far = 0;
};

// A value that the definition itself misses by about as much, in its own precision: the rounding of an f32
// that was widened, what hangs on whether log(exp(1)) is 1. `t` is it in f64.
bool is_free(DType type, double x, double y, double t) {
  if (!is_float(type)) return x != t;
  const double own = std::abs(x - t);
  return !std::isfinite(own) || std::abs(y - t) <= 64 * own;
}

// The first difference, or empty; where last bits are free, differences are counted instead. `truth`: what
// was wanted, in f64; made when there is a difference.
std::string compare(const Arrays& wanted, const Arrays& found, bool inexact, Closeness& closeness,
                    const std::function<Arrays()>& truth) {
  Arrays exact;
  for (size_t i = 0; i < wanted.size(); ++i) {
    const interp::Array &a = *wanted[i], &b = *found[i];
    if (a.shape != b.shape || a.bytes.size() != b.bytes.size())
      return "result " + std::to_string(i) + ": shape";
    const size_t count = a.bytes.size() / static_cast<size_t>(dtype_size(a.dtype));
    for (size_t e = 0; e < count; ++e) {
      const double x = interp::element(a, e).as_double(a.dtype), y = interp::element(b, e).as_double(a.dtype);
      ++closeness.elements;
      if (schedule::close(a.dtype, x, y)) continue;
      if (!inexact)
        return "result " + std::to_string(i) + " element " + std::to_string(e) + ": " + std::to_string(x) +
               " and " + std::to_string(y);
      if (exact.empty()) exact = truth();
      if (!is_free(a.dtype, x, y, interp::element(*exact[i], e).as_double(exact[i]->dtype))) ++closeness.far;
    }
  }
  return {};
}

bool same_bits(const Arrays& a, const Arrays& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const auto& x, const auto& y) {
    return x->shape == y->shape && x->bytes == y->bytes;
  });
}

std::function<Arrays()> in_f64(ir::Graph& g, std::span<const Node> roots, const interp::Bindings& bindings) {
  return [&g, roots, &bindings] {
    return interp::evaluate(g, roots, bindings, {.mode = interp::Mode::kDouble});
  };
}

using Check = std::function<std::string(ir::Graph&, std::span<const Node>, const interp::Bindings&)>;

// The check for one program at each size of its variable; then for its smaller neighbours when it fails.
void run_check(ir::Graph& g, const std::vector<Node>& roots, uint64_t seed, std::span<const int64_t> sizes,
               const Check& check) {
  for (const int64_t size : sizes) {
    const auto bindings = [&](std::span<const Node> some) {
      return schedule::small_bindings(g, some, seed, {{"N", size}});
    };
    const auto failure = [&](std::span<const Node> some) -> std::string {
      const interp::Bindings bound = bindings(some);
      try {
        interp::evaluate(g, some, bound);
      } catch (const Error&) {
        return {};  // it has no value for this N
      }
      try {
        return check(g, some, bound);
      } catch (const Error& error) {
        return error.message();
      }
    };
    const std::string bad = failure(roots);
    if (bad.empty()) continue;
    const auto small =
        pass::shrink(g, roots, [&](std::span<const Node> some) { return !failure(some).empty(); }, 2000);
    FAIL() << "ANNEAL_FUZZ_SEED=" << seed << " N = " << size << ": " << bad << "\n"
           << failure(small.roots) << "\n"
           << ir::print(g, small.roots);
  }
}

// Every fourth program is a backward one.
void run_all(double share, const std::function<Check(uint64_t seed)>& check_of) {
  for (const uint64_t seed : test::seeds(share)) {
    if (testing::Test::HasFatalFailure()) return;
    ir::Graph g;
    const ir::Graph::Scope scope(g);
    const schedule::FuzzShape shape = schedule::shape_of(seed);
    const std::vector<Node> roots = seed % 4 == 1
                                        ? schedule::backward_program(g, seed, shape)
                                        : rules::simplify(g, ir::random_program(g, seed, shape.options));
    if (!roots.empty()) run_check(g, roots, seed, shape.sizes, check_of(seed));
  }
}

TEST(RuntimeFuzz, LoopsGiveWhatTheInterpreterGives) {
  Closeness closeness;
  run_all(0.1, [&](uint64_t seed) -> Check {
    return [&closeness, seed](ir::Graph& g, std::span<const Node> roots, const interp::Bindings& bindings) {
      Context loops(settings_of("loops", seed));
      ++closeness.programs;
      return compare(interp::evaluate(g, roots, bindings), run_rounds(loops, g, roots, bindings),
                     schedule::multiplies_up(g, roots), closeness, in_f64(g, roots, bindings));
    };
  });
  std::printf("%llu programs, %llu elements\n", static_cast<unsigned long long>(closeness.programs),
              static_cast<unsigned long long>(closeness.elements));
}

TEST(RuntimeFuzz, CpuGivesTheSameHoweverMemoryIsPlanned) {
  Closeness closeness;
  run_all(0.025, [&](uint64_t seed) -> Check {
    return [&closeness, seed](ir::Graph& g, std::span<const Node> roots,
                              const interp::Bindings& bindings) -> std::string {
      Context shared(settings_of("cpu", seed)), own(settings_of("cpu", seed, false));
      const Arrays found = run_rounds(shared, g, roots, bindings);
      if (!same_bits(found, run_rounds(own, g, roots, bindings))) return "planned memory gives other bits";
      if (!same_bits(run_rounds(shared, g, roots, bindings, 2), run_rounds(own, g, roots, bindings, 2)))
        return "state that is replaced in place gives other bits";
      const bool inexact = is_inexact(g, roots);
      ++closeness.programs;
      closeness.exact += inexact ? 0 : 1;
      return compare(interp::evaluate(g, roots, bindings), found, inexact, closeness,
                     in_f64(g, roots, bindings));
    };
  });
  EXPECT_LE(static_cast<double>(closeness.far), 0.003 * static_cast<double>(closeness.elements));
  std::printf(
      "%llu programs, %llu of them exact, %llu elements, %llu far\n",
      static_cast<unsigned long long>(closeness.programs), static_cast<unsigned long long>(closeness.exact),
      static_cast<unsigned long long>(closeness.elements), static_cast<unsigned long long>(closeness.far));
}

}  // namespace
}  // namespace anneal::runtime
