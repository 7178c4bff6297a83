// SPDX-License-Identifier: MIT
#include "programs/sequential.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "anneal/nn.h"
#include "programs/optimizer.h"

namespace anneal::programs {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(Layers, NumbersOptionsAndTuples) {
  const auto layers = parse_layers(
      "Conv2d(1,4,3,pad1) ReLU MaxPool2d(2) Conv2d(4, 8, (3,5), stride=2, padding=(1,2), bias=False) Flatten "
      "Linear(200,5)");
  ASSERT_EQ(layers.size(), 6u);
  EXPECT_EQ(layers[0].name, "Conv2d");
  EXPECT_THAT(layers[0].numbers, ElementsAre(ElementsAre(1), ElementsAre(4), ElementsAre(3)));
  EXPECT_THAT(layers[0].options.at("padding"), ElementsAre(1));
  EXPECT_TRUE(layers[1].numbers.empty());
  EXPECT_THAT(layers[3].numbers[2], ElementsAre(3, 5));
  EXPECT_THAT(layers[3].options.at("padding"), ElementsAre(1, 2));
  EXPECT_THAT(layers[3].options.at("bias"), ElementsAre(0));
  EXPECT_EQ(layers[5].name, "Linear");
}

TEST(Layers, MistakesAreNamedWithTheirColumn) {
  const auto message = [](const char* text) {
    try {
      parse_layers(text);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kParse);
      return error.message();
    }
    return std::string("no error");
  };
  EXPECT_THAT(message(""), HasSubstr("there is no layer"));
  EXPECT_THAT(message("Linera(1,2)"), HasSubstr("nearest is Linear"));
  EXPECT_THAT(message("Linear(1,2"), HasSubstr("expected ',' or ')'"));
  EXPECT_THAT(message("Linear(1,x=2)"), HasSubstr("there is no option x"));
  EXPECT_THAT(message("Linear(1,bias=maybe)"), HasSubstr("True or False"));
  EXPECT_THAT(message("Linear(1,2))"), HasSubstr("column 12"));
  EXPECT_THAT(message("Linear(-inf,2)"), HasSubstr("column 8"));
  EXPECT_THAT(message("ReLU \x01"), HasSubstr("column 6"));
}

// The layers, with parameters that are all zeros.
nn::Sequential zero_layers(const char* text) {
  nn::Sequential out = make_sequential(parse_layers(text));
  for (const nn::NamedParam& p : nn::parameters(out)) p.param.set(0);
  return out;
}

TEST(Layers, PathsCountLayersWithoutParameters) {
  const nn::Sequential layers =
      zero_layers("Conv2d(1,4,3) ReLU MaxPool2d(2) Conv2d(4,8,3,pad1) ReLU Flatten Linear(200,5)");
  EXPECT_EQ(layers(zeros({2, 1, 12, 12})).shape(), (std::vector<int64_t>{2, 5}));
  std::vector<std::string> paths;
  for (const nn::NamedParam& p : nn::parameters(layers)) paths.push_back(p.name);
  EXPECT_THAT(paths, ElementsAre("0.weight", "0.bias", "3.weight", "3.bias", "6.weight", "6.bias"));
}

TEST(Layers, ThatLackABiasDoWithout) {
  const nn::Sequential layers = make_sequential(parse_layers("Linear(2,3) LayerNorm(3) Linear(3,1)"),
                                                [](const std::string& path) { return path != "0.bias"; });
  EXPECT_EQ(nn::parameters(layers).size(), 5u);
}

TEST(Layers, EveryKindRunsOnce) {
  struct Case {
    const char* layers;
    Sizes input;
    std::vector<int64_t> shape;
    double value;  // of every element: all parameters and the input are 0
  };
  const Case cases[] = {
      {"Conv1d(2,4,3,s2) ConvTranspose1d(4,2,3) MaxPool1d(2) AvgPool1d(2) AdaptiveAvgPool1d(3)",
       {1, 2, 40},
       {1, 2, 3},
       0},
      {"BatchNorm2d(2) GroupNorm(1,2) AvgPool2d(2) AdaptiveMaxPool2d((2,3)) ConvTranspose2d(2,3,2,stride=2)",
       {2, 2, 8, 8},
       {2, 3, 4, 6},
       0},
      {"Conv3d(1,2,2) MaxPool3d(2) AvgPool3d(1) AdaptiveAvgPool3d(1)", {1, 1, 5, 5, 5}, {1, 2, 1, 1, 1}, 0},
      {"LayerNorm(4) RMSNorm(4) GELU GELU(tanh) ELU(0.5) CELU LeakyReLU(0.2) PReLU Softplus Hardtanh Softmax "
       "LogSoftmax(dim=1)",
       {2, 4},
       {2, 4},
       -std::log(4.0)},
      {"ReLU6 Sigmoid LogSigmoid Hardsigmoid Hardswish SiLU Mish SELU Softsign Tanh Identity Dropout(0)",
       {2, 4},
       {2, 4},
       0.082974922},
  };
  for (const auto& [text, sizes, shape, value] : cases) {
    const Tensor y = zero_layers(text)(zeros(sizes));
    EXPECT_EQ(y.shape(), shape) << text;
    EXPECT_THAT(y.to_vector<double>(), testing::Each(testing::DoubleNear(value, 1e-6))) << text;
  }
  EXPECT_EQ(zero_layers("Embedding(7,3) Flatten")(zeros({2, 5}, i32)).shape(), (std::vector<int64_t>{2, 15}));
  EXPECT_THROW(make_sequential(parse_layers("Dropout(0.5)")), Error);
}

TEST(OptimizerText, NameSettingsAndRemarks) {
  const Optimizer optimizer = parse_optimizer("adamw lr=1e-3 wd=0.1 on all parameters");
  ASSERT_TRUE(std::holds_alternative<AdamW>(optimizer));
  EXPECT_DOUBLE_EQ(learning_rate(optimizer), 1e-3);
  EXPECT_DOUBLE_EQ(std::get<AdamW>(optimizer).weight_decay, 0.1);
  EXPECT_TRUE(std::get<AdamW>(optimizer).decays("0.bias"));
  EXPECT_EQ(std::get<Sgd>(parse_optimizer("sgd lr=1")).momentum, 0);
  EXPECT_EQ(std::get<Sgd>(parse_optimizer("sgd momentum=0.9")).momentum, 0.9);
  EXPECT_DOUBLE_EQ(std::get<Adam>(parse_optimizer("adam")).weight_decay, 0);
  EXPECT_DOUBLE_EQ(std::get<Lion>(parse_optimizer("lion b2=0.5")).beta2, 0.5);
  EXPECT_TRUE(std::holds_alternative<Muon>(parse_optimizer("muon")));
  for (const char* bad : {"", "lr=1", "adm", "adam lr=", "adam lr=x", "adam speed=1", "adam lr=inf"})
    EXPECT_THROW(parse_optimizer(bad), Error) << bad;
}

}  // namespace
}  // namespace anneal::programs
