// SPDX-License-Identifier: MIT
// Compiled objects on disk, shared by all processes of the user. A file is written under a name of its own
// and then renamed, so that a reader sees all of it or nothing; what is cut short, changed or of another
// version fails its checksum, is removed and compiled again. A folder that cannot be written is no error.
// When the objects grow beyond the limit, those used longest ago go first; what is no object of ours stays
// (cache_files.h). Tested by object_cache_test.cc.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "support/hash.h"

namespace anneal::cpu {

class ObjectCache {
 public:
  // `folder` empty: nothing is stored or found.
  ObjectCache(std::filesystem::path folder, uint64_t limit_bytes);
  const std::filesystem::path& folder() const { return folder_; }
  uint64_t limit() const { return limit_; }

  std::optional<std::vector<std::byte>> find(support::Key key);
  // The same without any effect.
  enum class State : uint8_t { kThere, kAbsent, kDamaged };
  State look(support::Key key) const;
  void store(support::Key key, std::span<const std::byte> object);

  struct Statistics {
    uint64_t hits = 0, misses = 0, rejected = 0;  // rejected: of the misses, those with a damaged file
    uint64_t stored = 0, bytes_read = 0, bytes_written = 0, evicted = 0;
    std::string last_problem;  // why something could not be stored or was rejected; empty: nothing
  };
  Statistics statistics() const;

 private:
  void trim();
  void note(std::string problem);
  std::filesystem::path path_of(support::Key key) const;

  std::filesystem::path folder_;
  uint64_t limit_;
  struct Counters {
    std::atomic<uint64_t> hits{0}, misses{0}, rejected{0}, stored{0}, read{0}, written{0}, evicted{0};
  } counters_;
  std::atomic<uint64_t> since_trim_{0};
  mutable std::atomic_flag noting_ = ATOMIC_FLAG_INIT;
  std::string problem_;
};

// Where the flags say: see ANNEAL_CACHE_DIR. Empty when there is to be none.
std::filesystem::path cache_folder();
ObjectCache& process_cache();

// What code depends on besides its program: target, LLVM's version and ours.
support::Key code_version(std::string_view target_text);

}  // namespace anneal::cpu
