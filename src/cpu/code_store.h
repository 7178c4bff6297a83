// SPDX-License-Identifier: MIT
// What can be told of the object cache afterwards: a journal beside the objects says what was stored for
// which program, by which compiler and for which target, and how often something was found. Lines are
// appended whole, so any number of processes may write; a journal that grows too long loses its older half.
// Tested by code_store_test.cc.
#pragma once

#include <string>
#include <vector>

#include "cpu/object_cache.h"
#include "cpu/target.h"
#include "device/device.h"

namespace anneal::cpu {

// One stored object.
struct JournalEntry {
  std::string program, object, compiler, target;  // keys; the last one "avx512 znver4"
  int threads = 0;                                // that it was made for
};

class Journal {
 public:
  struct Contents {
    std::vector<JournalEntry> entries;
    uint64_t hits = 0, misses = 0, stored = 0, evicted = 0;
  };
  // In a folder; empty: nothing is written.
  explicit Journal(std::filesystem::path folder) : folder_(std::move(folder)) {}
  // New entries, and what the cache has counted since the last call. Where it cannot be written, nothing is.
  void append(const std::vector<JournalEntry>& entries, const ObjectCache::Statistics& now);
  Contents read() const;
  std::filesystem::path path() const { return folder_ / "journal"; }

 private:
  std::filesystem::path folder_;
  ObjectCache::Statistics before_;
};

std::string compiler_key();  // of this build
std::string target_name(const Target& target);

// Why an object is not in the cache, from what the journal says of its program.
std::string why_missing(const Journal::Contents& journal, const JournalEntry& wanted);

// Why a folder cannot be used; empty: it can.
std::string folder_problem(const std::filesystem::path& folder);

// Of a cache's folder: what is there, and taking it away.
device::CodeStore::Totals folder_totals(const ObjectCache& cache, const Journal& journal);
device::CodeStore::Totals clear_folder(const ObjectCache& cache, const Journal& journal);

}  // namespace anneal::cpu
