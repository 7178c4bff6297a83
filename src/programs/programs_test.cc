// SPDX-License-Identifier: MIT
#include "programs/programs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "interp/arrays.h"
#include "ir/verify.h"
#include "ir/walk.h"
#include "programs/data.h"
#include "programs/session.h"
#include "tensor/call.h"

namespace anneal::programs {
namespace {

using ::testing::HasSubstr;

std::vector<ir::Node> nodes_of(const std::vector<Tensor>& tensors) {
  std::vector<ir::Node> out;
  for (const Tensor& t : tensors) out.push_back(node_of(t));
  return out;
}

TEST(Programs, VerifyWithAndWithoutTraining) {
  ir::Graph& graph = ir::default_graph();
  for (const ProgramInfo& info : all_programs())
    for (bool train : {false, true}) {
      const Program program = build_program(info, {.train = train});
      const ir::Graph::Scope scope(graph);
      EXPECT_EQ(ir::verify(graph, nodes_of(program.roots()), ir::Stage::kTensor), "") << info.name;
      EXPECT_EQ(program.gradients.size(), train ? program.parameters.size() : 0u);
      EXPECT_EQ(program.updates.size(), train ? program.parameters.size() + program.state.size() : 0u);
    }
}

TEST(Programs, Gpt2HasItsParameters) {
  const Program program = build_program(find_program("gpt2"), {.train = true});
  EXPECT_EQ(program.parameters.size(), 148u);
  int64_t count = 0;
  std::set<std::string> names;
  for (const Parameter& p : program.parameters) {
    count += p.value.numel();
    names.insert(p.name);
  }
  EXPECT_EQ(count, 124439808);
  EXPECT_EQ(names.size(), 148u);
  EXPECT_TRUE(names.contains("h.11.attn.c_attn.weight"));
  EXPECT_TRUE(names.contains("h.0.mlp.c_proj.bias"));
}

TEST(Programs, NodesCarryTheirModule) {
  const Program program = build_program(find_program("gpt2"), {.train = true});
  ir::Graph& graph = ir::default_graph();
  const ir::Graph::Scope scope(graph);
  std::set<std::string> forward, backward;
  for (ir::Node n : ir::postorder(graph, nodes_of(program.roots()))) {
    const ir::Origin& origin = graph.origin(n);
    (origin.phase == ir::Phase::kForward ? forward : backward).insert(graph.module_path(origin.path));
  }
  EXPECT_TRUE(forward.contains("h.3.attn"));
  EXPECT_TRUE(forward.contains("h.3.mlp.c_fc"));
  EXPECT_TRUE(backward.contains("h.3.attn"));
}

TEST(Programs, UnknownNamesGiveTheNearestAndTheList) {
  try {
    find_program("nanogtp");
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.message(), HasSubstr("the nearest is nanogpt"));
    EXPECT_THAT(error.message(), HasSubstr("gpt2:"));
  }
  EXPECT_THROW(build_program(find_program("mlp"), {.batch = -1}), Error);
}

double train(const char* name, const BuildOptions& options, int64_t steps) {
  const ProgramInfo& info = find_program(name);
  Session session(build_program(info, options), 1);
  double loss = 0;
  for (int64_t step = 1; step <= steps; ++step) {
    session.set(info.data(options.batch != 0 ? options.batch : info.batch(), 1, step));
    loss = interp::doubles_of(*session.run()[0])[0];
  }
  return loss;
}

TEST(Programs, TrainingLowersTheLoss) {
  const double start = std::log(3.0);
  EXPECT_LT(train("mlp", {.train = true}, 120), 0.4 * start);
  EXPECT_LT(train("mlp", {.train = true, .optimizer = parse_optimizer("sgd lr=0.3 momentum=0.9")}, 200),
            0.8 * start);
  EXPECT_LT(train("mlp", {.train = true, .optimizer = parse_optimizer("adam lr=1e-2")}, 120), 0.4 * start);
}

TEST(Programs, TheSameSeedGivesTheSameBits) {
  EXPECT_EQ(train("conv", {.train = true, .batch = 4}, 3), train("conv", {.train = true, .batch = 4}, 3));
}

TEST(Data, TokensAreCharacters) {
  for (char c : corpus()) EXPECT_EQ(to_token(c), c == '\n' ? kCharacters - 1 : c - ' ');
  EXPECT_GT(corpus().size(), 4000u);
  const std::vector<Named> batch = text_data(2, 8, 3, 5);
  const std::vector<int32_t> ids = batch[0].value.to_vector<int32_t>(),
                             targets = batch[1].value.to_vector<int32_t>();
  for (size_t i = 0; i < 7; ++i) EXPECT_EQ(ids[i + 1], targets[i]);
  EXPECT_EQ(ids, text_data(2, 8, 3, 5)[0].value.to_vector<int32_t>());
  EXPECT_NE(ids, text_data(2, 8, 3, 6)[0].value.to_vector<int32_t>());
}

TEST(Session, MissingInputsAreNamed) {
  Session session(build_program(find_program("mlp"), {}), 1);
  try {
    session.run();
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.message(), HasSubstr("the input x has no value"));
  }
}

}  // namespace
}  // namespace anneal::programs
