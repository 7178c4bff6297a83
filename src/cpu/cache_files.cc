// SPDX-License-Identifier: MIT
// See cache_files.h.
#include "cpu/cache_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace anneal::cpu {
namespace {

namespace fs = std::filesystem;
constexpr size_t kKeyDigits = 32;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool take(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

bool take_key(std::string_view& text) {
  const auto is_hex = [](char c) { return is_digit(c) || (c >= 'a' && c <= 'f'); };
  if (text.size() < kKeyDigits || !std::all_of(text.begin(), text.begin() + kKeyDigits, is_hex)) return false;
  text.remove_prefix(kKeyDigits);
  return true;
}

bool take_number(std::string_view& text) {
  const auto end = std::find_if_not(text.begin(), text.end(), is_digit);
  const auto digits = static_cast<size_t>(end - text.begin());
  text.remove_prefix(digits);
  return digits > 0;
}

bool read_all(int fd, char* to, size_t n, size_t& got) {
  for (got = 0; got < n;) {
    const ssize_t part = ::read(fd, to + got, n - got);
    if (part < 0 && errno == EINTR) continue;
    if (part < 0) return false;
    if (part == 0) break;
    got += static_cast<size_t>(part);
  }
  return true;
}

bool write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t put = ::write(fd, text.data(), text.size());
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) return false;
    text.remove_prefix(static_cast<size_t>(put));
  }
  return true;
}

std::string beginning(const fs::path& path) {
  char bytes[16];
  size_t got = 0;
  const int fd = open_regular(path, O_RDONLY);
  if (fd < 0) return {};
  const bool read = read_all(fd, bytes, sizeof bytes, got);
  ::close(fd);
  return read ? std::string(bytes, got) : std::string();
}

}  // namespace

CacheFile kind_of_name(std::string_view name) {
  if (name == kJournalName) return CacheFile::kJournal;
  int numbers = 1;  // of a fresh file's name: the process, and for objects a serial number
  if (take_key(name)) {
    if (name == kObjectSuffix) return CacheFile::kObject;
    numbers = 2;
  } else if (take(name, kFiguresPrefix)) {
    if (!take_key(name)) return CacheFile::kOther;
    if (name.empty()) return CacheFile::kFigures;
  } else if (!take(name, kJournalName) && !take(name, "probe")) {
    return CacheFile::kOther;
  }
  for (int i = 0; i < numbers; ++i)
    if (!take(name, ".") || !take_number(name)) return CacheFile::kOther;
  return name == kFreshSuffix ? CacheFile::kFresh : CacheFile::kOther;
}

CacheFile kind_of_file(const fs::path& path) {
  const CacheFile kind = kind_of_name(path.filename().string());
  struct stat info{};
  if (kind == CacheFile::kOther || ::lstat(path.c_str(), &info) != 0 || !S_ISREG(info.st_mode))
    return CacheFile::kOther;
  if (kind == CacheFile::kObject && !beginning(path).starts_with(kObjectMagic)) return CacheFile::kOther;
  if (kind == CacheFile::kJournal && !is_journal_text(beginning(path))) return CacheFile::kOther;
  return kind;
}

// O_NONBLOCK: opening a pipe or a device would otherwise wait for who writes to it, for ever.
int open_regular(const fs::path& path, int flags) {
  const int fd = ::open(path.c_str(), flags | O_NONBLOCK | O_CLOEXEC | O_NOCTTY, 0644);
  struct stat info{};
  if (fd < 0 || (::fstat(fd, &info) == 0 && S_ISREG(info.st_mode))) return fd;
  ::close(fd);
  errno = EINVAL;
  return -1;
}

std::optional<std::string> read_regular(const fs::path& path) {
  const int fd = open_regular(path, O_RDONLY);
  if (fd < 0) return std::nullopt;
  struct stat info{};
  std::string text(::fstat(fd, &info) == 0 ? static_cast<size_t>(info.st_size) : 0, '\0');
  size_t got = 0;
  const bool read = read_all(fd, text.data(), text.size(), got);
  ::close(fd);
  if (!read) return std::nullopt;
  text.resize(got);
  return text;
}

fs::path fresh_path(const fs::path& path) {
  return path.string() + "." + std::to_string(::getpid()) + std::string(kFreshSuffix);
}

bool replace_with_text(const fs::path& path, std::string_view text) {
  const fs::path fresh = fresh_path(path);
  // One that a process of the same number left when it was killed.
  if (kind_of_file(fresh) == CacheFile::kFresh) ::unlink(fresh.c_str());
  const int fd = open_regular(fresh, O_WRONLY | O_CREAT | O_EXCL);
  if (fd < 0) return false;
  bool good = write_all(fd, text);
  good = ::close(fd) == 0 && good;
  good = good && ::rename(fresh.c_str(), path.c_str()) == 0;
  if (!good) ::unlink(fresh.c_str());
  return good;
}

bool is_journal_text(std::string_view text) {
  return text.starts_with("object ") || text.starts_with("counts ");
}

}  // namespace anneal::cpu
