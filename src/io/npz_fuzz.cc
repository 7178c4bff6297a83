// SPDX-License-Identifier: MIT
//
// Fuzz target for zip archives and the .npz files in them, whose checksums a search cannot guess: where one
// is wrong, the member is unfolded all the same. Nothing that is accepted is larger than the limit.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "io/npz.h"

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr uint64_t kLimit = uint64_t{1} << 20;
  std::vector<std::byte> file(size);
  if (size > 0) std::memcpy(file.data(), data, size);
  const auto archive = anneal::io::ZipArchive::parse(file, "input", {.max_unfolded = kLimit});
  if (!archive) {
    require(archive.message().starts_with("input: ") && archive.message().size() < 2000);
    return 0;
  }
  size_t total = 0;
  for (const anneal::io::ZipMember& member : archive->members()) {
    std::vector<std::byte> room;
    const auto content = archive->read(member, room);
    require(room.size() <= kLimit);
    if (!content) continue;
    total += content->size();
    if (const auto array = anneal::io::parse_npy(*content, "member"))
      require(anneal::io::byte_size(array->shape, array->dtype) == array->data.size());
  }
  require(total <= size + kLimit);
  if (const auto arrays = anneal::io::parse_npz(file, "input", nullptr, {.max_unfolded = kLimit}))
    require(arrays->size() <= archive->members().size());
  return 0;
}
