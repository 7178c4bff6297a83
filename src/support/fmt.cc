// SPDX-License-Identifier: MIT
// The functions behind fmt's headers, compiled once here: sources that format text compile their calls only,
// and whoever links the core needs no library of fmt's, on WebAssembly as little as elsewhere.
#include <fmt/format-inl.h>

FMT_BEGIN_NAMESPACE
namespace detail {
// Those that fmt/format.h declares as made somewhere else.
template auto thousands_sep_impl<char>(locale_ref) -> thousands_sep_result<char>;
template auto decimal_point_impl(locale_ref) -> char;
}  // namespace detail
FMT_END_NAMESPACE
