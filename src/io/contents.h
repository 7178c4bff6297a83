// SPDX-License-Identifier: MIT
//
// The tensors of a file of any kind that is read here, told apart by its first bytes and not by its name.
// Tested by contents_test.cc.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "io/safetensors.h"

namespace anneal::io {

struct Contents {
  std::string kind;  // safetensors, checkpoint, safetensors index, npy, npz, idx
  std::vector<TensorView> tensors;
  Metadata metadata;
  std::vector<std::string> notes;       // what else is worth saying
  std::shared_ptr<const void> storage;  // what the views point into
};

Result<Contents> open_contents(const std::string& path);

}  // namespace anneal::io
