// SPDX-License-Identifier: MIT
//
// Buffered C files do the portable part; mmap, fsync and file kinds are asked of the system where it has
// them.
#include "io/file_bytes.h"

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <limits>
#include <system_error>
#include <utility>
#include <vector>

#if defined(__unix__) && !defined(__wasm__)
#define ANNEAL_HAS_MMAP 1
#include <fcntl.h>
#include <sys/file.h>
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

// The name of a new file is on the disk when its folder is. File systems without this say so; then there is
// nothing to be done.
void sync_folder_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return;
  ::fsync(descriptor);
  ::close(descriptor);
}

// A terminal, a pipe, /dev/null: what cannot be replaced is written to.
bool is_special_file(const std::string& path) {
  struct stat info = {};
  return ::stat(path.c_str(), &info) == 0 && !S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode);
}

// A writer holds a lock on its file for as long as it lives. False: somebody else has it.
bool take_lock(std::FILE* file) {
  return ::flock(::fileno(file), LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK;
}

// Whether the open file is still the one of this name.
bool is_named(std::FILE* file, const std::string& path) {
  struct stat open_file = {}, named = {};
  return ::fstat(::fileno(file), &open_file) == 0 && ::stat(path.c_str(), &named) == 0 &&
         open_file.st_ino == named.st_ino && open_file.st_dev == named.st_dev;
}

// Removes the file of a writer that died: nobody holds its lock.
void remove_if_abandoned(const std::string& path) {
  const File file(std::fopen(path.c_str(), "rb"));
  if (file == nullptr) return;
  if (::flock(::fileno(file.get()), LOCK_EX | LOCK_NB) != 0) return;
  if (is_named(file.get(), path)) std::remove(path.c_str());
}

#else

int sync_to_disk(std::FILE*) { return 0; }
void sync_folder_of(const std::string&) {}
bool is_special_file(const std::string&) { return false; }
bool take_lock(std::FILE*) { return true; }
bool is_named(std::FILE*, const std::string&) { return true; }
void remove_if_abandoned(const std::string&) {}

#endif

struct TemporaryFile {
  File file;
  std::string path;
};

constexpr int kTemporaries = 100;
std::string temporary_path(const std::string& path, int i) { return concat(path, ".anneal-tmp", i); }

void remove_abandoned_from(const std::string& path, int first) {
  for (int i = first; i < kTemporaries; ++i) remove_if_abandoned(temporary_path(path, i));
}

// A file beside `path` that did not exist before, so that two writers never share one. What dead writers left
// goes first.
Result<TemporaryFile> create_beside(const std::string& path) {
  for (int i = 0; i < kTemporaries; ++i) {
    std::string candidate = temporary_path(path, i);
    remove_if_abandoned(candidate);
    File file(std::fopen(candidate.c_str(), "wbx"));
    if (file == nullptr && errno != EEXIST) return system_failure(candidate, "create", errno);
    // Between making and locking it, somebody may have taken it for abandoned.
    if (file == nullptr || !take_lock(file.get()) || !is_named(file.get(), candidate)) continue;
    remove_abandoned_from(path, i + 1);
    return TemporaryFile{std::move(file), std::move(candidate)};
  }
  return Failure{concat(path, ": cannot write: ", temporary_path(path, 0), " and so on to ", kTemporaries - 1,
                        " are all being written to")};
}

Result<void> write_parts(const std::string& path, std::FILE* file,
                         std::span<const std::span<const std::byte>> parts) {
  for (std::span<const std::byte> part : parts) {
    if (part.empty()) continue;
    if (std::fwrite(part.data(), 1, part.size(), file) != part.size())
      return system_failure(path, "write", errno);
  }
  if (std::fflush(file) != 0) return system_failure(path, "write", errno);
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
  if (is_special_file(path)) {
    const File file(std::fopen(path.c_str(), "wb"));
    if (file == nullptr) return system_failure(path, "open", errno);
    return write_parts(path, file.get(), parts);
  }
  Result<TemporaryFile> created = create_beside(path);
  if (!created) return std::move(created).failure();
  const std::string temporary = created->path;
  Result<void> written = write_parts(temporary, created->file.get(), parts);
  if (written && sync_to_disk(created->file.get()) != 0) written = system_failure(temporary, "write", errno);
  // Still open, so that nobody takes it for abandoned before it has its name.
  if (written && std::rename(temporary.c_str(), path.c_str()) != 0) {
    written = system_failure(path, "replace", errno);
  }
  if (!written) {
    std::remove(temporary.c_str());
    return written;
  }
  sync_folder_of(path);
  return {};
}

void remove_abandoned_beside(const std::string& path) { remove_abandoned_from(path, 0); }

Result<void> check_replaceable(const std::string& path) {
  if (path.empty()) return Failure{"a file of no name cannot be written"};
  std::error_code unknown;
  if (path.back() == '/' || std::filesystem::is_directory(path, unknown))
    return system_failure(path, "write", EISDIR);
  if (is_special_file(path)) return {};
  Result<TemporaryFile> created = create_beside(path);
  if (!created) return std::move(created).failure();
  std::remove(created->path.c_str());
  return {};
}

Result<bool> create_new_file(const std::string& path) {
  const File file(std::fopen(path.c_str(), "wbx"));
  if (file == nullptr && errno != EEXIST) return system_failure(path, "create", errno);
  return file != nullptr;
}

}  // namespace anneal::io
