// SPDX-License-Identifier: MIT
#include "support/key_table.h"

#include <gtest/gtest.h>

namespace anneal::support {
namespace {

Key key_of(uint32_t id) { return Hasher(id).finish(); }

TEST(KeyTable, FindsWhatWasInsertedAndNothingElse) {
  KeyTable table;
  for (uint32_t id = 1; id <= 10000; ++id) {
    EXPECT_EQ(table.find(key_of(id), key_of), 0u);
    table.insert(key_of(id), id);
  }
  EXPECT_EQ(table.size(), 10000u);
  for (uint32_t id = 1; id <= 10000; ++id) EXPECT_EQ(table.find(key_of(id), key_of), id);
  EXPECT_EQ(table.find(key_of(10001), key_of), 0u);
}

TEST(KeyTable, KeysWithEqualTagsAreToldApart) {
  KeyTable table;
  const auto key = [](uint32_t id) { return Key{7, id}; };  // one tag for all
  for (uint32_t id = 1; id <= 50; ++id) table.insert(key(id), id);
  for (uint32_t id = 1; id <= 50; ++id) EXPECT_EQ(table.find(key(id), key), id);
  EXPECT_EQ(table.find(key(51), key), 0u);
}

TEST(KeyTable, RetainDropsTheRestAndGivesMemoryBack) {
  KeyTable table;
  for (uint32_t id = 1; id <= 100000; ++id) table.insert(key_of(id), id);
  const size_t full = table.bytes();
  table.retain([](uint32_t id) { return id % 100 == 0; });
  EXPECT_EQ(table.size(), 1000u);
  EXPECT_LT(table.bytes(), full / 10);
  EXPECT_EQ(table.find(key_of(100), key_of), 100u);
  EXPECT_EQ(table.find(key_of(101), key_of), 0u);
}

}  // namespace
}  // namespace anneal::support
