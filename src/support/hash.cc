// SPDX-License-Identifier: MIT
#include "support/hash.h"

namespace anneal::support {

std::string key_text(Key key) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out(32, '0');
  for (int i = 0; i < 16; ++i) {
    out[static_cast<size_t>(15 - i)] = kDigits[(key.hi >> (4 * i)) & 15];
    out[static_cast<size_t>(31 - i)] = kDigits[(key.lo >> (4 * i)) & 15];
  }
  return out;
}

}  // namespace anneal::support
