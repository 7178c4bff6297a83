// SPDX-License-Identifier: MIT
#include "io/shards.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
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

// What stands behind the stem in the names of a set's files: of the two, that which the older set has not.
constexpr std::string_view kSetTags[] = {"", ".b"};

std::string shard_name(std::string_view base, std::string_view tag, size_t i, size_t count) {
  return concat(base, tag, "-", numbered(i + 1), "-of-", numbered(count), ".safetensors");
}

// "-00001-of-00002.safetensors", and what follows it.
std::optional<std::string_view> behind_shard_number(std::string_view text) {
  const auto skip = [&text](std::string_view expected) {
    const bool is_there = text.starts_with(expected);
    if (is_there) text.remove_prefix(expected.size());
    return is_there;
  };
  const auto skip_number = [&text] {
    const size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
    text.remove_prefix(digits);
    return digits >= 5;
  };
  const bool matches = skip("-") && skip_number() && skip("-of-") && skip_number() && skip(".safetensors");
  return matches ? std::optional(text) : std::nullopt;
}

// The tag of a file of a set of this stem; what follows its name, as in that of a temporary file, is in
// `rest`.
std::optional<std::string_view> set_tag_of(std::string_view file, std::string_view base,
                                           std::string_view* rest) {
  for (const std::string_view tag : kSetTags) {
    const std::string stem = concat(base, tag);
    if (!file.starts_with(stem)) continue;
    const std::optional<std::string_view> behind = behind_shard_number(file.substr(stem.size()));
    if (!behind) continue;
    *rest = *behind;
    return tag;
  }
  return std::nullopt;
}

// A tag such that nothing which the index names is overwritten. An index that cannot be read names nothing.
std::string_view free_tag(const std::string& index_path, std::string_view base) {
  const Result<ShardJson> index = read_json(index_path);
  const Result<WeightMap> map =
      index ? weight_map_of(*index, index_path) : Result<WeightMap>(index.failure());
  if (!map) return kSetTags[0];
  std::string_view rest;
  for (const auto& [tensor, file] : *map) {
    if (set_tag_of(file, base, &rest) == kSetTags[0] && rest.empty()) return kSetTags[1];
  }
  return kSetTags[0];
}

// Of this stem, what is in no set any more: files of the set before, and what dead writers left.
void remove_other_sets(const std::string& stem, const std::set<std::string>& kept) {
  const std::string folder = folder_of(stem), base = stem.substr(folder.size());
  std::error_code error;
  std::vector<std::string> found;
  for (std::filesystem::directory_iterator it(folder.empty() ? "." : folder, error), end; !error && it != end;
       it.increment(error))
    found.push_back(it->path().filename().string());
  std::string_view rest;
  for (const std::string& file : found) {
    if (!set_tag_of(file, base, &rest)) continue;
    if (rest.empty() && !kept.contains(file)) std::remove((folder + file).c_str());
    if (rest.starts_with(".anneal-tmp")) {
      remove_abandoned_beside(folder + file.substr(0, file.size() - rest.size()));
    }
  }
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
  const std::string_view tag = free_tag(index_path, base);
  nlohmann::ordered_json map = nlohmann::ordered_json::object();
  uint64_t total = 0;
  for (size_t i = 0; i < shards.size(); ++i) {
    for (const TensorView& tensor : shards[i]) {
      if (map.contains(tensor.name))
        return Failure{concat(stem, ": tensor ", in_quotes(tensor.name), ": there are two of this name")};
      if (!is_valid_utf8(tensor.name))
        return Failure{concat(stem, ": tensor ", in_quotes(tensor.name), ": the name is not UTF-8 text")};
      map[tensor.name] = shard_name(base, tag, i, shards.size());
      total += tensor.data.size();
    }
  }
  std::set<std::string> files;
  Result<void> written;
  for (size_t i = 0; i < shards.size() && written; ++i) {
    const std::string file = shard_name(base, tag, i, shards.size());
    written = write_safetensors(folder_of(stem) + file, shards[i], metadata);
    if (written) files.insert(file);
  }
  const nlohmann::ordered_json index = {{"metadata", {{"total_size", total}}},
                                        {"weight_map", std::move(map)}};
  const std::string text = index.dump(2) + "\n";
  const std::span<const std::byte> bytes = std::as_bytes(std::span(text));
  if (written) written = replace_file(index_path, std::span(&bytes, 1));
  if (written) {
    remove_other_sets(stem, files);
  } else {
    for (const std::string& file : files) std::remove((folder_of(stem) + file).c_str());
  }
  return written;
}

}  // namespace anneal::io
