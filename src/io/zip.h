// SPDX-License-Identifier: MIT
//
// Zip archives as far as npz files need them: members that are stored or deflated, of any size (zip64). The
// names of members are names and never paths. Every archive is taken for hostile: its sizes are bounded
// before memory is asked for, no two members share bytes, and every member's checksum is compared.
// Tested by npz_test.cc and npz_fuzz.cc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "io/message.h"

namespace anneal::io {

struct ZipMember {
  std::string name;
  bool deflated = false;
  uint32_t crc = 0;
  uint64_t size = 0;                  // of its content
  std::span<const std::byte> stored;  // as it lies in the archive
};

struct ZipLimits {
  uint64_t max_unfolded = 0;  // of all deflated members together; 0: unfolded_limit() of the archive
};

bool is_zip(std::span<const std::byte> bytes);

class ZipArchive {
 public:
  // The members point into `bytes`, which the caller keeps.
  static Result<ZipArchive> parse(std::span<const std::byte> bytes, std::string_view label,
                                  const ZipLimits& limits = {});

  // In the order of the archive's table.
  const std::vector<ZipMember>& members() const { return members_; }

  // The content: `room` holds it where it was deflated, else it is that of the archive.
  Result<std::span<const std::byte>> read(const ZipMember& member, std::vector<std::byte>& room) const;

 private:
  std::string label_;
  std::vector<ZipMember> members_;
};

// Archives out of parts that stay where they are until they are written. Times are those of 1980, so that
// equal content gives equal bytes.
class ZipWriter {
 public:
  // Sizes and places from `large_from` on are written in 64 bits; only tests ask for that below 2^32 - 1.
  explicit ZipWriter(bool compress, uint64_t large_from = 0xffffffff)
      : compress_(compress), large_from_(large_from) {}

  // A member whose content is `head` followed by `data`; `data` must live until parts() has been written.
  void add(std::string name, std::string head, std::span<const std::byte> data);

  // The whole archive. Call it once, last.
  std::vector<std::span<const std::byte>> parts();

 private:
  struct Member {
    std::string name;
    std::string before;               // the local header
    std::string head;                 // stored: the first part of the content
    std::vector<std::byte> deflated;  // else: all of it
    std::span<const std::byte> data;  // stored: the rest
    uint64_t size = 0, stored = 0, offset = 0;
    uint32_t crc = 0;
  };
  bool is_large(uint64_t value) const { return value >= large_from_; }

  bool compress_;
  uint64_t large_from_;
  std::vector<Member> members_;
  std::string table_;
};

}  // namespace anneal::io
