// SPDX-License-Identifier: MIT
#include "anneal/files.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "anneal/creation.h"
#include "io/checkpoint.h"
#include "io/idx.h"
#include "io/npz.h"
#include "io/shards.h"
#include "tensor/host_value.h"

namespace anneal {
namespace {

template <typename T>
T opened(std::string_view function, io::Result<T> result, const Loc& loc) {
  if (!result) detail::fail(function, ErrorCode::kData, result.message(), loc);
  return std::move(*result);
}

void saved(std::string_view function, const io::Result<void>& result, const Loc& loc) {
  if (!result) detail::fail(function, ErrorCode::kData, result.message(), loc);
}

Tensor tensor_of(const io::TensorView& view, const Loc& loc) {
  return from_bytes(view.data, view.shape, view.dtype, loc);
}
Tensor tensor_of(const io::Array& array, const Loc& loc) {
  return from_bytes(array.data, array.shape, array.dtype, loc);
}

// Tensors as they are written: computed together, and held for as long as this lives.
class Computed {
 public:
  Computed(const TensorMap& tensors, const Loc& loc) {
    std::vector<Tensor> list;
    for (const auto& [name, tensor] : tensors) list.push_back(tensor);
    const std::vector<Tensor> values = realize(list, {}, loc);
    size_t i = 0;
    for (const auto& [name, tensor] : tensors) {
      data_.push_back(evaluate(values[i++], {}, loc));
      views_.push_back({name, data_.back()->dtype, data_.back()->shape, data_.back()->bytes});
    }
  }
  std::span<const io::TensorView> views() const { return views_; }

 private:
  std::vector<std::shared_ptr<const ir::BufferData>> data_;
  std::vector<io::TensorView> views_;
};

}  // namespace

TensorMap load_safetensors(const std::string& path, Loc loc) {
  TensorMap out;
  if (io::is_shard_index(path)) {
    const io::ShardedTensors file = opened("load_safetensors", io::ShardedTensors::open(path), loc);
    for (const io::TensorView* view : file.tensors()) out.emplace(view->name, tensor_of(*view, loc));
  } else {
    const io::SafeTensors file = opened("load_safetensors", io::SafeTensors::open(path), loc);
    for (const io::TensorView& view : file.tensors()) out.emplace(view.name, tensor_of(view, loc));
  }
  return out;
}

TextMap load_safetensors_metadata(const std::string& path, Loc loc) {
  constexpr std::string_view kName = "load_safetensors_metadata";
  if (io::is_shard_index(path)) return opened(kName, io::ShardedTensors::open(path), loc).metadata();
  return opened(kName, io::SafeTensors::open(path), loc).metadata();
}

void save_safetensors(const std::string& path, const TensorMap& tensors, const TextMap& metadata, Loc loc) {
  saved("save_safetensors", io::write_safetensors(path, Computed(tensors, loc).views(), metadata), loc);
}

void save_safetensors_shards(const std::string& stem, const TensorMap& tensors, int64_t max_bytes,
                             const TextMap& metadata, Loc loc) {
  const Computed computed(tensors, loc);
  const auto limit = static_cast<uint64_t>(std::max<int64_t>(max_bytes, 0));
  saved("save_safetensors_shards", io::write_shards(stem, computed.views(), limit, metadata), loc);
}

Tensor load_npy(const std::string& path, Loc loc) {
  return tensor_of(opened("load_npy", io::read_npy(path), loc), loc);
}

void save_npy(const std::string& path, const Tensor& tensor, Loc loc) {
  const Computed computed({{"", tensor}}, loc);
  saved("save_npy", io::write_npy(path, computed.views()[0]), loc);
}

TensorMap load_npz(const std::string& path, Loc loc) {
  TensorMap out;
  const io::NamedArrays arrays = opened("load_npz", io::read_npz(path), loc);
  for (const auto& [name, array] : arrays) out.emplace(name, tensor_of(array, loc));
  return out;
}

void save_npz(const std::string& path, const TensorMap& tensors, bool compress, Loc loc) {
  saved("save_npz", io::write_npz(path, Computed(tensors, loc).views(), compress), loc);
}

Tensor load_idx(const std::string& path, Loc loc) {
  return tensor_of(opened("load_idx", io::read_idx(path), loc), loc);
}

Checkpoint load_checkpoint(const std::string& path, Loc loc) {
  io::Checkpoint file = opened("load_checkpoint", io::open_checkpoint(path), loc);
  Checkpoint out{
      {}, std::move(file.values.integers), std::move(file.values.numbers), std::move(file.values.texts)};
  for (const io::TensorView& view : file.tensors.tensors())
    out.tensors.emplace(view.name, tensor_of(view, loc));
  return out;
}

void save_checkpoint(const std::string& path, const Checkpoint& checkpoint, Loc loc) {
  const Computed computed(checkpoint.tensors, loc);
  const io::CheckpointValues values = {checkpoint.integers, checkpoint.numbers, checkpoint.texts};
  saved("save_checkpoint", io::write_checkpoint(path, computed.views(), values), loc);
}

}  // namespace anneal
