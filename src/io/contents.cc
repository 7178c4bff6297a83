// SPDX-License-Identifier: MIT
#include "io/contents.h"

#include <algorithm>
#include <utility>

#include "io/checkpoint.h"
#include "io/deflate.h"
#include "io/file_bytes.h"
#include "io/idx.h"
#include "io/npz.h"
#include "io/shards.h"

namespace anneal::io {
namespace {

using Bytes = std::span<const std::byte>;

TensorView view_of(std::string name, const Array& array) {
  return {std::move(name), array.dtype, array.shape, array.data};
}

Result<Contents> one_array(std::string kind, Result<Array> array) {
  if (!array) return std::move(array).failure();
  Contents out{std::move(kind), {view_of("", *array)}, {}, {}, array->storage};
  return out;
}

Result<Contents> index_contents(const std::string& path) {
  Result<ShardedTensors> opened = ShardedTensors::open(path);
  if (!opened) return std::move(opened).failure();
  const auto kept = std::make_shared<const ShardedTensors>(std::move(*opened));
  Contents out{"safetensors index", {}, kept->metadata(), {}, kept};
  uint64_t total = 0;
  for (const TensorView* tensor : kept->tensors()) {
    out.tensors.push_back(*tensor);
    total += tensor->data.size();
  }
  out.notes.push_back(concat("the tensors are in ", kept->files().size(), " files"));
  if (kept->declared_size() && *kept->declared_size() != total)
    out.notes.push_back(concat("the index says total_size ", *kept->declared_size(),
                               ", but the tensors have ", total, " bytes"));
  return out;
}

Result<Contents> npz_contents(const std::string& path) {
  Result<NamedArrays> arrays = read_npz(path);
  if (!arrays) return std::move(arrays).failure();
  const auto kept = std::make_shared<const NamedArrays>(std::move(*arrays));
  Contents out{"npz", {}, {}, {}, kept};
  for (const auto& [name, array] : *kept) out.tensors.push_back(view_of(name, array));
  return out;
}

Result<Contents> safetensors_contents(const std::string& path) {
  Result<SafeTensors> opened = SafeTensors::open(path);
  if (!opened) return std::move(opened).failure();
  const auto kept = std::make_shared<const SafeTensors>(std::move(*opened));
  Contents out{"safetensors", kept->tensors(), kept->metadata(), {}, kept};
  if (!is_checkpoint(out.metadata)) return out;
  if (Result<Checkpoint> whole = open_checkpoint(path); !whole) return std::move(whole).failure();
  out.kind = "checkpoint";
  return out;
}

bool is_json_object(Bytes bytes) {
  for (const std::byte b : bytes) {
    const auto c = std::to_integer<char>(b);
    if (c != ' ' && c != '\n' && c != '\r' && c != '\t') return c == '{';
  }
  return false;
}

// Eight bytes of length, then the header.
bool may_be_safetensors(Bytes bytes) { return bytes.size() > 8 && bytes[8] == std::byte{'{'}; }

}  // namespace

Result<Contents> open_contents(const std::string& path) {
  constexpr size_t kLooked = 4096;
  std::shared_ptr<const FileBytes> file;
  {
    Result<std::shared_ptr<const FileBytes>> mapped = FileBytes::map(path);
    if (!mapped) return std::move(mapped).failure();
    file = std::move(*mapped);
  }
  const Bytes bytes = file->bytes(), start = bytes.first(std::min(bytes.size(), kLooked));
  if (is_npy(start)) return one_array("npy", read_npy(path));
  if (is_zip(start)) return npz_contents(path);
  if (may_be_safetensors(start) && !is_shard_index(path)) return safetensors_contents(path);
  if (is_gzip(start) || is_idx(start)) return one_array("idx", read_idx(path));
  if (is_json_object(start)) return index_contents(path);
  return Failure{concat(path, ": ", bytes.empty() ? "the file is empty" : "not a file of tensors",
                        "; safetensors and their indices, checkpoints, npy, npz and idx are read")};
}

}  // namespace anneal::io
