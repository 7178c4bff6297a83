// SPDX-License-Identifier: MIT
// Element types, their sizes and classes, and the promotion lattice. Every pair of types has one join: the
// smallest type above both. tests: src/ir/dtype_test.cc proves the lattice laws for all triples.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace anneal {

enum class DType : uint8_t {
  kVoid,  // effects: sink
  kBool,
  kI8,
  kI16,
  kI32,
  kI64,
  kU8,
  kU16,
  kU32,
  kU64,
  kF8E4M3,
  kF8E5M2,
  kF16,
  kBF16,
  kF32,
  kF64,
  kIndex,  // dimension and index arithmetic: an integer assumed not to overflow 64 bits
};
inline constexpr int kNumDTypes = 17;

inline constexpr DType boolean = DType::kBool;
inline constexpr DType i8 = DType::kI8, i16 = DType::kI16, i32 = DType::kI32, i64 = DType::kI64;
inline constexpr DType u8 = DType::kU8, u16 = DType::kU16, u32 = DType::kU32, u64 = DType::kU64;
inline constexpr DType f8e4m3 = DType::kF8E4M3, f8e5m2 = DType::kF8E5M2;
inline constexpr DType f16 = DType::kF16, bf16 = DType::kBF16, f32 = DType::kF32, f64 = DType::kF64;

struct DTypeInfo {
  std::string_view name;
  uint8_t size;  // bytes in memory
  bool is_float, is_signed;
};
inline constexpr std::array<DTypeInfo, kNumDTypes> kDTypeInfo = {{
    {"void", 0, false, false},
    {"bool", 1, false, false},
    {"i8", 1, false, true},
    {"i16", 2, false, true},
    {"i32", 4, false, true},
    {"i64", 8, false, true},
    {"u8", 1, false, false},
    {"u16", 2, false, false},
    {"u32", 4, false, false},
    {"u64", 8, false, false},
    {"f8e4m3", 1, true, true},
    {"f8e5m2", 1, true, true},
    {"f16", 2, true, true},
    {"bf16", 2, true, true},
    {"f32", 4, true, true},
    {"f64", 8, true, true},
    {"index", 8, false, true},
}};

constexpr const DTypeInfo& dtype_info(DType t) { return kDTypeInfo[static_cast<size_t>(t)]; }
constexpr std::string_view dtype_name(DType t) { return dtype_info(t).name; }
constexpr int dtype_size(DType t) { return dtype_info(t).size; }
constexpr bool is_float(DType t) { return dtype_info(t).is_float; }
constexpr bool is_bool(DType t) { return t == DType::kBool; }
// Integers include index, and exclude bool.
constexpr bool is_int(DType t) { return !is_float(t) && t != DType::kBool && t != DType::kVoid; }
constexpr bool is_signed(DType t) { return dtype_info(t).is_signed; }

// The type whose text is `name`, or kVoid when there is none ("void" itself names no element type).
constexpr DType dtype_from_name(std::string_view name) {
  for (int i = 1; i < kNumDTypes; ++i)
    if (kDTypeInfo[static_cast<size_t>(i)].name == name) return static_cast<DType>(i);
  return DType::kVoid;
}

namespace detail {
// Direct edges of the lattice, upwards. u64 joins signed integers in i64: integers stay integers. The fp8
// types go to bf16, which holds every value of both; f16 and bf16 meet in f32. index stands below i64.
struct DTypeEdge {
  DType below, above;
};
inline constexpr DTypeEdge kDTypeEdges[] = {
    {boolean, i8}, {boolean, u8}, {i8, i16},  {i16, i32},     {i32, DType::kIndex}, {u8, u16},
    {u8, i16},     {u16, u32},    {u16, i32}, {u32, u64},     {u64, i64},           {DType::kIndex, i64},
    {i64, f8e4m3}, {i64, f8e5m2}, {i64, f16}, {f8e4m3, bf16}, {f8e5m2, bf16},       {f16, f32},
    {bf16, f32},   {f32, f64},
};

// above[t]: the set of types at or above t, one bit a type.
constexpr std::array<uint32_t, kNumDTypes> dtype_upper_sets() {
  std::array<uint32_t, kNumDTypes> up{};
  for (size_t i = 0; i < up.size(); ++i) up[i] = 1u << i;
  for (int round = 0; round < kNumDTypes; ++round)
    for (const DTypeEdge& e : kDTypeEdges)
      up[static_cast<size_t>(e.below)] |= up[static_cast<size_t>(e.above)];
  return up;
}
inline constexpr std::array<uint32_t, kNumDTypes> kDTypeUpper = dtype_upper_sets();

constexpr std::array<std::array<DType, kNumDTypes>, kNumDTypes> dtype_joins() {
  std::array<std::array<DType, kNumDTypes>, kNumDTypes> join{};
  for (size_t a = 0; a < kNumDTypes; ++a)
    for (size_t b = 0; b < kNumDTypes; ++b) {
      const uint32_t common = kDTypeUpper[a] & kDTypeUpper[b];
      for (size_t c = 0; c < kNumDTypes; ++c)
        if (((common >> c) & 1u) != 0 && (common & ~kDTypeUpper[c]) == 0) join[a][b] = static_cast<DType>(c);
    }
  return join;
}
inline constexpr auto kDTypeJoin = dtype_joins();
}  // namespace detail

// The least upper bound; kVoid only if one of them is void.
constexpr DType promote(DType a, DType b) {
  return detail::kDTypeJoin[static_cast<size_t>(a)][static_cast<size_t>(b)];
}

// The type in which sums and products of `t` are accumulated: f32 for narrower floats. Integers wrap in their
// own type, so they are left alone, as bool is.
constexpr DType accumulation_dtype(DType t) { return is_float(t) && t != f64 ? f32 : t; }

}  // namespace anneal
