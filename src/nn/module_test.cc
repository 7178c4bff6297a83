// SPDX-License-Identifier: MIT
#include "anneal/nn/module.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "anneal/anneal.h"
#include "tests/support/test_error.h"

namespace anneal::nn {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

template <typename M>
std::vector<std::string> names_of(const M& model) {
  std::vector<std::string> out;
  for (const NamedParam& p : parameters(model)) out.push_back(p.name);
  return out;
}

struct Attention {
  Linear qkv{4, 12}, out{4, 4, {.bias = false}};
};
struct Layers {
  int64_t heads = 2;
  std::string name = "block";
  Attention attn;
  std::optional<LayerNorm> norm, none;
  std::function<Tensor(const Tensor&)> function = [](const Tensor& x) { return x; };
  std::vector<int> numbers = {1, 2};
};
struct Whole {
  Embedding wte{5, 4};
  std::vector<Layers> blocks;
  std::array<Linear, 2> heads{Linear(4, 1), Linear(4, 2)};
  Param scale{{}, init::ones()};
};

TEST(Walk, NamesAreThePathsOfMembers) {
  Whole model;
  model.blocks.resize(2);
  model.blocks[1].norm = LayerNorm(4);
  EXPECT_THAT(names_of(model),
              ElementsAre("wte.weight", "blocks.0.attn.qkv.weight", "blocks.0.attn.qkv.bias",
                          "blocks.0.attn.out.weight", "blocks.1.attn.qkv.weight", "blocks.1.attn.qkv.bias",
                          "blocks.1.attn.out.weight", "blocks.1.norm.weight", "blocks.1.norm.bias",
                          "heads.0.weight", "heads.0.bias", "heads.1.weight", "heads.1.bias", "scale"));
}

class Closed {
 public:
  explicit Closed(int64_t width) : first(width, 2), second_(2, width) {}
  ANNEAL_MEMBERS(first, second_)
  Linear first;

 private:
  Linear second_;
};

TEST(Walk, AMacroNamesTheMembersOfClasses) {
  struct Outer {
    Closed closed{3};
  };
  EXPECT_THAT(names_of(Outer()), ElementsAre("closed.first.weight", "closed.first.bias",
                                             "closed.second_.weight", "closed.second_.bias"));
}

template <typename F>
struct WithLambda {
  F act;
  Linear fc{2, 2};
};

TEST(Walk, LambdasAndLocalTypes) {
  const auto act = [k = 2](const Tensor& x) { return x * k; };
  const WithLambda<std::decay_t<decltype(act)>> model{act};
  EXPECT_THAT(names_of(model), ElementsAre("fc.weight", "fc.bias"));
  struct Nested {
    struct Inner {
      Linear a{1, 1}, _b2{1, 1};
    } inner;
    const double number = 3;
    Tensor data;
    ConvOptions options;
  };
  EXPECT_THAT(names_of(Nested()),
              ElementsAre("inner.a.weight", "inner.a.bias", "inner._b2.weight", "inner._b2.bias"));
}

struct Arrays {
  char name[6] = "model";
  Linear pair[2] = {Linear(1, 1), Linear(1, 2, {.bias = false})};
  int64_t size = 3;
  std::vector<Param> list = {Param({1}, init::zeros()), Param({2}, init::zeros())};
  float grid[2] = {0, 0};
  Linear last{1, 1, {.bias = false}};
};

TEST(Walk, ArraysAndListsOfParameters) {
  EXPECT_THAT(names_of(Arrays()), ElementsAre("pair.0.weight", "pair.0.bias", "pair.1.weight", "list.0",
                                              "list.1", "last.weight"));
}

struct Settings {
  int a = 0, b = 0;
  unsigned flag : 1 = 0;  // which has no address
};
struct WithSettings {
  Settings settings;
  Dropout dropout{0.1};
  Linear fc{1, 1, {.bias = false}};
};

struct Boxes {
  std::unique_ptr<Linear> boxed = std::make_unique<Linear>(2, 2, LinearOptions{.bias = false}), none;
  std::map<std::string, Attention> by_name;
  std::pair<Param, std::optional<Linear>> pair{Param({1}, init::ones()), {}};
};
TEST(Walk, BoxesMapsAndPairs) {
  Boxes model;
  model.by_name.emplace("left", Attention());
  EXPECT_THAT(names_of(model), ElementsAre("boxed.weight", "by_name.left.qkv.weight", "by_name.left.qkv.bias",
                                           "by_name.left.out.weight", "pair.first"));
  static_assert(detail::is_shared_module<std::shared_ptr<Linear>>);
  static_assert(!detail::is_shared_module<std::shared_ptr<int>>);
}

TEST(Walk, SettingsAreNotLookedInto) { EXPECT_THAT(names_of(WithSettings()), ElementsAre("fc.weight")); }

struct Many {
  Param a{{1}, init::zeros()}, b = a, c{{1}, init::zeros()}, d = c, e = a, f = a, g = a, h = a, i = a, j = a,
                               k{{1}, init::zeros()};
};

TEST(Walk, TiedParametersAreOneUnderTheirFirstName) {
  EXPECT_THAT(names_of(Many()), ElementsAre("a", "c", "k"));
  struct Tied {
    Embedding wte{5, 4};
    Linear head{4, 5, {.bias = false}};
  };
  Tied model;
  model.head.weight = model.wte.weight;
  EXPECT_THAT(names_of(model), ElementsAre("wte.weight"));
  initialize(model, 1);
  NamedTensors other = {{"head.weight", ones({5, 4})}};
  EXPECT_EQ(load_state_dict(model, other).loaded, 1u);
  EXPECT_EQ(model.wte.weight.tensor().sum().item<float>(), 20);
}

TEST(Params, WithoutAValueTheySayWhatToDo) {
  const Linear made(2, 3);
  EXPECT_THAT(message_of([&] { made(ones({1, 2})); }),
              ::testing::AllOf(HasSubstr("f32[3,2]"), HasSubstr("has no value yet: call nn::initialize"),
                               HasSubstr("module_test.cc")));
  const Linear empty;
  EXPECT_THAT(message_of([&] { empty(ones({1, 2})); }), HasSubstr("was never made"));
  EXPECT_THAT(message_of([&] { names_of(empty); }), HasSubstr("the parameter weight was never made"));
  EXPECT_THAT(message_of([] { Linear(0, 3); }), HasSubstr("a width of 0"));
}

TEST(Params, ValuesFollowFromSeedAndPathAlone) {
  struct One {
    Linear a{3, 4}, b{3, 4};
  };
  struct Two {
    Linear b{3, 4}, extra{7, 2}, a{3, 4};
  };
  const One one;
  const Two two;
  initialize(one, 5);
  initialize(two, 5);
  EXPECT_EQ(one.a.weight.tensor().to_vector<float>(), two.a.weight.tensor().to_vector<float>());
  EXPECT_EQ(one.b.weight.tensor().to_vector<float>(), two.b.weight.tensor().to_vector<float>());
  EXPECT_NE(one.a.weight.tensor().to_vector<float>(), one.b.weight.tensor().to_vector<float>());
  const One other;
  initialize(other, 6);
  EXPECT_NE(one.a.weight.tensor().to_vector<float>(), other.a.weight.tensor().to_vector<float>());
  // What it is: normal numbers of a key split from the seed by the path.
  uint64_t hash = 0xcbf29ce484222325u;
  for (char c : std::string("a.weight")) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  const Tensor expected = Rng(5).split(hash).randn({4, 3}) * (1 / std::sqrt(3.0));
  EXPECT_EQ(one.a.weight.tensor().to_vector<float>(), expected.to_vector<float>());
}

TEST(Params, InitializeKeepsWhatHasAValue) {
  const Linear layer(2, 2);
  layer.weight.set(full({2, 2}, 3.0));
  initialize(layer, 1);
  EXPECT_EQ(layer.weight.tensor().to_vector<float>(), std::vector<float>(4, 3));
  EXPECT_EQ((layer.weight * 2 + 1).sum().item<float>(), 28);
  EXPECT_THAT(message_of([&] { layer.weight.set(ones({3})); }), HasSubstr("a value of f32[3]"));
}

TEST(Params, AreStoredInOneTypeAndComputedWithInAnother) {
  const Linear plain(6, 4), narrow(6, 4);
  initialize(plain, 3);
  initialize(narrow, 3);
  store_as(narrow, bf16, [](std::string_view name) { return name == "weight"; });
  EXPECT_EQ(narrow.weight.dtype(), bf16);
  EXPECT_EQ(narrow.weight.tensor().dtype(), f32);
  EXPECT_EQ(state_dict(narrow)[0].value.dtype(), bf16);
  EXPECT_EQ(state_dict(narrow)[1].value.dtype(), f32);
  const Tensor x = randn({3, 6}, {.seed = 4});
  EXPECT_EQ(narrow(x).dtype(), f32);
  const Tensor wanted = linear(x, plain.weight.tensor().to(bf16).to(f32), plain.bias->tensor());
  EXPECT_EQ(narrow(x).to_vector<float>(), wanted.to_vector<float>());
  load_state_dict(narrow, state_dict(plain));
  EXPECT_EQ(narrow.weight.stored().dtype(), bf16);
  narrow.weight.set(ones({4, 6}));
  EXPECT_EQ(narrow.weight.stored().type(), "bf16[4,6]");
  EXPECT_THAT(message_of([&] { store_as(plain, i8); }), HasSubstr("parameters are floats, not i8"));
  // Before there are values, and in a step.
  const Linear later(6, 4);
  store_as(later, f16);
  initialize(later, 3);
  EXPECT_EQ(later.weight.stored().dtype(), f16);
  const auto step = compile(Training{.model = later,
                                     .loss = [](const Linear& m, Inputs in) { return sum(m(in["x"])); },
                                     .inputs = {{"x", {3, 6}}},
                                     .optimizer = Sgd{.lr = 0.5}});
  step({{"x", x}});
  EXPECT_EQ(step.parameter("bias").type(), "f16[4]");
  EXPECT_EQ(step.parameter("bias").to_vector<float>(), std::vector<float>(4, -1.5f));
}

TEST(StateDicts, ReportWhatDoesNotFit) {
  struct Net {
    Linear fc1{2, 3}, fc2{3, 1};
  };
  const Net net;
  initialize(net, 1);
  const NamedTensors mine = state_dict(net);
  EXPECT_EQ(mine.size(), 4u);
  NamedTensors other = {{"fc1.weight", ones({2, 3})}, {"fc1.bias", ones({3})}, {"fc2.weights", ones({1, 3})}};
  const std::string error = message_of([&] { load_state_dict(net, other); });
  EXPECT_THAT(error, HasSubstr("missing:\n    fc2.weight\n    fc2.bias"));
  EXPECT_THAT(error, HasSubstr("fc2.weights (the nearest is fc2.weight)"));
  EXPECT_THAT(error, HasSubstr("fc1.weight: f32[3,2] is needed, f32[2,3] was given"));
  EXPECT_NE(net.fc1.bias->tensor().to_vector<float>(), std::vector<float>(3, 1)) << "nothing is taken";
  const LoadReport report = load_state_dict(net, other, false);
  EXPECT_EQ(report.loaded, 1u);
  EXPECT_EQ(net.fc1.bias->tensor().to_vector<float>(), std::vector<float>(3, 1));
  const Net copy{Linear(2, 3), Linear(3, 1)};
  EXPECT_TRUE(load_state_dict(copy, state_dict(net)).ok());
  EXPECT_EQ(copy.fc2.weight.tensor().to_vector<float>(), net.fc2.weight.tensor().to_vector<float>());
}

TEST(Substitutes, StandForParameters) {
  const Linear layer(2, 1);
  const std::vector<NamedParam> params = parameters(layer);
  const auto loss = [&](const Tensor& w, const Tensor& b) {
    const Substitute now(params, {w, b});
    return sum(layer(ones({3, 2})));
  };
  const Tensor slope = grad(loss)(ones({1, 2}), zeros({1}));
  EXPECT_EQ(slope.to_vector<float>(), (std::vector<float>{3, 3}));
  EXPECT_THAT(message_of([&] { Substitute(params, {ones({1, 2})}); }),
              HasSubstr("1 tensors for 2 parameters"));
  EXPECT_THAT(message_of([&] { Substitute(params, {ones({2, 2}), zeros({1})}); }),
              HasSubstr("weight needs f32[1,2], not f32[2,2]"));
}

}  // namespace
}  // namespace anneal::nn
