// SPDX-License-Identifier: MIT
// GPT-2 from its published files, and writing with it:
//
//   an::gpt2::Generator generator(an::gpt2::load("gpt2"));       // a folder: config.json, model.safetensors
//   const an::Bpe tokens = an::gpt2::load_tokenizer("gpt2");     // vocab.json and merges.txt in it
//   an::StreamDecoder text(tokens);
//   an::gpt2::generate(generator, tokens.encode("Once"), {.max_tokens = 40}, [&](int32_t id) {
//     std::cout << text.push(id) << std::flush;
//     return true;  // go on
//   });
//
// Not in the core for WebAssembly.
#pragma once

#include "anneal/gpt2/checkpoint.h"
#include "anneal/gpt2/generator.h"
#include "anneal/gpt2/writing.h"
#include "anneal/sampling.h"
#include "anneal/tokenizer.h"
