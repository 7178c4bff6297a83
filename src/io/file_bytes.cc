// SPDX-License-Identifier: MIT
//
// Buffered C files do the portable part; mmap, fsync and file kinds are asked of the system where it has
// them.
#include "io/file_bytes.h"

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <system_error>
#include <utility>
#include <vector>

#if defined(__unix__) && !defined(__wasm__)
#define ANNEAL_HAS_MMAP 1
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#else
#define ANNEAL_HAS_MMAP 0
#endif

namespace anneal::io {
namespace {

using SharedBytes = std::shared_ptr<const FileBytes>;

Failure system_failure(const std::string& path, std::string_view attempt, int error) {
  return Failure{concat(path, ": cannot ", attempt, ": ", std::generic_category().message(error))};
}

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, CloseFile>;

class ReadBytes final : public FileBytes {
 public:
  explicit ReadBytes(std::vector<std::byte> content) : content_(std::move(content)) { bytes_ = content_; }

 private:
  std::vector<std::byte> content_;
};

Result<SharedBytes> read_all(const std::string& path, std::FILE* file, size_t max_bytes) {
  constexpr size_t kFirstStep = size_t{1} << 16;
  std::vector<std::byte> content;
  size_t filled = 0;
  while (true) {
    if (filled == content.size()) content.resize(content.empty() ? kFirstStep : content.size() * 2);
    const size_t count = std::fread(content.data() + filled, 1, content.size() - filled, file);
    filled += count;
    if (filled > max_bytes) {
      return Failure{concat(path, ": the file is larger than the limit of ", max_bytes, " bytes")};
    }
    if (count > 0) continue;
    if (std::ferror(file) != 0) return system_failure(path, "read", errno);
    content.resize(filled);
    content.shrink_to_fit();
    return SharedBytes(std::make_shared<ReadBytes>(std::move(content)));
  }
}

#if ANNEAL_HAS_MMAP

class MappedBytes final : public FileBytes {
 public:
  MappedBytes(void* start, size_t size) : start_(start) {
    bytes_ = {static_cast<const std::byte*>(start), size};
  }
  ~MappedBytes() override { ::munmap(start_, bytes_.size()); }

 private:
  void* start_;
};

// Null when the file is of a kind that cannot be mapped; reading it will say more.
SharedBytes map_open_file(int descriptor) {
  struct stat info = {};
  if (::fstat(descriptor, &info) != 0 || !S_ISREG(info.st_mode) || info.st_size <= 0) return nullptr;
  const size_t size = static_cast<size_t>(info.st_size);
  void* start = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, descriptor, 0);
  if (start == MAP_FAILED) return nullptr;
  return std::make_shared<MappedBytes>(start, size);
}

int sync_to_disk(std::FILE* file) { return ::fsync(::fileno(file)); }

#else

int sync_to_disk(std::FILE*) { return 0; }

#endif

struct TemporaryFile {
  File file;
  std::string path;
};

// A file beside `path` that did not exist before, so that two writers never share one.
Result<TemporaryFile> create_beside(const std::string& path) {
  constexpr int kAttempts = 100;
  for (int i = 0; i < kAttempts; ++i) {
    std::string candidate = concat(path, ".tmp", i);
    File file(std::fopen(candidate.c_str(), "wbx"));
    if (file != nullptr) return TemporaryFile{std::move(file), std::move(candidate)};
    if (errno != EEXIST) return system_failure(candidate, "create", errno);
  }
  return Failure{
      concat(path, ": cannot write: ", path, ".tmp0 to .tmp", kAttempts - 1, " all exist already")};
}

Result<void> write_all(const std::string& path, std::FILE* file,
                       std::span<const std::span<const std::byte>> parts) {
  for (std::span<const std::byte> part : parts) {
    if (part.empty()) continue;
    if (std::fwrite(part.data(), 1, part.size(), file) != part.size())
      return system_failure(path, "write", errno);
  }
  if (std::fflush(file) != 0 || sync_to_disk(file) != 0) return system_failure(path, "write", errno);
  return {};
}

}  // namespace

Result<SharedBytes> FileBytes::map(const std::string& path) {
  File file(std::fopen(path.c_str(), "rb"));
  if (file == nullptr) return system_failure(path, "open", errno);
#if ANNEAL_HAS_MMAP
  if (SharedBytes mapped = map_open_file(::fileno(file.get()))) return mapped;
#endif
  return read_all(path, file.get(), std::numeric_limits<size_t>::max());
}

Result<SharedBytes> FileBytes::read(const std::string& path, size_t max_bytes) {
  File file(std::fopen(path.c_str(), "rb"));
  if (file == nullptr) return system_failure(path, "open", errno);
  return read_all(path, file.get(), max_bytes);
}

Result<void> replace_file(const std::string& path, std::span<const std::span<const std::byte>> parts) {
  Result<TemporaryFile> created = create_beside(path);
  if (!created) return std::move(created).failure();
  const std::string temporary = created->path;
  Result<void> written = write_all(temporary, created->file.get(), parts);
  // Closing can fail too: on some file systems this is where a full disk shows.
  if (std::fclose(created->file.release()) != 0 && written)
    written = system_failure(temporary, "write", errno);
  if (written && std::rename(temporary.c_str(), path.c_str()) != 0) {
    written = system_failure(path, "replace", errno);
  }
  if (!written) std::remove(temporary.c_str());
  return written;
}

}  // namespace anneal::io
