// SPDX-License-Identifier: MIT
// See code_store.h.
#include "cpu/code_store.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

namespace anneal::cpu {
namespace {

namespace fs = std::filesystem;
constexpr off_t kLongJournal = 1 << 20;

void shorten(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  const size_t line = text.find('\n', text.size() / 2);
  if (line == std::string::npos) return;
  const fs::path fresh = path.string() + "." + std::to_string(::getpid()) + ".tmp";
  std::ofstream out(fresh, std::ios::binary);
  out << text.substr(line + 1);
  out.close();
  std::error_code error;
  if (out.good())
    fs::rename(fresh, path, error);
  else
    fs::remove(fresh, error);
}

bool is_ours(const fs::path& path) {
  const std::string name = path.filename().string();
  return path.extension() == ".o" || path.extension() == ".tmp" || name == "journal" ||
         name.starts_with("measured-");
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
  const int fd = ::open(path().c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (fd < 0) return;
  struct stat info{};
  const bool is_long = ::fstat(fd, &info) == 0 && info.st_size > kLongJournal;
  [[maybe_unused]] const ssize_t written = ::write(fd, lines.data(), lines.size());
  ::close(fd);
  if (is_long) shorten(path());
}

Journal::Contents Journal::read() const {
  Contents out;
  std::ifstream file(path());
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
  const fs::path probe = folder / ("probe." + std::to_string(::getpid()) + ".tmp");
  const int fd = ::open(probe.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
  const char block[4096] = {};
  std::string problem;
  if (fd < 0 || ::write(fd, block, sizeof block) != sizeof block)
    problem = "cannot write to " + folder.string() + ": " + std::strerror(errno);
  if (fd >= 0) ::close(fd);
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
    if (gone || it->path().extension() != ".o") continue;
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
  std::vector<fs::path> ours;
  std::error_code error;
  for (fs::directory_iterator it(cache.folder(), error), end; !error && it != end; it.increment(error))
    if (is_ours(it->path())) ours.push_back(it->path());
  for (const fs::path& path : ours) {
    std::error_code failed;
    const uint64_t size = fs::file_size(path, failed);
    const bool is_object = path.extension() == ".o";
    if (!fs::remove(path, failed)) {
      if (failed) out.problem = "cannot remove " + path.string() + ": " + failed.message();
      continue;
    }
    if (is_object) ++out.entries, out.bytes += size;
  }
  return out;
}

}  // namespace anneal::cpu
