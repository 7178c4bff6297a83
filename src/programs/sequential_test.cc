// SPDX-License-Identifier: MIT
#include "programs/sequential.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

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

// Makes zeros of any shape, and keeps the paths.
class Recorder final : public Parameters {
 public:
  std::vector<std::string> paths;

 private:
  Tensor find(const std::string& path, const std::vector<int64_t>& shape, const Init&) override {
    paths.push_back(path);
    return zeros(Sizes(shape));
  }
};

TEST(Layers, PathsCountLayersWithoutParameters) {
  Recorder recorder;
  const Tensor y = sequential(
      recorder, parse_layers("Conv2d(1,4,3) ReLU MaxPool2d(2) Conv2d(4,8,3,pad1) ReLU Flatten Linear(200,5)"),
      zeros({2, 1, 12, 12}));
  EXPECT_EQ(y.shape(), (std::vector<int64_t>{2, 5}));
  EXPECT_THAT(recorder.paths, ElementsAre("0.weight", "0.bias", "3.weight", "3.bias", "6.weight", "6.bias"));
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
    Recorder recorder;
    const Tensor y = sequential(recorder, parse_layers(text), zeros(sizes));
    EXPECT_EQ(y.shape(), shape) << text;
    EXPECT_THAT(y.to_vector<double>(), testing::Each(testing::DoubleNear(value, 1e-6))) << text;
  }
  Recorder recorder;
  EXPECT_EQ(sequential(recorder, parse_layers("Embedding(7,3) Flatten"), zeros({2, 5}, i32)).shape(),
            (std::vector<int64_t>{2, 15}));
  EXPECT_THROW(sequential(recorder, parse_layers("Dropout(0.5)"), zeros({2})), Error);
}

TEST(OptimizerText, NameSettingsAndRemarks) {
  const OptimizerSpec spec = parse_optimizer("adamw lr=1e-3 wd=0.1 on all parameters");
  EXPECT_EQ(spec.kind, OptimizerKind::kAdamW);
  EXPECT_DOUBLE_EQ(spec.lr, 1e-3);
  EXPECT_DOUBLE_EQ(spec.weight_decay, 0.1);
  EXPECT_EQ(parse_optimizer("sgd lr=1").states(), 0u);
  EXPECT_EQ(parse_optimizer("sgd momentum=0.9").states(), 1u);
  EXPECT_DOUBLE_EQ(parse_optimizer("adam").weight_decay, 0);
  for (const char* bad : {"", "lr=1", "adm", "adam lr=", "adam lr=x", "adam speed=1", "adam lr=inf"})
    EXPECT_THROW(parse_optimizer(bad), Error) << bad;
}

}  // namespace
}  // namespace anneal::programs
