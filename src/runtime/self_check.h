// SPDX-License-Identifier: MIT
// Whether a device gives right numbers on this machine: small programs of each kind of kernel, held against
// the interpreter. For `anneal doctor`, and for whoever chooses a device. Tested by self_check_test.cc.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace anneal::runtime {

std::vector<std::string_view> self_checks();  // "products of matrices"

// Runs that test on one of device_names(). Empty when it gives what it should; raises what the device raises.
std::string self_check(std::string_view device, size_t which);

}  // namespace anneal::runtime
