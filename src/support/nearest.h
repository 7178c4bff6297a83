// SPDX-License-Identifier: MIT
// The nearest of a list of names, for "did you mean" in error messages. Tested by nearest_test.cc.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace anneal::support {

// Insertions, deletions, substitutions and swaps of neighbours, ignoring case.
int edit_distance(std::string_view a, std::string_view b);
// The first of `names` with the least distance to `text`; empty when there are no names.
std::string_view nearest_name(std::string_view text, std::span<const std::string_view> names);

// `before`, the nearest name and `after`, for a message; empty when even that name is far: when more than
// half of the letters of the longer of the two would have to change.
std::string nearest_hint(std::string_view before, std::string_view text,
                         std::span<const std::string_view> names, std::string_view after = {});

// The first `count` in order of distance; equally distant ones in the order of `names`.
std::vector<std::string_view> nearest_names(std::string_view text, std::span<const std::string_view> names,
                                            size_t count);

}  // namespace anneal::support
