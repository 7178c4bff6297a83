// SPDX-License-Identifier: MIT
// Where files are kept between processes: compiled kernels, downloads. Tested by cache_folder_test.cc.
#pragma once

#include <string>

#include "support/flags.h"

namespace anneal::support {

// ANNEAL_CACHE_DIR, else anneal in the folder for caches of the desktop or of the user. Empty when there is
// none, or ANNEAL_CACHE_DIR is off.
inline std::string cache_folder() {
  const std::string& chosen = flag_text(Flag::kCacheDir);
  if (chosen == "off") return {};
  if (!chosen.empty()) return chosen;
  const std::string& caches = flag_text(Flag::kCacheHome);
  if (!caches.empty() && caches[0] == '/') return caches + "/anneal";
  const std::string& user = flag_text(Flag::kHome);
  return user.empty() ? std::string() : user + "/.cache/anneal";
}

}  // namespace anneal::support
