// SPDX-License-Identifier: MIT
//
// Whole files as bytes. Reading maps large files instead of copying them; writing goes to a new file beside
// the target that takes its place when it is complete, so that a reader sees the old file or the new one.
// Tested by file_bytes_test.cc.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "io/message.h"

namespace anneal::io {

// The content of a file, for as long as this lives.
class FileBytes {
 public:
  // Maps the file into memory, or reads it where that is not possible (a pipe, a host without mmap). A mapped
  // file must not be cut short by others meanwhile: the system ends a program that reads a part that is gone.
  static Result<std::shared_ptr<const FileBytes>> map(const std::string& path);

  // Reads the file; one of more than `max_bytes` is a failure.
  static Result<std::shared_ptr<const FileBytes>> read(const std::string& path, size_t max_bytes);

  virtual ~FileBytes() = default;
  FileBytes(const FileBytes&) = delete;
  FileBytes& operator=(const FileBytes&) = delete;

  std::span<const std::byte> bytes() const { return bytes_; }

 protected:
  FileBytes() = default;
  std::span<const std::byte> bytes_;
};

// Writes `parts` one after the other. On failure the file at `path` is as it was; on success the new content
// is on the disk, name and all. A process that dies at any moment leaves the old file or the new one, and
// beside it perhaps PATH.anneal-tmpN, which the next one that writes to this path removes. A path that is no
// regular file, such as /dev/stdout, is written to.
Result<void> replace_file(const std::string& path, std::span<const std::span<const std::byte>> parts);

// Removes what dead writers to this path left beside it, for a path that nobody will write to again.
void remove_abandoned_beside(const std::string& path);

// Whether that could be done now, for as much as can be known without doing it: before work whose result
// would be lost. The disk is as it was afterwards.
Result<void> check_replaceable(const std::string& path);

// An empty file that was not there, or a failure: the name is this caller's from now on. Taken names give
// false.
Result<bool> create_new_file(const std::string& path);

}  // namespace anneal::io
