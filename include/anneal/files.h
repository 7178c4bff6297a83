// SPDX-License-Identifier: MIT
// Tensors in files: safetensors in one file or several, checkpoints, npy and npz, and the format of MNIST. A
// file that cannot be read, is damaged or holds what no tensor can be raises an Error that names it and says
// what would fit. Files are taken for hostile: sizes are checked before memory is asked for, and nothing in
// them is run.
//
// Saving computes the tensors first. It never leaves half a file: whatever happens meanwhile, a full disk or
// the death of the process, the old file or the new one is there. Not in the core for WebAssembly. Tested by
// src/files/files_test.cc.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "anneal/tensor.h"

namespace anneal {

using TensorMap = std::map<std::string, Tensor>;
using TextMap = std::map<std::string, std::string>;

// All tensors of a safetensors file, or of the files that a model.safetensors.index.json names.
TensorMap load_safetensors(const std::string& path, Loc loc = Loc::current());
TextMap load_safetensors_metadata(const std::string& path, Loc loc = Loc::current());
void save_safetensors(const std::string& path, const TensorMap& tensors, const TextMap& metadata = {},
                      Loc loc = Loc::current());
// STEM-00001-of-0000N.safetensors, each with at most `max_bytes` of data or one tensor, and the index of
// them. Over an older set, which is whole until the new one is, the names are STEM.b-00001-of-0000N and so on
// and STEM-00001-of-0000N in turn: read by the index, which says what belongs to the set.
void save_safetensors_shards(const std::string& stem, const TensorMap& tensors, int64_t max_bytes,
                             const TextMap& metadata = {}, Loc loc = Loc::current());

// numpy's formats. numpy has no bf16 and no fp8: cast to f32 before saving those.
Tensor load_npy(const std::string& path, Loc loc = Loc::current());
void save_npy(const std::string& path, const Tensor& tensor, Loc loc = Loc::current());
TensorMap load_npz(const std::string& path, Loc loc = Loc::current());
void save_npz(const std::string& path, const TensorMap& tensors, bool compress = false,
              Loc loc = Loc::current());

// IDX, the format of MNIST, also as .gz: u8[60000,28,28] of images, u8[60000] of labels.
Tensor load_idx(const std::string& path, Loc loc = Loc::current());

// Everything that a run needs to go on bit for bit, in one file that is also a safetensors file.
struct Checkpoint {
  TensorMap tensors;                        // parameters, moments
  std::map<std::string, int64_t> integers;  // the step, the seed, the position in the data
  std::map<std::string, double> numbers;    // the learning rate, the best loss
  TextMap texts;                            // the configuration of a model
};
Checkpoint load_checkpoint(const std::string& path, Loc loc = Loc::current());
void save_checkpoint(const std::string& path, const Checkpoint& checkpoint, Loc loc = Loc::current());

}  // namespace anneal
