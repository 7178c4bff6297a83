// SPDX-License-Identifier: MIT
// JSON as verbs print it: members in the order in which they are written. Compiled in json.cc, once: that
// takes seconds in every file that does it by itself.
#pragma once

#include <nlohmann/json.hpp>

#include "anneal/counters.h"

extern template class nlohmann::basic_json<nlohmann::ordered_map>;
extern template class nlohmann::detail::serializer<nlohmann::ordered_json>;

namespace anneal::cli {

using Json = nlohmann::ordered_json;

Json counters_json(const Counters& counters);

}  // namespace anneal::cli
