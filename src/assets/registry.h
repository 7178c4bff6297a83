// SPDX-License-Identifier: MIT
// The files that this program knows to get: a text to train on, and GPT-2. Tested by registry_test.cc.
#pragma once

#include <span>
#include <string_view>

#include "assets/fetch.h"

namespace anneal::assets {

// Sets of files have the part of their names before the '/' in common.
std::span<const Asset> all_assets();
std::string_view set_of(const Asset& asset);

// Null when there is no such file.
const Asset* find_asset(std::string_view name);

}  // namespace anneal::assets
