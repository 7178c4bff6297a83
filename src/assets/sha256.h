// SPDX-License-Identifier: MIT
// SHA-256 of bytes and of files, in hexadecimal. Tested by sha256_test.cc.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "io/message.h"

namespace anneal::assets {

class Sha256 {
 public:
  Sha256();
  void add(std::span<const std::byte> bytes);
  std::string finish();  // once

 private:
  struct Free {
    void operator()(void* context) const;
  };
  std::unique_ptr<void, Free> context_;
};

io::Result<std::string> sha256_of_file(const std::string& path);

}  // namespace anneal::assets
