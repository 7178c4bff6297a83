// SPDX-License-Identifier: MIT
// GPT-2 as it is published: a folder with config.json and model.safetensors, or the shards that an index
// names. Names and shapes are those of the Hugging Face files, with "transformer." in front or without.
// Tested by src/gpt2/checkpoint_test.cc.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "anneal/nn/gpt.h"
#include "anneal/nn/module.h"
#include "anneal/tokenizer.h"

namespace anneal::gpt2 {

// gpt2, gpt2-medium, gpt2-large, gpt2-xl. Raises kName with the nearest name.
nn::GptConfig config_named(std::string_view name);

// The model of a folder, or of a .safetensors file with config.json beside it; without one the sizes are told
// from the shapes, and how many heads there are from the width, which must be that of a published size. A
// head that is not the token embedding is kept where config.json says so (tie_word_embeddings). `weights`:
// the type that its matrices are kept in, such as bf16; by itself the type that they have in the file. All is
// computed in f32. Raises for what is no GPT-2, with what was found instead.
nn::Gpt load(const std::string& path, std::optional<DType> weights = {});
// The tokenizer beside it: vocab.json and merges.txt.
Bpe load_tokenizer(const std::string& path);
// Those of a model's vocabulary that no token has, as where it was rounded up: GenerateOptions::never. Raises
// where the tokenizer has ids that the model has not.
std::vector<int32_t> ids_without_token(const Bpe& tokens, int64_t vocabulary);

// A safetensors file with the published names, for others to read and for load(). The parameters of such a
// model: step.parameters(), nn::state_dict(model).
void save(const std::string& path, const NamedTensors& parameters);

}  // namespace anneal::gpt2
