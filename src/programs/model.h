// SPDX-License-Identifier: MIT
// A model as a program takes it: a module of any type that makes logits of its input. Its parameters and the
// paths of its modules may go by other names than its own: those of checkpoints in the GPT-2 layout. Tested
// by programs_test.cc.
#pragma once

#include <string>
#include <string_view>

#include "anneal/nn/sequential.h"
#include "nn/trace.h"

namespace anneal::programs {

using Renaming = std::string (*)(std::string_view path);

struct Model {
  nn::AnyLayer forward;
  Renaming renaming = nullptr;
};

struct ModelParts {
  std::vector<nn::NamedParam> params;
  nn::detail::ModulePaths paths;
};
// As long as the model is where it is.
ModelParts parts_of(Model& model);

// blocks.0.attn.qkv.weight -> h.0.attn.c_attn.weight
std::string gpt2_name(std::string_view path);

}  // namespace anneal::programs
