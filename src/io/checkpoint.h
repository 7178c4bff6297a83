// SPDX-License-Identifier: MIT
//
// A checkpoint: named tensors, integers, numbers and texts in one file, from which a run goes on bit for bit.
// The file is a safetensors file whose metadata holds the values, a version and a checksum, so that other
// tools can read its tensors. Saving is atomic (io/file_bytes.h): whatever happens meanwhile, the old file or
// the new one is there, whole. Tested by checkpoint_test.cc.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "io/safetensors.h"

namespace anneal::io {

struct CheckpointValues {
  std::map<std::string, int64_t> integers;   // the step, the seed, the position in the data
  std::map<std::string, double> numbers;     // come back bit for bit; of NaN only that it is one
  std::map<std::string, std::string> texts;  // UTF-8: the configuration of a model
  friend bool operator==(const CheckpointValues&, const CheckpointValues&) = default;
};

struct Checkpoint {
  SafeTensors tensors;
  CheckpointValues values;
};

// Names must not be empty.
Result<void> write_checkpoint(const std::string& path, std::span<const TensorView> tensors,
                              const CheckpointValues& values);

// A file that is damaged, of a later version or no checkpoint at all is a failure.
Result<Checkpoint> open_checkpoint(const std::string& path);

// True of the metadata of a checkpoint.
bool is_checkpoint(const Metadata& metadata);
// The values alone.
Result<CheckpointValues> checkpoint_values(const Metadata& metadata, std::string_view label);

// How the tensors of a file differ from those that a program wants, which have no data here; empty when
// names, element types and shapes are all the same. "2 tensors are missing: "a", "b"; ..."
std::string difference_of(std::span<const TensorView> wanted, const SafeTensors& found);

}  // namespace anneal::io
