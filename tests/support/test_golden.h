// SPDX-License-Identifier: MIT
// Where the expectations are that tests read, and how they are compared. For tests alone; the one place that
// knows the folder of the sources, so that no other object depends on it.
#pragma once

#include <string>

namespace anneal::test {

// tests/golden/NAME, wherever the test runs.
std::string golden_path(const std::string& name);

std::string read_text(const std::string& path);

// Fails at each line of tests/golden/NAME that differs from `found`. With ANNEAL_BLESS=1 it writes `found`
// there.
void expect_golden(const std::string& name, const std::string& found);

}  // namespace anneal::test
