// SPDX-License-Identifier: MIT
#include "io/shards.h"

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "io/file_bytes.h"
#include "io/json_file.h"

namespace anneal::io {
namespace {

constexpr std::string_view kIndexSuffix = ".safetensors.index.json";

using ShardJson = nlohmann::json;
using WeightMap = std::map<std::string, std::string>;

std::string folder_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? std::string() : path.substr(0, slash + 1);
}

bool is_plain_name(std::string_view name) {
  return !name.empty() && name != "." && name != ".." &&
         name.find_first_of("/\\:") == std::string_view::npos && name.find('\0') == std::string_view::npos;
}

Result<WeightMap> weight_map_of(const ShardJson& index, const std::string& path) {
  const auto fail = [&path](std::string_view what) { return Failure{concat(path, ": ", what)}; };
  if (!index.is_object()) return fail("the index must be an object");
  const auto found = index.find("weight_map");
  if (found == index.end() || !found->is_object()) return fail("the index has no object \"weight_map\"");
  WeightMap map;
  for (const auto& [name, file] : found->get_ref<const ShardJson::object_t&>()) {
    const std::string shown = concat("weight_map: tensor ", in_quotes(name), ": ");
    if (!file.is_string()) return fail(shown + "the name of a file must be a string");
    const std::string& text = file.get_ref<const std::string&>();
    if (!is_plain_name(text))
      return fail(concat(shown, in_quotes(text),
                         " is outside of the folder of the index; only names of files "
                         "beside it are read"));
    map.emplace(name, text);
  }
  if (map.empty()) return fail("weight_map names no tensors");
  return map;
}

std::optional<uint64_t> total_size_of(const ShardJson& index) {
  const auto metadata = index.find("metadata");
  if (metadata == index.end() || !metadata->is_object()) return std::nullopt;
  const auto size = metadata->find("total_size");
  if (size == metadata->end() || !size->is_number()) return std::nullopt;
  if (size->is_number_unsigned()) return *size->get_ptr<const ShardJson::number_unsigned_t*>();
  // Some writers have it as 123.0.
  const double number = size->is_number_float() ? *size->get_ptr<const ShardJson::number_float_t*>() : -1;
  return number >= 0 && number < 9e15 ? std::optional(static_cast<uint64_t>(number)) : std::nullopt;
}

std::string numbered(size_t i) {
  const std::string digits = std::to_string(i);
  return std::string(digits.size() < 5 ? 5 - digits.size() : 0, '0') + digits;
}

// Ranges of tensors, in the order of names.
std::vector<std::vector<TensorView>> cut_into_shards(std::span<const TensorView> tensors,
                                                     uint64_t max_bytes) {
  std::vector<TensorView> sorted(tensors.begin(), tensors.end());
  std::sort(sorted.begin(), sorted.end(),
            [](const TensorView& a, const TensorView& b) { return a.name < b.name; });
  std::vector<std::vector<TensorView>> out(1);
  uint64_t size = 0;
  for (TensorView& tensor : sorted) {
    if (!out.back().empty() && size + tensor.data.size() > max_bytes) {
      out.emplace_back();
      size = 0;
    }
    size += tensor.data.size();
    out.back().push_back(std::move(tensor));
  }
  return out;
}

}  // namespace

bool is_shard_index(std::string_view path) { return path.ends_with(".index.json"); }

Result<ShardedTensors> ShardedTensors::open(const std::string& index_path) {
  const Result<ShardJson> index = read_json(index_path);
  if (!index) return index.failure();
  const Result<WeightMap> map = weight_map_of(*index, index_path);
  if (!map) return map.failure();

  ShardedTensors out;
  out.declared_size_ = total_size_of(*index);
  std::set<std::string> names;
  for (const auto& [tensor, file] : *map) names.insert(file);
  out.files_.assign(names.begin(), names.end());
  for (const std::string& file : out.files_) {
    Result<SafeTensors> shard = SafeTensors::open(folder_of(index_path) + file);
    if (!shard) return Failure{concat(shard.message(), " (a file that ", index_path, " names)")};
    out.shards_.push_back(std::move(*shard));
  }
  for (size_t i = 0; i < out.shards_.size(); ++i) {
    for (const TensorView& tensor : out.shards_[i].tensors()) {
      const std::string shown = concat(index_path, ": tensor ", in_quotes(tensor.name));
      const auto entry = map->find(tensor.name);
      if (entry == map->end())
        return Failure{
            concat(shown, " lies in ", in_quotes(out.files_[i]), ", but weight_map does not name it")};
      if (entry->second != out.files_[i])
        return Failure{concat(shown, " lies in ", in_quotes(out.files_[i]), ", but weight_map says ",
                              in_quotes(entry->second))};
      out.by_name_.emplace(tensor.name, &tensor);
    }
  }
  for (const auto& [tensor, file] : *map) {
    if (!out.by_name_.contains(tensor))
      return Failure{concat(index_path, ": tensor ", in_quotes(tensor), " is not in ", in_quotes(file),
                            ", where weight_map says it is")};
  }
  return out;
}

const TensorView* ShardedTensors::find(std::string_view name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : found->second;
}

std::vector<const TensorView*> ShardedTensors::tensors() const {
  std::vector<const TensorView*> out;
  for (const auto& [name, tensor] : by_name_) out.push_back(tensor);
  return out;
}

Result<void> write_shards(const std::string& stem, std::span<const TensorView> tensors, uint64_t max_bytes,
                          const Metadata& metadata) {
  if (tensors.empty()) return Failure{concat(stem, ": there are no tensors to write")};
  const std::vector<std::vector<TensorView>> shards = cut_into_shards(tensors, max_bytes);
  const std::string index_path = concat(stem, kIndexSuffix), base = stem.substr(folder_of(stem).size());
  nlohmann::ordered_json map = nlohmann::ordered_json::object();
  uint64_t total = 0;
  for (size_t i = 0; i < shards.size(); ++i) {
    for (const TensorView& tensor : shards[i]) {
      if (map.contains(tensor.name))
        return Failure{concat(stem, ": tensor ", in_quotes(tensor.name), ": there are two of this name")};
      if (!is_valid_utf8(tensor.name))
        return Failure{concat(stem, ": tensor ", in_quotes(tensor.name), ": the name is not UTF-8 text")};
      map[tensor.name] = concat(base, "-", numbered(i + 1), "-of-", numbered(shards.size()), ".safetensors");
      total += tensor.data.size();
    }
  }
  std::remove(index_path.c_str());
  for (const std::vector<TensorView>& shard : shards) {
    const std::string file = folder_of(stem) + map[shard[0].name].get_ref<const std::string&>();
    Result<void> written = write_safetensors(file, shard, metadata);
    if (!written) return written;
  }
  const nlohmann::ordered_json index = {{"metadata", {{"total_size", total}}},
                                        {"weight_map", std::move(map)}};
  const std::string text = index.dump(2) + "\n";
  const std::span<const std::byte> bytes = std::as_bytes(std::span(text));
  return replace_file(index_path, std::span(&bytes, 1));
}

}  // namespace anneal::io
