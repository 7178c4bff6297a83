// SPDX-License-Identifier: MIT
// See object_cache.h.
#include "cpu/object_cache.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <llvm/Config/llvm-config.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstring>

#include "cpu/cache_files.h"
#include "support/cache_folder.h"
#include "support/flags.h"
#include "support/number_text.h"
#include "support/version.h"

namespace anneal::cpu {
namespace {

namespace fs = std::filesystem;

// Before the object, in the byte order of the machine: files are for this machine's kind only.
struct Header {
  char magic[8] = {'a', 'n', 'n', 'e', 'a', 'l', 'o', '1'};  // kObjectMagic and the version
  support::Key key;
  uint64_t size = 0;
  support::Key checksum;
};

support::Key checksum_of(std::span<const std::byte> bytes) {
  return support::Hasher()
      .add(std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()))
      .finish();
}

class File {
 public:
  File(const fs::path& path, int flags) : fd_(open_regular(path, flags)) {}
  ~File() { close(); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  bool ok() const { return fd_ >= 0; }
  int fd() const { return fd_; }
  bool close() {
    const int fd = fd_;
    fd_ = -1;
    return fd < 0 || ::close(fd) == 0;
  }
  bool read(void* to, size_t n) {
    auto* at = static_cast<char*>(to);
    while (n > 0) {
      const ssize_t got = ::read(fd_, at, n);
      if (got <= 0) return false;
      at += got, n -= static_cast<size_t>(got);
    }
    return true;
  }
  bool write(const void* from, size_t n) {
    const auto* at = static_cast<const char*>(from);
    while (n > 0) {
      const ssize_t put = ::write(fd_, at, n);
      if (put <= 0) return false;
      at += put, n -= static_cast<size_t>(put);
    }
    return true;
  }

 private:
  int fd_;
};

}  // namespace

ObjectCache::ObjectCache(fs::path folder, uint64_t limit_bytes)
    : folder_(std::move(folder)), limit_(limit_bytes) {}

fs::path ObjectCache::path_of(support::Key key) const {
  return folder_ / (support::key_text(key) + std::string(kObjectSuffix));
}

void ObjectCache::note(std::string problem) {
  while (noting_.test_and_set(std::memory_order_acquire)) {
  }
  problem_ = std::move(problem);
  noting_.clear(std::memory_order_release);
}

ObjectCache::Statistics ObjectCache::statistics() const {
  while (noting_.test_and_set(std::memory_order_acquire)) {
  }
  std::string problem = problem_;
  noting_.clear(std::memory_order_release);
  return {counters_.hits, counters_.misses,  counters_.rejected, counters_.stored,
          counters_.read, counters_.written, counters_.evicted,  std::move(problem)};
}

namespace {

// Something else than a file has the name: a folder, a pipe, a link to one. It is left alone.
bool in_the_way(const fs::path& path) {
  std::error_code error;
  const fs::file_status status = fs::symlink_status(path, error);
  return fs::exists(status) && !fs::is_regular_file(status);
}

// The object of a file that is what it says.
std::optional<std::vector<std::byte>> read_object(File& file, support::Key key) {
  Header header;
  const Header expected;
  struct stat info{};
  const bool good = ::fstat(file.fd(), &info) == 0 && file.read(&header, sizeof header) &&
                    std::memcmp(header.magic, expected.magic, sizeof header.magic) == 0 &&
                    header.key == key && header.size == static_cast<uint64_t>(info.st_size) - sizeof header;
  if (!good) return std::nullopt;
  std::vector<std::byte> object(header.size);
  if (!file.read(object.data(), object.size()) || checksum_of(object) != header.checksum) return std::nullopt;
  return object;
}

}  // namespace

ObjectCache::State ObjectCache::look(support::Key key) const {
  if (folder_.empty()) return State::kAbsent;
  const fs::path path = path_of(key);
  File file(path, O_RDONLY);
  if (!file.ok()) return in_the_way(path) ? State::kDamaged : State::kAbsent;
  return read_object(file, key) ? State::kThere : State::kDamaged;
}

std::optional<std::vector<std::byte>> ObjectCache::find(support::Key key) {
  if (folder_.empty()) return std::nullopt;
  const fs::path path = path_of(key);
  File file(path, O_RDONLY);
  if (!file.ok()) {
    ++counters_.misses;
    if (in_the_way(path)) {
      ++counters_.rejected;
      note("rejected " + path.string() + ": it is not a regular file");
    }
    return std::nullopt;
  }
  std::optional<std::vector<std::byte>> object = read_object(file, key);
  if (!object) {
    ++counters_.misses, ++counters_.rejected;
    note("rejected " + path.string() + ": it is cut short, damaged or of another version");
    if (!in_the_way(path)) ::unlink(path.c_str());
    return std::nullopt;
  }
  ++counters_.hits;
  counters_.read += object->size();
  ::futimens(file.fd(), nullptr);  // used now; where it fails the file just looks older
  return object;
}

void ObjectCache::store(support::Key key, std::span<const std::byte> object) {
  if (folder_.empty() || object.size() + sizeof(Header) > limit_) return;
  std::error_code error;
  fs::create_directories(folder_, error);
  static std::atomic<uint64_t> serial{0};
  const fs::path fresh = folder_ / (support::key_text(key) + "." + std::to_string(::getpid()) + "." +
                                    std::to_string(serial.fetch_add(1)) + std::string(kFreshSuffix));
  if (in_the_way(path_of(key))) return;  // find() has said so
  Header header;
  header.key = key;
  header.size = object.size();
  header.checksum = checksum_of(object);
  File file(fresh, O_WRONLY | O_CREAT | O_EXCL);
  bool good = file.ok() && file.write(&header, sizeof header) && file.write(object.data(), object.size());
  good = good && file.close() && ::rename(fresh.c_str(), path_of(key).c_str()) == 0;
  if (!good) {
    note("cannot write " + fresh.string() + ": " + std::strerror(errno));
    ::unlink(fresh.c_str());
    return;
  }
  ++counters_.stored;
  counters_.written += object.size();
  // The folder is looked through once at first and then each time an eighth of the limit was written.
  if (counters_.stored == 1 || since_trim_.fetch_add(object.size()) > limit_ / 8) {
    since_trim_ = 0;
    trim();
  }
}

namespace {

struct Entry {
  fs::file_time_type time;
  uint64_t size;
  fs::path path;
};

// Those that only have the name of an object; how large they are.
uint64_t take_out_others(std::vector<Entry>& entries) {
  uint64_t bytes = 0;
  std::erase_if(entries, [&](const Entry& e) {
    const bool other = kind_of_file(e.path) != CacheFile::kObject;
    if (other) bytes += e.size;
    return other;
  });
  return bytes;
}

}  // namespace

void ObjectCache::trim() {
  std::vector<Entry> entries;
  uint64_t total = 0;
  std::error_code error;
  const auto now = fs::file_time_type::clock::now();
  for (fs::directory_iterator it(folder_, error), end; !error && it != end; it.increment(error)) {
    const fs::path path = it->path();
    const CacheFile kind = kind_of_name(path.filename().string());
    if (kind != CacheFile::kObject && kind != CacheFile::kFresh) continue;
    std::error_code gone;  // another process may trim as well
    if (it->is_symlink(gone) || !it->is_regular_file(gone)) continue;
    const uint64_t size = it->file_size(gone);
    const auto time = it->last_write_time(gone);
    if (gone) continue;
    if (kind == CacheFile::kFresh) {
      const bool abandoned = now - time > std::chrono::hours(1);
      if (abandoned) fs::remove(path, gone);
      continue;
    }
    entries.push_back({time, size, path});
    total += size;
  }
  if (total <= limit_) return;
  // Only now, since it opens each file.
  total -= take_out_others(entries);
  if (total <= limit_) return;
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) { return a.time < b.time; });
  const uint64_t wanted = limit_ - limit_ / 8;  // so that the next store does not have to do it again
  for (const Entry& e : entries) {
    if (total <= wanted) break;
    std::error_code gone;
    if (fs::remove(e.path, gone)) ++counters_.evicted;
    total -= e.size;
  }
}

fs::path cache_folder() { return support::cache_folder(); }

ObjectCache& process_cache() {
  constexpr uint64_t kMegabyte = 1'000'000;
  static ObjectCache cache(
      cache_folder(),
      support::parse_size(support::flag_text(support::Flag::kCacheSize), kMegabyte).value_or(0));
  return cache;
}

// A build from changed sources is told apart by the file that it lies in.
support::Key code_version(std::string_view target_text) {
  support::Hasher h;
  h.add(target_text)
      .add(std::string_view(LLVM_VERSION_STRING))
      .add(support::version())
      .add(support::commit());
  const std::string_view commit = support::commit();
  if (commit == "unknown" || commit.find("dirty") != std::string_view::npos) {
    Dl_info file{};
    struct stat info{};
    if (::dladdr(reinterpret_cast<void*>(&cache_folder), &file) != 0 && file.dli_fname != nullptr &&
        ::stat(file.dli_fname, &info) == 0)
      h.add(static_cast<uint64_t>(info.st_size))
          .add(static_cast<uint64_t>(info.st_mtim.tv_sec))
          .add(static_cast<uint64_t>(info.st_mtim.tv_nsec));
  }
  return h.finish();
}

}  // namespace anneal::cpu
