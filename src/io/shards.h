// SPDX-License-Identifier: MIT
//
// Tensors in several safetensors files, with an index that says which file holds which:
// NAME.safetensors.index.json with {"metadata": {"total_size": BYTES}, "weight_map": {TENSOR: FILE}}. Index
// and files must agree entirely: a tensor that is missing, that lies in two files or in one the index does
// not name for it is a failure. Tested by shards_test.cc.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "io/safetensors.h"

namespace anneal::io {

// True of a path that ends as an index does.
bool is_shard_index(std::string_view path);

class ShardedTensors {
 public:
  ShardedTensors(ShardedTensors&&) = default;
  ShardedTensors& operator=(ShardedTensors&&) = default;

  // The path of the index. The files are those beside it; a name that leads out of its folder is refused.
  static Result<ShardedTensors> open(const std::string& index_path);

  // Null when there is no such tensor.
  const TensorView* find(std::string_view name) const;

  // By name.
  std::vector<const TensorView*> tensors() const;

  const std::vector<std::string>& files() const { return files_; }
  // What the index says about the size of all tensors, which some writers get wrong.
  std::optional<uint64_t> declared_size() const { return declared_size_; }
  // That of the first file.
  const Metadata& metadata() const { return shards_.front().metadata(); }

 private:
  ShardedTensors() = default;

  std::vector<std::string> files_;
  std::vector<SafeTensors> shards_;
  std::map<std::string, const TensorView*, std::less<>> by_name_;
  std::optional<uint64_t> declared_size_;
};

// Writes STEM-00001-of-0000N.safetensors and STEM.safetensors.index.json, all beside each other; each file
// but the last has at most `max_bytes` of data, or one tensor. Over an older set the new files are called
// STEM.b-00001-of-0000N.safetensors, and over that one as at first: a set is what the index names, so the
// older one is whole until the index is replaced, which is one step, and only then its files go. On failure
// and after death at any moment the older set is there, or the new one; files of this pattern that the index
// does not name are left of a dead writer and go with the next saving.
Result<void> write_shards(const std::string& stem, std::span<const TensorView> tensors, uint64_t max_bytes,
                          const Metadata& metadata = {});

}  // namespace anneal::io
