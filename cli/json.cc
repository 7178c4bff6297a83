// SPDX-License-Identifier: MIT
// See json.h.
#include "cli/json.h"

template class nlohmann::basic_json<nlohmann::ordered_map>;
template class nlohmann::detail::serializer<nlohmann::ordered_json>;
