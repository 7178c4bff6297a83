// SPDX-License-Identifier: MIT
//
// Files from the network, each known by its SHA-256, kept in the folder `assets` of the cache: nothing that
// does not have the expected bytes ever gets the name of the file. A download that breaks off goes on where
// it ended, also in a later process, and of several processes one downloads.
//
// The folder may be filled by hand: NAME below is the path in it, and all that a file must do is have its
// sum. Tested by fetch_test.cc.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "io/message.h"

namespace anneal::assets {

struct Asset {
  std::string_view name;  // "gpt2/vocab.json": its path in the folder
  std::string_view url;
  uint64_t size = 0;
  std::string_view
      sha256;  // empty: not known for certain, so it is never downloaded, only taken as put there
};

struct Progress {
  uint64_t have = 0, size = 0;
  double bytes_per_second = 0;  // of this process
};

struct FetchOptions {
  std::string folder;    // empty: there is none, which is an error that says so
  bool offline = false;  // nothing is downloaded
  std::function<void(const Progress&)> progress;
  int attempts = 5;          // in a row after which there is not more of the file than before; a host that
                             // is not known at the beginning is tried once
  int first_pause_ms = 500;  // before the second; twice as long before each next one
  int stall_seconds = 30;
  std::function<uint64_t(const std::string& folder)> free_space;  // empty: asks the system
};

// By ANNEAL_CACHE_DIR and ANNEAL_OFFLINE.
FetchOptions default_options();

std::string path_of(const Asset& asset, const FetchOptions& options);

// The path of the file, downloaded if it is not there, its sum compared in either case.
io::Result<std::string> fetch(const Asset& asset, const FetchOptions& options);

}  // namespace anneal::assets
