// SPDX-License-Identifier: MIT
// Where training data comes from: a file that was named, one that is in the cache or can be fetched, or what
// is part of the program, so that there is always something to train on. Tested by sources_test.cc.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "anneal/tensor.h"

namespace anneal::training {

struct Text {
  std::string text;
  std::string origin;  // "Tiny Shakespeare, 1.1 MB"
  std::string path;    // empty: part of this program
  std::string sha256;
  std::string note = {};  // why it is this project's documentation, where it was to be something else
};
// `path` empty: Tiny Shakespeare, and where that cannot be had the documentation. Raises for a file that
// cannot be read.
Text find_text(const std::string& path);

// This project's own documentation: a corpus that is always there.
const std::string& documentation();

struct Images {
  Tensor x, y;  // f32 [count, 1, height, width] from 0 to 1, i32 [count]
  std::string origin;
  std::vector<std::string> paths;  // empty: made up
  std::string sha256;              // of all that there is
};
// From a folder with the files of MNIST's test set, or its training set, in the IDX format, packed or not.
// Raises with what was looked for.
Images find_images(const std::string& folder);

std::string sha256_of(const std::vector<std::span<const std::byte>>& parts);

}  // namespace anneal::training
