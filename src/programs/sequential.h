// SPDX-License-Identifier: MIT
// Models written as a line of layers, with the names and the parameter paths of a sequential container:
//   Conv2d(1,4,3,pad1) ReLU MaxPool2d(2) Flatten Linear(200,5)
// has the parameters 0.weight, 0.bias, 4.weight and 4.bias: layers without parameters count too. A layer's
// arguments are numbers, tuples and options, written padding=1, pad=1 or pad1. Tested by sequential_test.cc.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "anneal/nn/sequential.h"

namespace anneal::programs {

struct LayerSpec {
  std::string name;                                    // "Conv2d"
  std::vector<std::vector<double>> numbers;            // arguments without a name; a number is a tuple of one
  std::map<std::string, std::vector<double>> options;  // by full name: "padding"
};

// Raises kParse, with the place in the text; an unknown layer or option is named with the nearest known one.
std::vector<LayerSpec> parse_layers(std::string_view text);

// The layers as modules. `has` says which parameters there are, by path: layers do without a bias, and norms
// without a weight, where it is missing. Empty: all.
using HasParameter = std::function<bool(const std::string& path)>;
nn::Sequential make_sequential(const std::vector<LayerSpec>& layers, const HasParameter& has = {});

}  // namespace anneal::programs
