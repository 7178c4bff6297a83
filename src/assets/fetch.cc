// SPDX-License-Identifier: MIT
//
// NAME.part is what has arrived so far; NAME.lock is empty and held by the process that downloads. It stays:
// to remove a lock is to let two hold it.
#include "assets/fetch.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <system_error>
#include <thread>
#include <utility>

#include "assets/sha256.h"
#include "assets/transfer.h"
#include "support/cache_folder.h"
#include "support/number_text.h"

namespace anneal::assets {
namespace {

namespace fs = std::filesystem;

using io::concat;
using io::Failure;
using io::Result;
using Kind = TransferOutcome::Kind;
using Clock = std::chrono::steady_clock;

class FileLock {
 public:
  explicit FileLock(const std::string& path)
      : descriptor_(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666)) {
    while (descriptor_ >= 0 && ::flock(descriptor_, LOCK_EX) != 0 && errno == EINTR) continue;
  }
  ~FileLock() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;

  bool held() const { return descriptor_ >= 0; }

 private:
  int descriptor_;
};

uint64_t size_of_file(const std::string& path) {
  std::error_code missing;
  const uintmax_t size = fs::file_size(path, missing);
  return missing ? 0 : size;
}

class Fetcher {
 public:
  Fetcher(const Asset& asset, const FetchOptions& options)
      : asset_(asset), options_(options), path_(path_of(asset, options)), part_(path_ + ".part") {}

  Result<std::string> run();

 private:
  template <typename... Parts>
  Failure fail(const Parts&... parts) const {
    return Failure{concat(asset_.name, ": ", parts...)};
  }
  std::string by_hand() const { return concat("put ", asset_.url, " at ", path_); }

  // Whether the file is there; a wrong one is removed and a failure.
  Result<bool> is_there() const;
  Result<void> check_space() const;
  Result<void> download();
  Result<void> take_name() const;
  void report(uint64_t have) const;

  const Asset& asset_;
  const FetchOptions& options_;
  const std::string path_, part_;
  uint64_t start_size_ = 0;
  Clock::time_point start_;
};

Result<bool> Fetcher::is_there() const {
  std::error_code error;
  if (!fs::exists(path_, error)) return false;
  if (asset_.sha256.empty()) return true;
  const Result<std::string> sum = sha256_of_file(path_);
  if (!sum) return sum.failure();
  if (*sum == asset_.sha256) return true;
  std::remove(path_.c_str());
  return fail(path_, " is not what was published: its SHA-256 is ", *sum, ", not ", asset_.sha256,
              ". It was removed");
}

Result<void> Fetcher::check_space() const {
  const std::string folder = fs::path(path_).parent_path().string();
  uint64_t available = 0;
  if (options_.free_space) {
    available = options_.free_space(folder);
  } else {
    std::error_code unknown;
    const fs::space_info space = fs::space(folder, unknown);
    if (unknown) return {};  // writing will show
    available = space.available;
  }
  const uint64_t missing = asset_.size - std::min(asset_.size, size_of_file(part_));
  const uint64_t needed = missing + asset_.size / 10;
  if (available >= needed) return {};
  return fail("not enough space in ", folder, ": ", support::size_text(available), " are free, ",
              support::size_text(needed), " are needed");
}

void Fetcher::report(uint64_t have) const {
  if (!options_.progress) return;
  const double seconds = std::chrono::duration<double>(Clock::now() - start_).count();
  const uint64_t arrived = have - std::min(have, start_size_);
  options_.progress({have, asset_.size, seconds > 0 ? static_cast<double>(arrived) / seconds : 0});
}

Result<void> Fetcher::download() {
  constexpr int kMostAttempts = 1000;  // however much each of them brings
  if (size_of_file(part_) > asset_.size) std::remove(part_.c_str());
  start_size_ = size_of_file(part_);
  start_ = Clock::now();
  TransferRequest request{std::string(asset_.url), part_, asset_.size, options_.stall_seconds,
                          [this](uint64_t have) { report(have); }};
  int in_vain = 0, pause = options_.first_pause_ms;
  // A server without ranges begins anew each time: what comes again is no progress.
  uint64_t most = start_size_;
  for (int attempt = 1;; ++attempt) {
    if (size_of_file(part_) == asset_.size && asset_.size > 0) return {};
    const TransferOutcome outcome = transfer(request);
    if (outcome.kind == Kind::kDone) return {};
    if (outcome.kind == Kind::kTooLong) std::remove(part_.c_str());
    if (const uint64_t size = size_of_file(part_); size > most) {
      most = size;
      in_vain = 0;
      pause = options_.first_pause_ms;
    } else {
      ++in_vain;
    }
    const bool may_pass =
        outcome.kind == Kind::kAgain || (outcome.kind == Kind::kNoHost && most > start_size_);
    if (!may_pass || in_vain >= options_.attempts || attempt >= kMostAttempts)
      return fail("cannot download ", asset_.url, ": ", outcome.message,
                  attempt > 1 ? concat(" (attempt ", attempt, ")") : "", "; or ", by_hand());
    std::this_thread::sleep_for(std::chrono::milliseconds(pause));
    pause *= 2;
  }
}

Result<void> Fetcher::take_name() const {
  const uint64_t size = size_of_file(part_);
  const Result<std::string> sum = sha256_of_file(part_);
  if (!sum) return sum.failure();
  if (size != asset_.size || *sum != asset_.sha256) {
    std::remove(part_.c_str());
    return fail(asset_.url, " is not what was published: ", size, " bytes with SHA-256 ", *sum, ", not ",
                asset_.size, " with ", asset_.sha256, ". What came was removed");
  }
  std::error_code error;
  fs::rename(part_, path_, error);
  if (error) return fail("cannot rename ", part_, ": ", error.message());
  const int folder = ::open(fs::path(path_).parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder >= 0) {
    ::fsync(folder);
    ::close(folder);
  }
  return {};
}

Result<std::string> Fetcher::run() {
  if (options_.folder.empty())
    return fail("there is no folder for downloads: ANNEAL_CACHE_DIR is off, or neither it nor HOME is set");
  Result<bool> there = is_there();
  if (!there) return std::move(there).failure();
  if (*there) return path_;
  if (asset_.sha256.empty())
    return fail("not downloaded, because its SHA-256 is not known to this program: ", by_hand());
  if (options_.offline)
    return fail("it is not in the cache, and ANNEAL_OFFLINE=1: ", by_hand(), " (SHA-256 ", asset_.sha256,
                ")");
  std::error_code error;
  fs::create_directories(fs::path(path_).parent_path(), error);
  if (error) return fail("cannot make the folder of ", path_, ": ", error.message());
  const FileLock lock(path_ + ".lock");
  if (!lock.held()) return fail("cannot make ", path_, ".lock: ", std::generic_category().message(errno));
  there = is_there();  // another process may have been here
  if (!there) return std::move(there).failure();
  if (*there) return path_;
  if (Result<void> space = check_space(); !space) return std::move(space).failure();
  if (Result<void> downloaded = download(); !downloaded) return std::move(downloaded).failure();
  if (Result<void> named = take_name(); !named) return std::move(named).failure();
  return path_;
}

}  // namespace

FetchOptions default_options() {
  FetchOptions options;
  const std::string cache = support::cache_folder();
  if (!cache.empty()) options.folder = cache + "/assets";
  options.offline = support::flag_on(support::Flag::kOffline);
  return options;
}

std::string path_of(const Asset& asset, const FetchOptions& options) {
  return concat(options.folder, "/", asset.name);
}

io::Result<std::string> fetch(const Asset& asset, const FetchOptions& options) {
  return Fetcher(asset, options).run();
}

}  // namespace anneal::assets
