// SPDX-License-Identifier: MIT
//
// One attempt to get a file over HTTP, from where an earlier one ended. It decides nothing: what comes of it
// is for fetch.h. Tested by fetch_test.cc.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace anneal::assets {

struct TransferRequest {
  std::string url;
  std::string path;        // what arrives is put behind what is there
  uint64_t max_size = 0;   // of the file; more is refused
  int stall_seconds = 30;  // without a byte for so long, the attempt is over
  std::function<void(uint64_t have)> progress;
};

struct TransferOutcome {
  enum class Kind : uint8_t {
    kDone,
    kAgain,    // the network or the server failed; another attempt may succeed
    kNoHost,   // nobody knows the host's name: there is no network, or it is gone for a moment
    kRefused,  // the server says no, or the address makes no sense
    kTooLong,
    kDisk,
  };
  Kind kind = Kind::kDone;
  std::string message;    // of a failure
  uint64_t received = 0;  // bytes of content in this attempt
};

TransferOutcome transfer(const TransferRequest& request);

}  // namespace anneal::assets
