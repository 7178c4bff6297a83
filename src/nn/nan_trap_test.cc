// SPDX-License-Identifier: MIT
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "anneal/anneal.h"

namespace anneal {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

struct Risky {
  nn::Linear fc{2, 2};
  int number = 0;
  Tensor operator()(const Tensor& x) const {
    const nn::Scope here(*this);
    return mean(fc(anneal::log(x) * 2));  // the line that is blamed
  }
};

TEST(NanTrap, NamesTheOpItsModuleAndTheLine) {
  struct Outer {
    Risky risky;
  };
  const auto step = compile(Training{.model = Outer{},
                                     .loss = [](const Outer& m, Inputs in) { return m.risky(in["x"]); },
                                     .inputs = {{"x", {3, 2}}},
                                     .optimizer = Sgd{.lr = 0.1},
                                     .nan_trap = true});
  step({{"x", ones({3, 2})}});
  const std::vector<float> before = step.parameter("risky.fc.weight").to_vector<float>();
  try {
    step({{"x", full({3, 2}, -1.0)}});
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.message(), AllOf(HasSubstr("the loss or a gradient of step 2 is not finite"),
                                       HasSubstr("the first NaN is made by log"), HasSubstr("in risky"),
                                       HasSubstr("nan_trap_test.cc:19")));
  }
  EXPECT_EQ(step.parameter("risky.fc.weight").to_vector<float>(), before) << "nothing was updated";
  EXPECT_EQ(step.steps(), 1);
}

TEST(NanTrap, FindsTheInfinityBehindANaN) {
  struct Net {
    nn::Linear fc{2, 2};
  };
  const auto loss = [](const Net& m, Inputs in) {
    const Tensor big = anneal::exp(in["x"]);
    return sum(m.fc(big - big));
  };
  const auto step = compile(Training{
      .model = Net{}, .loss = loss, .inputs = {{"x", {1, 2}}}, .optimizer = Sgd{}, .nan_trap = true});
  try {
    step({{"x", full({1, 2}, 100.0)}});
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.message(),
                AllOf(HasSubstr("the first NaN is made by"), HasSubstr("of an infinity"), HasSubstr("exp")));
  }
}

TEST(NanTrap, MasksOfInfinityAreNoReason) {
  struct Net {
    nn::Linear fc{4, 4};
  };
  const auto loss = [](const Net& m, Inputs in) {
    const Tensor x = m.fc(in["x"]);
    const Tensor masked = where(tri(3, 3) > 0, matmul(x, transpose(x)), -INFINITY);
    return sum(matmul(softmax(masked), x));
  };
  const auto step = compile(Training{
      .model = Net{}, .loss = loss, .inputs = {{"x", {3, 4}}}, .optimizer = Sgd{}, .nan_trap = true});
  EXPECT_NO_THROW(step({{"x", ones({3, 4})}}));
  EXPECT_EQ(step.steps(), 1);
}

}  // namespace
}  // namespace anneal
