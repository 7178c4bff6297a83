// SPDX-License-Identifier: MIT
#include "programs/models.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "anneal/nn.h"
#include "programs/programs.h"
#include "tests/support/test_error.h"

namespace anneal::programs {
namespace {

using testing::HasSubstr;

std::vector<std::pair<std::string, std::vector<int64_t>>> shapes_of(const nn::Sequential& model) {
  std::vector<std::pair<std::string, std::vector<int64_t>>> out;
  for (const nn::NamedParam& p : nn::parameters(model)) out.emplace_back(p.name, p.param.shape());
  return out;
}

TEST(Models, TheSameArchitectureInTwoSizes) {
  ModelSizes trained = kConv.trained;
  trained.side = 28;
  const auto listed = shapes_of(make_conv(kConv.listed)), large = shapes_of(make_conv(trained));
  ASSERT_EQ(listed.size(), large.size());
  for (size_t i = 0; i < listed.size(); ++i) EXPECT_EQ(listed[i].first, large[i].first);
  EXPECT_EQ(listed[0].second, (std::vector<int64_t>{8, 1, 3, 3}));
  EXPECT_EQ(large[2].second, (std::vector<int64_t>{32, 16, 3, 3}));
  EXPECT_EQ(large[4].second, (std::vector<int64_t>{10, 32 * 7 * 7}));
  EXPECT_EQ(shapes_of(make_mlp(kMlp.listed)), shapes_of(make_mlp(kMlp.trained)));
}

TEST(Models, ProgramsTakeOtherSizes) {
  const ProgramInfo info = with_sizes(find_program("nanogpt"), {.layers = 1, .width = 16, .block = 5});
  const Program program = build_program(info, {.batch = 3});
  EXPECT_EQ(program.results[0].value.shape(), (std::vector<int64_t>{3, 5, kCharacters}));
  EXPECT_EQ(info.data(3, 1, 1)[0].value.shape(), (std::vector<int64_t>{3, 5}));
  size_t blocks = 0;
  for (const Parameter& p : program.parameters) blocks += p.name.starts_with("blocks.1.");
  EXPECT_EQ(blocks, 0u);
  EXPECT_EQ(find_program("nanogpt").sizes.layers, 2) << "only the copy has them";
}

TEST(Models, SizesThatDoNotFitAreRefused) {
  EXPECT_THAT(message_of([] { with_sizes(find_program("conv"), {.layers = 3}); }), HasSubstr("conv is none"));
  ModelSizes sizes = kNanoGpt.listed;
  sizes.heads = 5;
  EXPECT_THAT(message_of([&] { gpt_config(sizes); }), HasSubstr("--dmodel 48 does not divide into 5 heads"));
}

}  // namespace
}  // namespace anneal::programs
