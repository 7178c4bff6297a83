// SPDX-License-Identifier: MIT
#include "io/npz.h"

#include <memory>
#include <set>

#include "io/file_bytes.h"

namespace anneal::io {
namespace {

constexpr std::string_view kNpySuffix = ".npy";
constexpr size_t kMaxMemberName = 60000;  // of 65535 in the format

std::string array_name(const std::string& member) {
  return member.ends_with(kNpySuffix) ? member.substr(0, member.size() - kNpySuffix.size()) : member;
}

}  // namespace

Result<NamedArrays> parse_npz(std::span<const std::byte> bytes, std::string_view label,
                              const std::shared_ptr<const void>& storage, const ZipLimits& limits) {
  const Result<ZipArchive> archive = ZipArchive::parse(bytes, label, limits);
  if (!archive) return archive.failure();
  NamedArrays out;
  std::set<std::string> names;
  for (const ZipMember& member : archive->members()) {
    if (member.name.ends_with('/') && member.size == 0) continue;  // a folder
    const std::string shown = concat(label, ": member ", in_quotes(member.name));
    auto room = std::make_shared<std::vector<std::byte>>();
    const Result<std::span<const std::byte>> content = archive->read(member, *room);
    if (!content) return content.failure();
    std::shared_ptr<const void> keeps = storage;
    if (member.deflated) keeps = room;
    Result<Array> array = parse_npy(*content, shown, std::move(keeps));
    if (!array) return std::move(array).failure();
    std::string name = array_name(member.name);
    if (!names.insert(name).second) return Failure{shown + ": there are two of this name"};
    out.emplace_back(std::move(name), std::move(*array));
  }
  return out;
}

Result<NamedArrays> read_npz(const std::string& path, const ZipLimits& limits) {
  Result<std::shared_ptr<const FileBytes>> file = FileBytes::map(path);
  if (!file) return std::move(file).failure();
  const std::span<const std::byte> bytes = (*file)->bytes();
  return parse_npz(bytes, path, *file, limits);
}

Result<void> write_npz(const std::string& path, std::span<const TensorView> tensors, bool compress) {
  ZipWriter zip(compress);
  std::set<std::string> names;
  for (const TensorView& tensor : tensors) {
    const std::string shown = concat(path, ": tensor ", in_quotes(tensor.name), ": ");
    if (tensor.name.empty() || tensor.name.size() > kMaxMemberName || !is_valid_utf8(tensor.name))
      return Failure{shown + "the name cannot be that of a member"};
    if (!names.insert(tensor.name).second) return Failure{shown + "there are two of this name"};
    Result<std::string> header = npy_header(tensor);
    if (!header) return Failure{shown + header.message()};
    zip.add(tensor.name + std::string(kNpySuffix), std::move(*header), tensor.data);
  }
  return replace_file(path, zip.parts());
}

}  // namespace anneal::io
