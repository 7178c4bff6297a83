// SPDX-License-Identifier: MIT
// See json.h.
#include "cli/json.h"

template class nlohmann::basic_json<nlohmann::ordered_map>;
template class nlohmann::detail::serializer<nlohmann::ordered_json>;

namespace anneal::cli {

Json counters_json(const Counters& counters) {
  return {{"plans", counters.plans},
          {"kernels", counters.kernels},
          {"runs", counters.runs},
          {"launches", counters.launches},
          {"bytes", counters.bytes},
          {"flops", counters.flops},
          {"active_bytes", counters.active_bytes},
          {"peak_bytes", counters.peak_bytes}};
}

}  // namespace anneal::cli
