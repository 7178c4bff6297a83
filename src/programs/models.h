// SPDX-License-Identifier: MIT
// The architecture of the built-in models, each written once, with its sizes as data: what is listed,
// explained and measured (programs.h) and what `anneal train` trains (src/training) are settings of the same.
// Tested by models_test.cc.
#pragma once

#include <cstdint>
#include <string>

#include "anneal/nn/gpt.h"
#include "anneal/nn/sequential.h"
#include "programs/data.h"

namespace anneal::programs {

// What an architecture leaves open. Each takes what it has; 0: not given.
struct ModelSizes {
  int64_t batch = 0;                                        // examples of a step
  int64_t hidden = 0, side = 0, channels = 0, classes = 0;  // of classifiers; images are side x side
  int64_t layers = 0, heads = 0, width = 0, block = 0;      // of a GPT, which looks at `block` tokens
  int64_t vocabulary = 0;
  double deviation = 0;  // of a GPT's first weights; 0: that of GPT-2
  bool is_gpt() const { return layers != 0; }
};

// As a built-in program, small enough to be read; and as it is trained, where what the data says is open.
struct BuiltIn {
  ModelSizes listed, trained;
};
inline constexpr BuiltIn kMlp = {.listed = {.batch = 64, .hidden = 64, .classes = 3},
                                 .trained = {.batch = 64, .hidden = 64, .classes = 3}};
inline constexpr BuiltIn kConv = {.listed = {.batch = 32, .side = 12, .channels = 8, .classes = 4},
                                  .trained = {.batch = 64, .channels = 16, .classes = 10}};
inline constexpr BuiltIn kNanoGpt = {
    .listed = {.batch = 8,
               .layers = 2,
               .heads = 4,
               .width = 48,
               .block = 32,
               .vocabulary = kCharacters,
               .deviation = 0.08},
    .trained = {.batch = 32, .layers = 4, .heads = 4, .width = 128, .block = 64}};
inline constexpr BuiltIn kGpt2 = {
    .listed = {.batch = 4, .layers = 12, .heads = 12, .width = 768, .block = 1024, .vocabulary = 50257},
    .trained = {}};
// Sizes of batches that dynmlp, which is the mlp for any of them, takes in turn.
inline constexpr int64_t kBatchesInTurn[] = {1, 7, 32, 129};

// Two numbers in, a score for each class out.
nn::Sequential make_mlp(const ModelSizes& sizes);
// Two convolutions, each with a maximum over windows behind it, and a linear layer.
nn::Sequential make_conv(const ModelSizes& sizes);
// Raises kArgument where the width does not divide into heads.
nn::GptConfig gpt_config(const ModelSizes& sizes);

// `sizes` with those of a GPT that are given instead. Raises kArgument where it is none; `name` is the
// model's.
ModelSizes resized(ModelSizes sizes, const ModelSizes& given, std::string_view name);

}  // namespace anneal::programs
