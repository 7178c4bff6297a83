// SPDX-License-Identifier: MIT
//
// All sizes of GPT-2 share one tokenizer. Files without a sum are those whose published sum was not at hand
// when this was written: they are used where somebody has put them, and an error says where from and to.
#include "assets/registry.h"

namespace anneal::assets {
namespace {

#define ANNEAL_GPT2 \
  "https://huggingface.co/openai-community/gpt2/resolve/607a30d783dfa663caf39e06633721c8d4cfcd7e/"
#define ANNEAL_GPT2_OF(size) "https://huggingface.co/openai-community/gpt2-" size "/resolve/main/"

constexpr uint64_t kVocabSize = 1042301, kMergesSize = 456318;
constexpr std::string_view kVocabSum = "196139668be63f3b5d6574427317ae82f612a97c5d1cdaf36ed2256dbf636783";
constexpr std::string_view kMergesSum = "1ce1664773c50f3e0cc8842619a93edc4624525b728b188a9e0be33b7726adc5";

constexpr Asset kAssets[] = {
    {"tinyshakespeare/input.txt",
     "https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/input.txt", 1115394,
     "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed"},
    {"gpt2/vocab.json", ANNEAL_GPT2 "vocab.json", kVocabSize, kVocabSum},
    {"gpt2/merges.txt", ANNEAL_GPT2 "merges.txt", kMergesSize, kMergesSum},
    {"gpt2/config.json", ANNEAL_GPT2 "config.json", 665,
     "0daed7749b4f02b8f76240d5444551d7b08712dab4d0adb8239c56ba823bb7b4"},
    {"gpt2/model.safetensors", ANNEAL_GPT2 "model.safetensors", 548105171,
     "248dfc3911869ec493c76e65bf2fcf7f615828b0254c12b473182f0f81d3a707"},
    {"gpt2-medium/vocab.json", ANNEAL_GPT2 "vocab.json", kVocabSize, kVocabSum},
    {"gpt2-medium/merges.txt", ANNEAL_GPT2 "merges.txt", kMergesSize, kMergesSum},
    {"gpt2-medium/config.json", ANNEAL_GPT2_OF("medium") "config.json", 0, ""},
    {"gpt2-medium/model.safetensors", ANNEAL_GPT2_OF("medium") "model.safetensors", 0, ""},
    {"gpt2-large/vocab.json", ANNEAL_GPT2 "vocab.json", kVocabSize, kVocabSum},
    {"gpt2-large/merges.txt", ANNEAL_GPT2 "merges.txt", kMergesSize, kMergesSum},
    {"gpt2-large/config.json", ANNEAL_GPT2_OF("large") "config.json", 0, ""},
    {"gpt2-large/model.safetensors", ANNEAL_GPT2_OF("large") "model.safetensors", 0, ""},
    {"gpt2-xl/vocab.json", ANNEAL_GPT2 "vocab.json", kVocabSize, kVocabSum},
    {"gpt2-xl/merges.txt", ANNEAL_GPT2 "merges.txt", kMergesSize, kMergesSum},
    {"gpt2-xl/config.json", ANNEAL_GPT2_OF("xl") "config.json", 0, ""},
    {"gpt2-xl/model.safetensors", ANNEAL_GPT2_OF("xl") "model.safetensors", 0, ""},
};

#undef ANNEAL_GPT2
#undef ANNEAL_GPT2_OF

}  // namespace

std::span<const Asset> all_assets() { return kAssets; }

std::string_view set_of(const Asset& asset) { return asset.name.substr(0, asset.name.find('/')); }

const Asset* find_asset(std::string_view name) {
  for (const Asset& asset : kAssets)
    if (asset.name == name) return &asset;
  return nullptr;
}

}  // namespace anneal::assets
