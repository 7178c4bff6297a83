// SPDX-License-Identifier: MIT
#include "cli/memory.h"

#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <limits>

#include "anneal/error.h"
#include "support/number_text.h"

namespace anneal::cli {

uint64_t host_memory() {
  uint64_t out = std::numeric_limits<uint64_t>::max();
  const long pages = ::sysconf(_SC_PHYS_PAGES), page = ::sysconf(_SC_PAGESIZE);
  if (pages > 0 && page > 0) out = static_cast<uint64_t>(pages) * static_cast<uint64_t>(page);
  for (const char* path : {"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"}) {
    std::ifstream file(path);
    uint64_t limit = 0;
    if (file >> limit) out = std::min(out, limit);  // "max" is no number
  }
  rlimit limit = {};
  if (::getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY)
    out = std::min(out, static_cast<uint64_t>(limit.rlim_cur));
  return out;
}

uint64_t resident_memory() {
  std::ifstream file("/proc/self/statm");
  uint64_t all = 0, resident = 0;
  const long page = ::sysconf(_SC_PAGESIZE);
  return page > 0 && file >> all >> resident ? resident * static_cast<uint64_t>(page) : 0;
}

void check_memory(const std::string& what, double bytes) {
  const uint64_t there = host_memory();
  if (bytes <= static_cast<double>(there)) return;
  raise(ErrorCode::kMemory, fmt::format("{} takes {}, and there are {} in all", what,
                                        support::size_text(bytes), support::size_text(there)));
}

}  // namespace anneal::cli
