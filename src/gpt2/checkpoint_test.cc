// SPDX-License-Identifier: MIT
#include "anneal/gpt2/checkpoint.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "anneal/error.h"
#include "anneal/files.h"
#include "anneal/functions.h"
#include "tests/support/test_error.h"

namespace anneal::gpt2 {
namespace {

namespace fs = std::filesystem;

constexpr const char* kConfig =
    R"({"model_type": "gpt2", "vocab_size": 30, "n_positions": 8, "n_embd": 12, "n_head": 3, "n_layer": 2})";

// A folder with a small model; gone afterwards.
struct Folder {
  fs::path path;
  nn::Gpt model{{.vocabulary = 30,
                 .context = 8,
                 .width = 12,
                 .heads = 3,
                 .layers = 2,
                 .tied = true,
                 .inputs_first = true}};

  Folder() : path(fs::path(testing::TempDir()) / ("anneal_gpt2_checkpoint_test" + std::to_string(getpid()))) {
    fs::remove_all(path);
    fs::create_directories(path);
    nn::initialize(model, 3);
    save((path / "model.safetensors").string(), nn::state_dict(model));
    write("config.json", kConfig);
  }
  ~Folder() { fs::remove_all(path); }
  void write(const char* name, const std::string& text) const { std::ofstream(path / name) << text; }
};

TEST(Gpt2Checkpoint, WhatIsSavedLoads) {
  const Folder folder;
  const TensorMap names = load_safetensors((folder.path / "model.safetensors").string());
  EXPECT_TRUE(names.contains("transformer.h.1.attn.c_attn.weight"));
  EXPECT_EQ(names.at("transformer.h.1.attn.c_attn.weight").shape(), (std::vector<int64_t>{12, 36}));
  const nn::Gpt loaded = load(folder.path.string());
  const NamedTensors want = nn::state_dict(folder.model), got = nn::state_dict(loaded);
  ASSERT_EQ(got.size(), want.size());
  for (size_t i = 0; i < want.size(); ++i) {
    EXPECT_EQ(got[i].name, want[i].name);
    EXPECT_EQ(got[i].value.to_vector<float>(), want[i].value.to_vector<float>()) << want[i].name;
  }
}

// Matrices are kept as the file has them, or as is asked for, and everything is computed in f32.
TEST(Gpt2Checkpoint, WeightsMayBeNarrow) {
  const Folder folder;
  const std::string path = folder.path.string();
  const Tensor ids = tensor({3, 1, 4}).reshape({1, 3});
  const std::vector<float> wanted = folder.model(ids).to_vector<float>();
  const auto expect_near = [&](const nn::Gpt& model) {
    EXPECT_EQ(model.blocks[0].attn.qkv.weight.stored().dtype(), bf16);
    EXPECT_EQ(model.blocks[0].ln1->weight->stored().dtype(), f32);
    const Tensor logits = model(ids);
    EXPECT_EQ(logits.dtype(), f32);
    const std::vector<float> got = logits.to_vector<float>();
    for (size_t i = 0; i < got.size(); ++i) EXPECT_NEAR(got[i], wanted[i], 2e-3);
  };
  expect_near(load(path, bf16));
  NamedTensors narrow = nn::state_dict(folder.model);
  for (NamedTensor& v : narrow) v.value = v.value.to(bf16);
  save((folder.path / "model.safetensors").string(), narrow);
  expect_near(load(path));
  EXPECT_EQ(load(path, f32).wte.weight.stored().dtype(), f32);
}

TEST(Gpt2Checkpoint, ConfigDecidesTheShapes) {
  const Folder folder;
  std::string config = kConfig;
  folder.write("config.json", config.replace(config.find("12"), 2, "15"));
  EXPECT_NE(message_of([&] { load(folder.path.string()); }).find("does not fit its config.json"),
            std::string::npos);
  folder.write("config.json", R"({"model_type": "llama"})");
  EXPECT_NE(message_of([&] { load(folder.path.string()); }).find("'llama', not gpt2"), std::string::npos);
}

TEST(Gpt2Checkpoint, HeadsAreNotGuessed) {
  const Folder folder;
  fs::remove(folder.path / "config.json");
  EXPECT_NE(message_of([&] { load(folder.path.string()); }).find("config.json must say how many heads"),
            std::string::npos);
  nn::Gpt published({.vocabulary = 2,
                     .context = 2,
                     .width = 768,
                     .heads = 12,
                     .layers = 1,
                     .tied = true,
                     .inputs_first = true});
  nn::initialize(published, 3);
  save((folder.path / "model.safetensors").string(), nn::state_dict(published));
  EXPECT_EQ(load(folder.path.string()).config.heads, 12);
}

TEST(Gpt2Checkpoint, AHeadOfItsOwnIsKeptOrRefused) {
  const Folder folder;
  const std::string path = folder.path.string(), weights = (folder.path / "model.safetensors").string();
  const Tensor ids = tensor({3, 1, 4}).reshape({1, 3});
  TensorMap all = load_safetensors(weights);
  const Tensor table = all.at("transformer.wte.weight");
  all.emplace("lm_head.weight", table);
  save_safetensors(weights, all);
  EXPECT_FALSE(load(path).head.has_value()) << "a copy of the tied one";
  all.insert_or_assign("lm_head.weight", (table * 2).realize());
  save_safetensors(weights, all);
  EXPECT_NE(message_of([&] { load(path); }).find("tie_word_embeddings"), std::string::npos);

  folder.write("config.json", std::string(kConfig).insert(1, R"("tie_word_embeddings": false, )"));
  const nn::Gpt untied = load(path);
  ASSERT_TRUE(untied.head.has_value());
  const std::vector<float> got = untied(ids).to_vector<float>(), half = folder.model(ids).to_vector<float>();
  for (size_t i = 0; i < got.size(); ++i) EXPECT_NEAR(got[i], 2 * half[i], 1e-5);
  save(weights, nn::state_dict(untied));
  EXPECT_TRUE(load_safetensors(weights).contains("lm_head.weight"));
  EXPECT_EQ(load(path)(ids).to_vector<float>(), got);
}

TEST(Gpt2Checkpoint, IdsWithoutAToken) {
  const Bpe bytes = Bpe::of_bytes();  // 257 of them
  EXPECT_TRUE(ids_without_token(bytes, 257).empty());
  EXPECT_EQ(ids_without_token(bytes, 260), (std::vector<int32_t>{257, 258, 259}));
  EXPECT_NE(message_of([&] { ids_without_token(bytes, 256); }).find("do not belong together"),
            std::string::npos);
}

TEST(Gpt2Checkpoint, TheTokenizerLiesBesideIt) {
  const Folder folder;
  EXPECT_NE(message_of([&] { load_tokenizer(folder.path.string()); }).find("vocab.json"), std::string::npos);
  EXPECT_NE(message_of([&] { load_tokenizer((folder.path / "no").string()); }).find("no such file or folder"),
            std::string::npos);
  folder.write("vocab.json", "{}");
  EXPECT_NE(message_of([&] { load_tokenizer(folder.path.string()); }).find("merges.txt"), std::string::npos);
}

TEST(Gpt2Checkpoint, NamesOfPublishedSizes) {
  EXPECT_EQ(config_named("gpt2-xl").layers, 48);
  EXPECT_NE(message_of([] { config_named("gpt2-midium"); }).find("gpt2-medium"), std::string::npos);
}

}  // namespace
}  // namespace anneal::gpt2
