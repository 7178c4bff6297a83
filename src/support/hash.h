// SPDX-License-Identifier: MIT
// 128-bit content keys. A key depends on content only: never on addresses, ids or construction order, so it
// is the same in every process and on every machine. Not meant against an adversary.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

namespace anneal::support {

struct Key {
  uint64_t lo = 0, hi = 0;
  auto operator<=>(const Key&) const = default;
};

// Folds the 128-bit product of two words into one word: every input bit reaches every output bit.
constexpr uint64_t fold_multiply(uint64_t a, uint64_t b) {
#if defined(__SIZEOF_INT128__) && !defined(__wasm__)
  __extension__ using Wide = unsigned __int128;
  const Wide p = static_cast<Wide>(a) * b;
  return static_cast<uint64_t>(p) ^ static_cast<uint64_t>(p >> 64);
#else
  const uint64_t al = a & 0xffffffffu, ah = a >> 32, bl = b & 0xffffffffu, bh = b >> 32;
  const uint64_t ll = al * bl, lh = al * bh, hl = ah * bl, hh = ah * bh;
  const uint64_t mid = (ll >> 32) + (lh & 0xffffffffu) + hl;
  const uint64_t hi = hh + (lh >> 32) + (mid >> 32);
  const uint64_t lo = (mid << 32) | (ll & 0xffffffffu);
  return lo ^ hi;
#endif
}

// Feeds words in order; finish() gives the key. Two independent lanes, so that the key has 128 useful bits.
class Hasher {
 public:
  // The first word passes through a round of its own: seed and what follows must not cancel.
  constexpr explicit Hasher(uint64_t seed = 0) { add(seed); }
  constexpr Hasher& add(uint64_t w) {
    a_ = fold_multiply(a_ ^ w, 0xa0761d6478bd642fu) + 0x8ebc6af09c88c6e3u;
    b_ = fold_multiply(b_ + w, 0xe7037ed1a0b428dbu) ^ 0x589965cc75374cc3u;
    return *this;
  }
  constexpr Hasher& add(Key k) {
    a_ = fold_multiply(a_ ^ k.lo, 0xa0761d6478bd642fu ^ k.hi) + k.hi;
    b_ = fold_multiply(b_ + k.hi, 0xe7037ed1a0b428dbu + k.lo) ^ (k.lo * 0x9fb21c651e98df25u);
    return *this;
  }
  Hasher& add(std::string_view text) {
    add(text.size());
    for (size_t i = 0; i < text.size(); i += 8) {
      uint64_t w = 0;
      for (size_t j = i; j < text.size() && j < i + 8; ++j)
        w |= static_cast<uint64_t>(static_cast<unsigned char>(text[j])) << (8 * (j - i));
      add(w);
    }
    return *this;
  }
  constexpr Key finish() const {
    return {fold_multiply(a_ ^ (b_ >> 32), 0x8ebc6af09c88c6e3u),
            fold_multiply(b_ ^ (a_ << 32), 0x589965cc75374cc3u)};
  }

 private:
  uint64_t a_ = 0x9e3779b97f4a7c15u, b_ = 0xd1b54a32d192ed03u;
};

// 32 hexadecimal digits.
std::string key_text(Key key);

}  // namespace anneal::support
