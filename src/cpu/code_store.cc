// SPDX-License-Identifier: MIT
// See code_store.h.
#include "cpu/code_store.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <sstream>

#include "cpu/cache_files.h"

namespace anneal::cpu {
namespace {

namespace fs = std::filesystem;
constexpr off_t kLongJournal = 1 << 20;

void shorten(const fs::path& path) {
  const std::string text = read_regular(path).value_or("");
  const size_t line = text.find('\n', text.size() / 2);
  if (line != std::string::npos) replace_with_text(path, std::string_view(text).substr(line + 1));
}

}  // namespace

void Journal::append(const std::vector<JournalEntry>& entries, const ObjectCache::Statistics& now) {
  if (folder_.empty()) return;
  std::ostringstream text;
  for (const JournalEntry& e : entries)
    text << "object " << e.program << ' ' << e.object << ' ' << e.compiler << ' ' << e.threads << ' '
         << e.target << '\n';
  const uint64_t counts[] = {now.hits - before_.hits, now.misses - before_.misses,
                             now.stored - before_.stored, now.evicted - before_.evicted};
  if (counts[0] + counts[1] + counts[2] + counts[3] != 0)
    text << "counts " << counts[0] << ' ' << counts[1] << ' ' << counts[2] << ' ' << counts[3] << '\n';
  before_ = now;
  const std::string lines = text.str();
  if (lines.empty()) return;
  const int fd = open_regular(path(), O_RDWR | O_CREAT | O_APPEND);
  if (fd < 0) return;
  struct stat info{};
  const bool is_long = ::fstat(fd, &info) == 0 && info.st_size > kLongJournal;
  char first[16];
  const ssize_t got = ::pread(fd, first, sizeof first, 0);
  if (got < 0 || (got > 0 && !is_journal_text({first, static_cast<size_t>(got)}))) {
    ::close(fd);  // a file of the user's that has the name
    return;
  }
  [[maybe_unused]] const ssize_t written = ::write(fd, lines.data(), lines.size());
  ::close(fd);
  if (is_long) shorten(path());
}

Journal::Contents Journal::read() const {
  Contents out;
  std::istringstream file(kind_of_file(path()) == CacheFile::kJournal ? read_regular(path()).value_or("")
                                                                      : "");
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string kind;
    words >> kind;
    if (kind == "counts") {
      uint64_t n[4] = {};
      if (words >> n[0] >> n[1] >> n[2] >> n[3])
        out.hits += n[0], out.misses += n[1], out.stored += n[2], out.evicted += n[3];
    } else if (kind == "object") {
      JournalEntry e;
      if (words >> e.program >> e.object >> e.compiler >> e.threads &&
          std::getline(words >> std::ws, e.target))
        out.entries.push_back(std::move(e));
    }
  }
  return out;
}

std::string compiler_key() { return support::key_text(code_version("")); }
std::string target_name(const Target& target) {
  const std::string features = support::key_text(support::Hasher().add(target.text()).finish()).substr(0, 8);
  return target.level + " " + target.cpu + " " + features;
}

std::string why_missing(const Journal::Contents& journal, const JournalEntry& wanted) {
  std::string why = "never compiled";
  int nearest = 0;
  const auto better = [&](int rank, const std::string& text) {
    if (rank > nearest) nearest = rank, why = text;
  };
  for (const JournalEntry& e : journal.entries) {
    if (e.program != wanted.program) continue;
    if (e.object == wanted.object)
      better(4, "evicted: it was stored here and is gone");
    else if (e.compiler == wanted.compiler && e.target == wanted.target)
      better(3, "compiled for " + std::to_string(e.threads) + " threads, this is for " +
                    std::to_string(wanted.threads));
    else if (e.compiler == wanted.compiler)
      better(2, "compiled for another target: " + e.target + ", this is " + wanted.target);
    else
      better(1, "compiled by another version of the compiler");
  }
  return why;
}

std::string folder_problem(const fs::path& folder) {
  if (folder.empty()) return {};
  std::error_code error;
  const fs::file_status status = fs::status(folder, error);
  if (fs::exists(status) && !fs::is_directory(status)) return folder.string() + " is a file, not a folder";
  fs::create_directories(folder, error);
  if (error) return "cannot make the folder " + folder.string() + ": " + error.message();
  const fs::path probe = fresh_path(folder / "probe");
  if (kind_of_file(probe) == CacheFile::kFresh) ::unlink(probe.c_str());
  const int fd = open_regular(probe, O_WRONLY | O_CREAT | O_EXCL);
  const char block[4096] = {};
  std::string problem;
  if (fd < 0 || ::write(fd, block, sizeof block) != sizeof block)
    problem = "cannot write to " + folder.string() + ": " + std::strerror(errno);
  if (fd < 0) return problem;
  ::close(fd);
  ::unlink(probe.c_str());
  return problem;
}

device::CodeStore::Totals folder_totals(const ObjectCache& cache, const Journal& journal) {
  device::CodeStore::Totals out;
  out.folder = cache.folder().string();
  out.limit = cache.limit();
  out.problem = folder_problem(cache.folder());
  if (out.folder.empty() || !out.problem.empty()) return out;
  std::error_code error;
  for (fs::directory_iterator it(cache.folder(), error), end; !error && it != end; it.increment(error)) {
    std::error_code gone;
    const uint64_t size = it->file_size(gone);
    if (gone || kind_of_file(it->path()) != CacheFile::kObject) continue;
    ++out.entries;
    out.bytes += size;
  }
  const Journal::Contents j = journal.read();
  out.hits = j.hits, out.misses = j.misses, out.stored = j.stored, out.evicted = j.evicted;
  return out;
}

device::CodeStore::Totals clear_folder(const ObjectCache& cache, const Journal& journal) {
  device::CodeStore::Totals out = folder_totals(cache, journal);
  if (out.folder.empty() || !out.problem.empty()) return out;
  out.entries = out.bytes = 0;
  std::vector<std::pair<fs::path, CacheFile>> ours;
  std::error_code error;
  for (fs::directory_iterator it(cache.folder(), error), end; !error && it != end; it.increment(error))
    if (const CacheFile kind = kind_of_file(it->path()); kind != CacheFile::kOther)
      ours.emplace_back(it->path(), kind);
  for (const auto& [path, kind] : ours) {
    std::error_code failed;
    const uint64_t size = fs::file_size(path, failed);
    if (!fs::remove(path, failed)) {
      if (failed) out.problem = "cannot remove " + path.string() + ": " + failed.message();
      continue;
    }
    if (kind == CacheFile::kObject) ++out.entries, out.bytes += size;
  }
  return out;
}

}  // namespace anneal::cpu
