// SPDX-License-Identifier: MIT
#include "io/layout.h"

#include <gtest/gtest.h>

#include <cstring>
#include <numeric>

#include "io/test_bytes.h"

namespace anneal::io {
namespace {

TEST(Layout, SizesDoNotOverflow) {
  EXPECT_EQ(byte_size(std::vector<int64_t>{}, f32), 4u);
  EXPECT_EQ(byte_size(std::vector<int64_t>{2, 3}, f16), 12u);
  EXPECT_EQ(byte_size(std::vector<int64_t>{0, 5}, f64), 0u);
  EXPECT_EQ(byte_size(std::vector<int64_t>{int64_t{1} << 60}, f64), std::nullopt);
  EXPECT_EQ(byte_size(std::vector<int64_t>{0, int64_t{1} << 62, 8}, u8), std::nullopt);
}

TEST(Layout, SwapsEachElement) {
  const std::string_view text = "abcdefgh";
  const auto bytes = std::as_bytes(std::span(text));
  EXPECT_EQ(as_text(swap_bytes(bytes, 2)), "badcfehg");
  EXPECT_EQ(as_text(swap_bytes(bytes, 4)), "dcbahgfe");
  EXPECT_EQ(as_text(swap_bytes(bytes, 8)), "hgfedcba");
}

// Every element of a column-major array is found at its row-major place, for all element sizes.
template <typename T>
void check_column_major(const std::vector<int64_t>& shape) {
  size_t count = 1;
  for (const int64_t extent : shape) count *= static_cast<size_t>(extent);
  std::vector<T> rows(count), columns(count);
  std::iota(rows.begin(), rows.end(), T{1});
  for (size_t i = 0; i < count; ++i) {
    size_t rest = i, stride = 1, offset = 0;
    std::vector<size_t> position(shape.size());
    for (size_t axis = shape.size(); axis-- > 0;) {
      position[axis] = rest % static_cast<size_t>(shape[axis]);
      rest /= static_cast<size_t>(shape[axis]);
    }
    for (size_t axis = 0; axis < shape.size(); ++axis) {
      offset += position[axis] * stride;
      stride *= static_cast<size_t>(shape[axis]);
    }
    columns[offset] = rows[i];
  }
  const std::vector<std::byte> found = from_column_major(std::as_bytes(std::span(columns)), shape, sizeof(T));
  ASSERT_EQ(found.size(), count * sizeof(T));
  EXPECT_EQ(std::memcmp(found.data(), rows.data(), found.size()), 0) << shape_text(shape) << " " << sizeof(T);
}

TEST(Layout, ColumnMajorBecomesRowMajor) {
  const std::vector<std::vector<int64_t>> shapes = {{}, {5}, {2, 3}, {3, 1, 4}, {2, 3, 4, 2}, {1, 1}};
  for (const std::vector<int64_t>& shape : shapes) {
    check_column_major<uint8_t>(shape);
    check_column_major<uint16_t>(shape);
    check_column_major<uint32_t>(shape);
    check_column_major<uint64_t>(shape);
  }
  EXPECT_TRUE(from_column_major({}, std::vector<int64_t>{0, 3}, 4).empty());
}

}  // namespace
}  // namespace anneal::io
