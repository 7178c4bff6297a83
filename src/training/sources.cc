// SPDX-License-Identifier: MIT
#include "training/sources.h"

#include <filesystem>

#include "anneal/files.h"
#include "anneal/functions.h"
#include "assets/registry.h"
#include "assets/sha256.h"
#include "io/file_bytes.h"
#include "support/number_text.h"

namespace anneal::training {
namespace {

constexpr size_t kMostText = size_t{1} << 30;

std::string read_text(const std::string& path) {
  const io::Result<std::shared_ptr<const io::FileBytes>> file = io::FileBytes::read(path, kMostText);
  if (!file.ok()) raise(ErrorCode::kData, file.message());
  const std::span<const std::byte> bytes = (*file)->bytes();
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

Text find_text(const std::string& path) {
  const auto sized = [](std::string text, const std::string& what, const std::string& from) {
    const std::string size = support::size_text(static_cast<uint64_t>(text.size()));
    const std::string sum = sha256_of({std::as_bytes(std::span(text))});
    return Text{std::move(text), what + ", " + size, from, sum, {}};
  };
  if (!path.empty()) return sized(read_text(path), path, path);
  const assets::Asset* shakespeare = assets::find_asset("tinyshakespeare/input.txt");
  const io::Result<std::string> found = assets::fetch(*shakespeare, assets::default_options());
  if (found.ok()) return sized(read_text(*found), "Tiny Shakespeare", *found);
  Text out = sized(documentation(), "this project's documentation", "");
  out.note =
      "Tiny Shakespeare is not in the cache, and was not to be had: anneal fetch tinyshakespeare says why";
  return out;
}

Images find_images(const std::string& folder) {
  for (const std::string set : {"t10k", "train"})
    for (const std::string ending : {".gz", ""}) {
      const std::string images = folder + "/" + set + "-images-idx3-ubyte" + ending;
      const std::string labels = folder + "/" + set + "-labels-idx1-ubyte" + ending;
      if (!std::filesystem::exists(images)) continue;
      const Tensor x = load_idx(images), y = load_idx(labels);
      if (x.rank() != 3 || y.rank() != 1 || x.shape()[0] != y.shape()[0] || x.dtype() != u8 ||
          y.dtype() != u8)
        raise(ErrorCode::kData, images + " has " + x.type() + " and " + labels + " has " + y.type() +
                                    ": there must be one label an image, both u8");
      const std::vector<uint8_t> pixels = x.to_vector<uint8_t>(), classes = y.to_vector<uint8_t>();
      return {unsqueeze(x.to(f32) / 255, 1).realize(),
              y.to(i32).realize(),
              images,
              {images, labels},
              sha256_of({std::as_bytes(std::span(pixels)), std::as_bytes(std::span(classes))})};
    }
  raise(ErrorCode::kData,
        folder +
            ": there is no t10k-images-idx3-ubyte or train-images-idx3-ubyte, packed (.gz) or not; "
            "these are MNIST's files");
}

std::string sha256_of(const std::vector<std::span<const std::byte>>& parts) {
  assets::Sha256 sum;
  for (const std::span<const std::byte> part : parts) sum.add(part);
  return sum.finish();
}

}  // namespace anneal::training
