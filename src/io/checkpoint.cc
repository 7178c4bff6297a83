// SPDX-License-Identifier: MIT
//
// Metadata has texts only, so the kind of a value is the first part of its name: "integer.step".
#include "io/checkpoint.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <system_error>
#include <utility>

#include "io/deflate.h"
#include "io/layout.h"

namespace anneal::io {
namespace {

constexpr std::string_view kVersionName = "anneal.checkpoint", kChecksumName = "anneal.crc32";
constexpr std::string_view kCheckpointVersion = "1";
constexpr std::string_view kIntegerPrefix = "integer.", kNumberPrefix = "number.", kTextPrefix = "text.";

std::string exact_text(double number) {
  char text[40];
  const auto [end, error] = std::to_chars(text, text + sizeof(text), number);  // the shortest that comes back
  return {text, error == std::errc() ? end : text};
}

template <typename T>
std::optional<T> number_from(std::string_view text) {
  T value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::string type_text(const TensorView& tensor) {
  return concat(dtype_name(tensor.dtype), shape_text(tensor.shape));
}

// Over names, types, values and data, each with its size, so that nothing can move from one to the next.
class Checksum {
 public:
  void add(std::span<const std::byte> bytes) {
    const uint64_t size = bytes.size();
    crc_ = crc32_join(crc_, crc32_of(std::as_bytes(std::span(&size, 1))), sizeof(size));
    crc_ = crc32_join(crc_, crc32_of(bytes), size);
  }
  void add(std::string_view text) { add(std::as_bytes(std::span(text))); }
  std::string text() const { return std::to_string(crc_); }

 private:
  uint32_t crc_ = 0;
};

std::string checksum_of(std::vector<const TensorView*> tensors, const Metadata& metadata) {
  std::sort(tensors.begin(), tensors.end(),
            [](const TensorView* a, const TensorView* b) { return a->name < b->name; });
  Checksum sum;
  for (const auto& [name, value] : metadata) {
    if (name == kChecksumName) continue;
    sum.add(name);
    sum.add(value);
  }
  for (const TensorView* tensor : tensors) {
    sum.add(tensor->name);
    sum.add(type_text(*tensor));
    sum.add(tensor->data);
  }
  return sum.text();
}

std::vector<const TensorView*> pointers_to(std::span<const TensorView> tensors) {
  std::vector<const TensorView*> out;
  for (const TensorView& tensor : tensors) out.push_back(&tensor);
  return out;
}

// "3 tensors WHAT: a, b, c", the first few of them.
void append_list(std::string& out, const std::vector<std::string>& entries, std::string_view one,
                 std::string_view several) {
  constexpr size_t kShown = 5;
  if (entries.empty()) return;
  out += concat(out.empty() ? "" : "; ", entries.size(), entries.size() == 1 ? one : several);
  for (size_t i = 0; i < std::min(entries.size(), kShown); ++i)
    out += concat(i == 0 ? ": " : ", ", entries[i]);
  if (entries.size() > kShown) out += ", ...";
}

}  // namespace

bool is_checkpoint(const Metadata& metadata) { return metadata.contains(std::string(kVersionName)); }

Result<CheckpointValues> checkpoint_values(const Metadata& metadata, std::string_view label) {
  const auto version = metadata.find(std::string(kVersionName));
  if (version == metadata.end())
    return Failure{concat(label, ": not a checkpoint: its metadata has no ", kVersionName)};
  if (version->second != kCheckpointVersion)
    return Failure{concat(label, ": a checkpoint of version ", in_quotes(version->second),
                          "; this program reads version ", kCheckpointVersion)};
  CheckpointValues out;
  for (const auto& [name, value] : metadata) {
    if (name == kVersionName || name == kChecksumName) continue;
    const auto wrong = [&] {
      return Failure{concat(label, ": metadata ", in_quotes(name), ": ", in_quotes(value), " does not fit")};
    };
    if (name.starts_with(kIntegerPrefix)) {
      const std::optional<int64_t> number = number_from<int64_t>(value);
      if (!number) return wrong();
      out.integers.emplace(name.substr(kIntegerPrefix.size()), *number);
    } else if (name.starts_with(kNumberPrefix)) {
      const std::optional<double> number = number_from<double>(value);
      if (!number) return wrong();
      out.numbers.emplace(name.substr(kNumberPrefix.size()), *number);
    } else if (name.starts_with(kTextPrefix)) {
      out.texts.emplace(name.substr(kTextPrefix.size()), value);
    } else {
      return wrong();
    }
  }
  return out;
}

Result<void> write_checkpoint(const std::string& path, std::span<const TensorView> tensors,
                              const CheckpointValues& values) {
  Metadata metadata;
  metadata.emplace(kVersionName, kCheckpointVersion);
  bool named = true;
  const auto put = [&](std::string_view prefix, const std::string& name, std::string text) {
    named = named && !name.empty();
    metadata.emplace(concat(prefix, name), std::move(text));
  };
  for (const auto& [name, value] : values.integers) put(kIntegerPrefix, name, std::to_string(value));
  for (const auto& [name, value] : values.numbers) put(kNumberPrefix, name, exact_text(value));
  for (const auto& [name, value] : values.texts) put(kTextPrefix, name, value);
  if (!named) return Failure{concat(path, ": a value of a checkpoint needs a name")};
  metadata.emplace(kChecksumName, checksum_of(pointers_to(tensors), metadata));
  return write_safetensors(path, tensors, metadata);
}

Result<Checkpoint> open_checkpoint(const std::string& path) {
  Result<SafeTensors> file = SafeTensors::open(path);
  const std::string other = path + ": not a safetensors file";  // so it begins for what is of another kind
  if (!file && file.message().starts_with(other))
    return Failure{concat(path, ": not a checkpoint", file.message().substr(path.size()))};
  if (!file) return std::move(file).failure();
  Result<CheckpointValues> values = checkpoint_values(file->metadata(), path);
  if (!values) return std::move(values).failure();
  const auto checksum = file->metadata().find(std::string(kChecksumName));
  if (checksum == file->metadata().end() ||
      checksum->second != checksum_of(pointers_to(file->tensors()), file->metadata()))
    return Failure{concat(path, ": its checksum is wrong, so the file is damaged")};
  return Checkpoint{std::move(*file), std::move(*values)};
}

std::string difference_of(std::span<const TensorView> wanted, const SafeTensors& found) {
  std::vector<std::string> missing, changed, extra;
  std::map<std::string_view, const TensorView*> names;
  for (const TensorView& want : wanted) {
    names.emplace(want.name, &want);
    const TensorView* have = found.find(want.name);
    if (have == nullptr)
      missing.push_back(in_quotes(want.name));
    else if (have->dtype != want.dtype || have->shape != want.shape)
      changed.push_back(concat(in_quotes(want.name), " is ", type_text(want), " here and ", type_text(*have),
                               " in the file"));
  }
  for (const TensorView& have : found.tensors())
    if (!names.contains(have.name)) extra.push_back(in_quotes(have.name));
  std::string out;
  append_list(out, missing, " tensor is missing in the file", " tensors are missing in the file");
  append_list(out, extra, " tensor of the file is not wanted", " tensors of the file are not wanted");
  append_list(out, changed, " tensor differs", " tensors differ");
  return out;
}

}  // namespace anneal::io
