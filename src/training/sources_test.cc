// SPDX-License-Identifier: MIT
#include "training/sources.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>

#include "io/test_folder.h"
#include "support/flags.h"
#include "tests/support/test_error.h"

namespace anneal::training {
namespace {

using support::Flag;
using testing::HasSubstr;

// With a cache of its own that nothing is downloaded into.
class Sources : public testing::Test {
 protected:
  Sources() : cache_(support::flag_text(Flag::kCacheDir)), offline_(support::flag_text(Flag::kOffline)) {
    support::set_flag(Flag::kCacheDir, folder_.path("cache"));
    support::set_flag(Flag::kOffline, "1");
  }
  ~Sources() override {
    support::set_flag(Flag::kCacheDir, cache_);
    support::set_flag(Flag::kOffline, offline_);
  }
  // Two images of 2 x 3 pixels, and labels in the IDX format.
  void write_images(const std::string& set, int labels) const {
    const auto header = [](int kind, const std::vector<int>& sizes) {
      std::string out{0, 0, 8, static_cast<char>(kind)};
      for (const int size : sizes) out += std::string{0, 0, 0, static_cast<char>(size)};
      return out;
    };
    const std::string pixels{0, 51, 102, 127, 1, 2, 3, 4, 5, 6, 7, 8};
    folder_.write(set + "-images-idx3-ubyte", header(3, {2, 2, 3}) + pixels);
    folder_.write(set + "-labels-idx1-ubyte",
                  header(1, {labels}) + std::string(static_cast<size_t>(labels), 7));
  }

  io::TestFolder folder_;
  std::string cache_, offline_;
};

TEST_F(Sources, AFileThatIsNamed) {
  folder_.write("t.txt", "abc");
  const Text text = find_text(folder_.path("t.txt"));
  EXPECT_EQ(text.text, "abc");
  EXPECT_EQ(text.origin, folder_.path("t.txt") + ", 3 B");
  EXPECT_EQ(text.path, folder_.path("t.txt"));
  EXPECT_EQ(text.sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(text.note, "");
  EXPECT_THAT(message_of([&] { find_text(folder_.path("no.txt")); }), HasSubstr("no.txt: cannot open"));
}

TEST_F(Sources, WithoutANetworkThereIsTheDocumentation) {
  const Text text = find_text("");
  EXPECT_EQ(text.text, documentation());
  EXPECT_GT(text.text.size(), 10'000u);
  EXPECT_THAT(text.origin, testing::StartsWith("this project's documentation, "));
  EXPECT_EQ(text.path, "");
  EXPECT_THAT(text.note, HasSubstr("anneal fetch tinyshakespeare says why"));
}

TEST_F(Sources, ImagesComeWithTheirLabels) {
  write_images("train", 2);
  const Images images = find_images(folder_.path());
  EXPECT_EQ(images.x.shape(), (std::vector<int64_t>{2, 1, 2, 3}));
  EXPECT_FLOAT_EQ(images.x.to_vector<float>()[2], 0.4f);
  EXPECT_EQ(images.y.to_vector<int32_t>(), (std::vector<int32_t>{7, 7}));
  EXPECT_EQ(images.paths.size(), 2u);
  EXPECT_EQ(images.sha256.size(), 64u);
  write_images("t10k", 2);  // the smaller set, where both are there
  EXPECT_THAT(find_images(folder_.path()).origin, HasSubstr("t10k"));
  EXPECT_EQ(find_images(folder_.path()).sha256, images.sha256) << "of what is in it";
}

TEST_F(Sources, ImagesThatAreNoneAreRefused) {
  EXPECT_THAT(message_of([&] { find_images(folder_.path()); }), HasSubstr("these are MNIST's files"));
  write_images("t10k", 3);
  EXPECT_THAT(message_of([&] { find_images(folder_.path()); }), HasSubstr("one label an image"));
}

}  // namespace
}  // namespace anneal::training
