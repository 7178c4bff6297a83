// SPDX-License-Identifier: MIT
// Plans of the built-in programs and of small ones: memory against its lower bound, what lies in what, and
// plans that are broken on purpose.
#include <gtest/gtest.h>

#include "anneal/anneal.h"
#include "anneal/error.h"
#include "plan/build_plan.h"
#include "plan/check_plan.h"
#include "plan/guards.h"
#include "programs/programs.h"
#include "tensor/call.h"

namespace anneal::plan {
namespace {

using schedule::Fuse;

struct PlanTest : testing::Test {
  ir::Graph& graph = ir::default_graph();
  ir::Graph::Scope scope{graph};

  Planned plan(const std::vector<Tensor>& roots, uint32_t inputs, std::vector<int32_t> updates = {},
               const PlanOptions& options = {}) {
    std::vector<ir::Node> nodes;
    for (const Tensor& t : roots) nodes.push_back(node_of(t));
    return build_plan(graph, {nodes, inputs, std::move(updates)}, {}, options);
  }
};

TEST_F(PlanTest, BuiltInProgramsTakeLittleMoreThanTheirLowerBound) {
  for (const programs::ProgramInfo& info : programs::all_programs())
    for (const bool train : {false, true})
      for (const Fuse fuse : {Fuse::kNone, Fuse::kModel}) {
        if (fuse == Fuse::kNone && info.name == "gpt2") continue;  // thousands of kernels: slow here
        const programs::Program p = programs::build_program(info, {.train = train});
        const auto count = static_cast<uint32_t>(p.inputs.size() + p.parameters.size() + p.state.size());
        std::vector<int32_t> updates(p.results.size(), -1);
        for (size_t i = 0; i < p.updates.size(); ++i) {
          const Tensor& old =
              i < p.parameters.size() ? p.parameters[i].value : p.state[i - p.parameters.size()].value;
          updates.push_back(static_cast<int32_t>(graph.arg_as<ir::ParamArg>(node_of(old)).index));
        }
        const ExecPlan found = plan(p.roots(), count, updates, {.fuse = fuse}).plan;
        EXPECT_EQ(check_plan(found), "");
        EXPECT_GE(found.arena_bytes, found.lower_bound);
        const double ratio = static_cast<double>(found.arena_bytes) / static_cast<double>(found.lower_bound);
        EXPECT_LE(ratio, 1.15) << info.name << " " << train;
        size_t overwritten = 0;
        for (const Input& in : found.inputs) overwritten += in.overwritten ? 1 : 0;
        EXPECT_TRUE(fuse == Fuse::kNone || overwritten == p.updates.size())
            << info.name << " " << overwritten;
        std::printf(
            "%-8s %-8s %-6s arena %14llu bound %14llu ratio %.4f steps %zu overwritten %zu\n",
            std::string(info.name).c_str(), train ? "train" : "forward",
            fuse == Fuse::kNone ? "none" : "model", static_cast<unsigned long long>(found.arena_bytes),
            static_cast<unsigned long long>(found.lower_bound), ratio, found.steps.size(), overwritten);
      }
}

TEST_F(PlanTest, AChainOfRowsRunsInOneMemory) {
  Tensor t = input(0, {32, 100});
  for (int i = 0; i < 4; ++i) t = cumsum(t * 2, 1) + 1;
  const ExecPlan shared = plan({t}, 1, {}, {.fuse = Fuse::kNone}).plan;
  const ExecPlan own = plan({t}, 1, {}, {.fuse = Fuse::kNone, .share = false}).plan;
  EXPECT_LE(shared.arena_bytes, 2 * 32 * 100 * 4u);
  EXPECT_GT(own.arena_bytes, 2 * shared.arena_bytes);
  EXPECT_EQ(check_plan(own), "");
}

// Where rows of scores do not fit on the chip, either.
TEST_F(PlanTest, AttentionHasNoMemoryThatGrowsWithTheSquareOfItsLength) {
  const auto largest = [&](const Extent& length, DType t, int64_t groups) {
    const Sizes queries{1, 4, length, 64}, keys{1, groups, length, 64};
    const std::vector<Tensor> in = {input(0, queries, t), input(1, keys, t), input(2, keys, t)};
    const Tensor out = scaled_dot_product_attention(in[0], in[1], in[2], {.causal = true});
    std::vector<Tensor> results = gradients(sum(square(cast(out, f32))), in);
    results.push_back(out);
    uint64_t most = 0;
    for (const Block& b : plan(results, 3).plan.blocks) most = std::max(most, b.bytes);
    return most;
  };
  for (const int64_t length : {512, 16384, 65536}) {
    const auto of_queries = static_cast<uint64_t>(4 * length * 64 * 4);
    EXPECT_LE(largest(length, f32, 4), of_queries);
    EXPECT_LE(largest(length, bf16, 4), of_queries);
    EXPECT_LE(largest(length, f32, 2), of_queries);
  }
  EXPECT_LE(largest(dim("t", 1, 16384), f32, 4), 4u * 16384 * 64 * 4);
}

TEST_F(PlanTest, OnlyWhatIsReadInStepIsOverwritten) {
  const Tensor state = input(0, {8, 8});
  const auto overwritten = [&](const std::vector<Tensor>& roots, std::vector<int32_t> updates) {
    return plan(roots, 1, std::move(updates)).plan.inputs[0].overwritten;
  };
  EXPECT_TRUE(overwritten({state * 2}, {0}));
  EXPECT_FALSE(overwritten({state * 2}, {-1})) << "it was not given away";
  EXPECT_FALSE(overwritten({transpose(state)}, {0})) << "reads elsewhere";
  EXPECT_FALSE(overwritten({matmul(state, state)}, {0})) << "reads whole rows";
  EXPECT_TRUE(overwritten({state + sum(state, 1, true)}, {0})) << "the sums are stored before";
  EXPECT_FALSE(overwritten({state * 2, state}, {0, -1})) << "the old value is a result too";
  EXPECT_TRUE(overwritten({state * 2, cumsum(state, 1)}, {0, -1})) << "read before";
}

TEST_F(PlanTest, ResultsHaveMemoryOfTheirOwn) {
  const Tensor x = input(0, {4, 4});
  const ExecPlan p = plan({exp(x), x, exp(x).reshape({16})}, 1).plan;
  EXPECT_EQ(p.blocks[p.results[0].block].place, Place::kResult);
  EXPECT_EQ(p.blocks[p.results[1].block].place, Place::kInput);
  EXPECT_EQ(p.results[0].block, p.results[2].block) << "another shape of the same value";
  EXPECT_EQ(p.result_bytes, std::vector<uint64_t>{64});
}

TEST_F(PlanTest, SymbolicExtentsAreSizedAtTheirMaximumAndGuarded) {
  const Extent n = dim("n", 1, 12), m = dim("m", 1, 12);
  const Tensor x = input(0, {n, 4}), y = input(1, {m, 4});
  const Tensor joined = cat({x, y.reshape({n, 4})}, 1);
  const ExecPlan p = plan({cumsum(joined, 0)}, 2, {}, {.fuse = Fuse::kNone}).plan;
  EXPECT_EQ(p.result_bytes[0], 12u * 8 * 4);
  ASSERT_EQ(p.vars.size(), 2u);
  EXPECT_EQ(p.vars[0].name, "m");
  check_variables(p, std::vector<int64_t>{7, 7});
  const auto message = [&](std::vector<int64_t> vars) {
    try {
      check_variables(p, vars);
    } catch (const Error& e) {
      return e.message();
    }
    return std::string();
  };
  EXPECT_NE(message({7, 8}).find("m = 7, n = 8"), std::string::npos) << message({7, 8});
  EXPECT_NE(message({7, 13}).find("\"n\": is bound to 13, allowed is 1 to 12"), std::string::npos);
}

TEST_F(PlanTest, BrokenPlansAreFound) {
  const Tensor x = input(0, {64, 64});
  const Tensor a = cumsum(x, 0), b = cumsum(a, 1), c = cumsum(x * 3, 1);
  ExecPlan good = plan({matmul(b, c) + a}, 1, {}, {.fuse = Fuse::kNone}).plan;
  ASSERT_EQ(check_plan(good), "");
  size_t broken = 0, arena = 0;
  for (size_t i = 0; i < good.blocks.size(); ++i) {
    if (good.blocks[i].place != Place::kArena) continue;
    ++arena;
    for (size_t j = 0; j < good.blocks.size(); ++j) {
      if (good.blocks[j].place != Place::kArena || good.blocks[j].offset == good.blocks[i].offset) continue;
      ExecPlan bad = good;
      bad.blocks[i].offset = good.blocks[j].offset;
      broken += check_plan(bad).empty() ? 0 : 1;
    }
  }
  EXPECT_GE(arena, 3u);
  EXPECT_GT(broken, 0u);
  ExecPlan outside = good;
  outside.arena_bytes -= kAlignment;
  EXPECT_NE(check_plan(outside), "");
  ExecPlan order = good;
  std::swap(order.steps[0], order.steps.back());
  EXPECT_NE(check_plan(order), "");
}

}  // namespace
}  // namespace anneal::plan
