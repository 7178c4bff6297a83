// SPDX-License-Identifier: MIT
// State that is written in part: random programs that scatter into the input whose place the result takes,
// beside others that read it before and after. Memory that is shared gives the bits of memory that is not,
// over several steps, and those of the interpreter.
#include <gtest/gtest.h>

#include "ir/builder.h"
#include "ir/text.h"
#include "runtime/test_run.h"
#include "schedule/test_program.h"
#include "support/random_stream.h"
#include "tests/support/test_random.h"

namespace anneal::runtime {
namespace {

using ir::Dim;
using ir::Node;
using ir::Op;

class ScatterProgram {
 public:
  ScatterProgram(ir::Graph& graph, uint64_t seed) : b_{graph}, random_(seed) {}

  std::vector<Node> roots() {
    constexpr DType kTypes[] = {f32, f32, f16, bf16, i32, i64};
    type_ = kTypes[random_.below(6)];
    const auto rank = static_cast<size_t>(1 + random_.below(3));
    for (size_t i = 0; i < rank; ++i) whole_.emplace_back(static_cast<int64_t>(1 + random_.below(7)));
    if (random_.below(3) == 0) whole_[random_.below(rank)] = Dim(b_.var("N", 1, 6));
    const Node state = b_.param(0, type_, whole_);
    Node next = scattered(state, state, 1);
    if (random_.below(4) == 0) next = scattered(next, state, 3);
    std::vector<Node> out{next};
    if (random_.below(2) == 0) out.push_back(b_.reduce(state, ir::ReduceOp::kMax, all()));  // before
    if (random_.below(2) == 0) out.push_back(b_.reduce(next, ir::ReduceOp::kMax, all()));   // and after
    if (random_.below(3) == 0) out.push_back(b_.neg(next));
    return out;
  }

 private:
  ir::AxisMask all() const { return (ir::AxisMask{1} << whole_.size()) - 1; }

  // Places are -5 to 5: some lie outside, some meet.
  Node scattered(Node base, Node state, int64_t number) {
    const auto axis = static_cast<int>(random_.below(whole_.size()));
    std::vector<Dim> part = whole_;
    const uint64_t count = random_.below(4) == 0 ? 1 + random_.below(4) : 1;
    part[static_cast<size_t>(axis)] = Dim(static_cast<int64_t>(count));
    const Node places = b_.param(number, random_.below(2) == 0 ? i32 : i64, part);
    Node update = b_.param(number + 1, type_, part);
    const auto how = random_.below(4);
    if (how == 0) update = b_.neg(update);
    if (how == 1) update = b_.add(update, b_.expand(b_.reduce(state, ir::ReduceOp::kMax, all()), part));
    const auto mode = random_.below(3) == 0 ? ir::ScatterMode::kAdd : ir::ScatterMode::kSet;
    return b_.scatter(base, places, update, axis, mode);
  }

  ir::Builder b_;
  support::RandomStream random_;
  DType type_ = f32;
  std::vector<Dim> whole_;
};

std::string difference_of(const Arrays& wanted, const Arrays& found) {
  for (size_t i = 0; i < wanted.size(); ++i)
    if (const std::string bad = schedule::difference(*wanted[i], *found[i]); !bad.empty())
      return "result " + std::to_string(i) + ": " + bad;
  return {};
}

TEST(ScatterFuzz, StateThatIsWrittenInPart) {
  uint64_t in_place = 0, programs = 0;
  for (const uint64_t seed : test::seeds(0.05)) {
    ir::Graph g;
    const ir::Graph::Scope scope(g);
    const std::vector<Node> roots = ScatterProgram(g, seed).roots();
    const std::string text = "ANNEAL_FUZZ_SEED=" + std::to_string(seed) + "\n" + ir::print(g, roots);
    for (const int64_t size : {int64_t{1}, int64_t{6}}) {
      const interp::Bindings bindings = schedule::small_bindings(g, roots, seed, {{"N", size}});
      for (const char* device : {"loops", "cpu"}) {
        Context shared({.device = device, .poison = 1});
        Context own({.device = device, .plan = {.share = false}, .poison = 1});
        ASSERT_EQ(difference_of(interp::evaluate(g, roots, bindings), run_rounds(shared, g, roots, bindings)),
                  "")
            << text;
        ASSERT_EQ(
            difference_of(run_rounds(own, g, roots, bindings, 3), run_rounds(shared, g, roots, bindings, 3)),
            "")
            << text;
        const Canonical program = canonicalize(g, roots);
        const plan::Request request{program.roots, static_cast<uint32_t>(program.leaves.size()),
                                    possible_updates(g, roots, program)};
        const auto executor = shared.compile(g, request);
        const auto& inputs = executor->plan().inputs;
        ++programs;
        in_place += std::any_of(inputs.begin(), inputs.end(), [](const auto& i) { return i.overwritten; });
      }
    }
  }
  EXPECT_GT(in_place * 3, programs);  // or nothing was tested
  std::printf("%llu runs, %llu of them in place\n", static_cast<unsigned long long>(programs),
              static_cast<unsigned long long>(in_place));
}

}  // namespace
}  // namespace anneal::runtime
