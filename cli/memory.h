// SPDX-License-Identifier: MIT
// Whether what is asked for has room in this machine: asked before data is made, as the system does not say
// no but ends the program that takes too much. Tested by tests/cli_smoke.py.
#pragma once

#include <cstdint>
#include <string>

namespace anneal::cli {

// What this process may take at most, by the machine, its control group and its limits.
uint64_t host_memory();
// What it takes now; 0 where the system does not say.
uint64_t resident_memory();

// Raises where `bytes`, of what `what` names, are more than there can be.
void check_memory(const std::string& what, double bytes);

}  // namespace anneal::cli
