// SPDX-License-Identifier: MIT
//
// Tensors through files and back, and what a user is told about files that do not fit.
#include "anneal/files.h"

#include <gtest/gtest.h>

#include <functional>

#include "anneal/anneal.h"
#include "io/test_folder.h"

namespace anneal {
namespace {

using io::TestFolder;

std::string error_of(const std::function<void()>& body) {
  try {
    body();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kData);
    return error.message();
  }
  return "no error";
}

TEST(Files, SafetensorsKeepValuesTypesAndMetadata) {
  const TestFolder folder;
  const Tensor x = tensor({{1, 2}, {3, 4}});
  save_safetensors(folder.path("a"),
                   {{"sum", x + 1}, {"half", full({2}, 1.5f).to(bf16)}, {"one", tensor({7.f})}},
                   {{"format", "pt"}});
  const TensorMap back = load_safetensors(folder.path("a"));
  ASSERT_EQ(back.size(), 3u);
  EXPECT_EQ(back.at("sum").to_vector<int32_t>(), (std::vector<int32_t>{2, 3, 4, 5}));
  EXPECT_EQ(back.at("sum").shape(), (std::vector<int64_t>{2, 2}));
  EXPECT_EQ(back.at("half").dtype(), bf16);
  EXPECT_EQ(back.at("half").to_vector<float>(), (std::vector<float>{1.5f, 1.5f}));
  EXPECT_EQ(load_safetensors_metadata(folder.path("a")), (TextMap{{"format", "pt"}}));
}

TEST(Files, ShardsAreReadByTheirIndex) {
  const TestFolder folder;
  save_safetensors_shards(folder.path("m"), {{"a", arange(4)}, {"b", arange(8)}}, 16, {{"k", "v"}});
  EXPECT_EQ(folder.files(), 3u);
  const TensorMap back = load_safetensors(folder.path("m.safetensors.index.json"));
  EXPECT_EQ(back.at("b").to_vector<int32_t>(), (std::vector<int32_t>{0, 1, 2, 3, 4, 5, 6, 7}));
  EXPECT_EQ(load_safetensors_metadata(folder.path("m.safetensors.index.json")), (TextMap{{"k", "v"}}));
}

TEST(Files, NumpyFormats) {
  const TestFolder folder;
  const Tensor x = arange(6).reshape({2, 3}).to(f64);
  save_npy(folder.path("x.npy"), x.transpose());
  const Tensor back = load_npy(folder.path("x.npy"));
  EXPECT_EQ(back.dtype(), f64);
  EXPECT_EQ(back.shape(), (std::vector<int64_t>{3, 2}));
  EXPECT_EQ(back.to_vector<double>(), (std::vector<double>{0, 3, 1, 4, 2, 5}));
  for (const bool compress : {false, true}) {
    save_npz(folder.path("x.npz"), {{"x", x}, {"flag", x > 2}}, compress);
    const TensorMap arrays = load_npz(folder.path("x.npz"));
    EXPECT_EQ(arrays.at("flag").dtype(), boolean);
    EXPECT_EQ(arrays.at("x").to_vector<double>(), x.to_vector<double>());
  }
  const std::string refused = error_of([&] { save_npy(folder.path("y.npy"), x.to(bf16)); });
  EXPECT_NE(refused.find("numpy has no element type bf16: convert the tensor to f32 first"),
            std::string::npos);
}

TEST(Files, Idx) {
  const TestFolder folder;
  folder.write("labels", std::string("\0\0\x08\1\0\0\0\2\7\1", 10));
  EXPECT_EQ(load_idx(folder.path("labels")).to_vector<int>(), (std::vector<int>{7, 1}));
}

TEST(Files, CheckpointsComeBackBitForBit) {
  const TestFolder folder;
  const Checkpoint saved = {{{"w", randn({5, 3}, {.seed = 7})}, {"m", zeros({5, 3})}},
                            {{"step", 12}, {"seed", -1}},
                            {{"lr", 0.1}},
                            {{"config", "{}"}}};
  save_checkpoint(folder.path("c"), saved);
  const Checkpoint back = load_checkpoint(folder.path("c"));
  EXPECT_EQ(back.integers, saved.integers);
  EXPECT_EQ(back.numbers, saved.numbers);
  EXPECT_EQ(back.texts, saved.texts);
  ASSERT_EQ(back.tensors.size(), 2u);
  EXPECT_EQ(back.tensors.at("w").to_vector<float>(), saved.tensors.at("w").to_vector<float>());
}

TEST(Files, MistakesNameTheFunctionTheFileAndTheLine) {
  const TestFolder folder;
  folder.write("empty", "");
  const std::string path = folder.path("empty");
  const std::vector<std::pair<std::string, std::function<void()>>> calls = {
      {"load_safetensors", [&] { load_safetensors(path); }},
      {"load_npy", [&] { load_npy(path); }},
      {"load_npz", [&] { load_npz(path); }},
      {"load_idx", [&] { load_idx(path); }},
      {"load_checkpoint", [&] { load_checkpoint(path); }},
      {"save_npy", [&] { save_npy(folder.path("missing/x"), ones({1})); }},
      {"save_npz", [&] { save_npz(folder.path("missing/x"), {}); }},
      {"save_checkpoint", [&] { save_checkpoint(folder.path("missing/x"), {}); }},
  };
  for (const auto& [name, call] : calls) {
    const std::string message = error_of(call);
    EXPECT_NE(message.find(name + ": "), std::string::npos) << message;
    EXPECT_NE(message.find(folder.path()), std::string::npos) << message;
    EXPECT_NE(message.find("files_test.cc:"), std::string::npos) << message;
  }
}

}  // namespace
}  // namespace anneal
