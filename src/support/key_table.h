// SPDX-License-Identifier: MIT
// Finds ids by 128-bit key: open addressing, eight bytes an entry. An entry holds 32 bits of the key beside
// the id, so a probe reads the key itself (which lies with the owner of the ids) only when it almost
// certainly matches, and growing reads no keys at all. Id 0 stands for nothing. Tested by key_table_test.cc.
#pragma once

#include <cstdint>
#include <vector>

#include "support/hash.h"

namespace anneal::support {

class KeyTable {
 public:
  KeyTable() : entries_(kMinEntries) {}

  // The id whose key is `key`, or 0. `key_of(id)` gives the key of an id that was inserted.
  template <typename KeyOf>
  uint32_t find(Key key, const KeyOf& key_of) const {
    for (size_t i = home(tag_of(key));; i = (i + 1) & mask()) {
      const Entry e = entries_[i];
      if (e.id == 0) return 0;
      if (e.tag == tag_of(key) && key_of(e.id) == key) return e.id;
    }
  }
  // `key` must not be there.
  void insert(Key key, uint32_t id) {
    if ((size_ + 1) * 3 > entries_.size() * 2) grow(entries_.size() * 2);
    place({id, tag_of(key)});
    ++size_;
  }
  // Keeps the ids that `keep` is true of, and shrinks to fit them.
  template <typename Keep>
  void retain(const Keep& keep) {
    const std::vector<Entry> old = std::move(entries_);
    size_ = 0;
    for (const Entry& e : old) size_ += e.id != 0 && keep(e.id) ? 1 : 0;
    size_t capacity = kMinEntries;
    while (size_ * 3 > capacity * 2) capacity *= 2;
    entries_.assign(capacity, {});
    for (const Entry& e : old)
      if (e.id != 0 && keep(e.id)) place(e);
  }
  template <typename Visit>
  void for_each(const Visit& visit) const {
    for (const Entry& e : entries_)
      if (e.id != 0) visit(e.id);
  }
  size_t size() const { return size_; }
  size_t bytes() const { return entries_.capacity() * sizeof(Entry); }

 private:
  static constexpr size_t kMinEntries = 1024;
  struct Entry {
    uint32_t id = 0, tag = 0;
  };
  static uint32_t tag_of(Key key) { return static_cast<uint32_t>(key.lo); }
  size_t mask() const { return entries_.size() - 1; }
  size_t home(uint32_t tag) const { return tag & mask(); }
  void place(Entry entry) {
    size_t i = home(entry.tag);
    while (entries_[i].id != 0) i = (i + 1) & mask();
    entries_[i] = entry;
  }
  void grow(size_t capacity) {
    const std::vector<Entry> old = std::move(entries_);
    entries_.assign(capacity, {});
    for (const Entry& e : old)
      if (e.id != 0) place(e);
  }

  std::vector<Entry> entries_;
  size_t size_ = 0;
};

}  // namespace anneal::support
