// SPDX-License-Identifier: MIT
// Checks for our own bugs, on in release builds. They print and abort: a broken invariant is not an error
// that a caller could handle. User mistakes go through anneal::raise instead.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace anneal::support {

[[noreturn]] inline void check_failed(const char* file, int line, const char* what, const char* detail) {
  std::fprintf(stderr, "anneal: internal check failed at %s:%d: %s%s%s\n", file, line, what,
               detail[0] ? ": " : "", detail);
  std::abort();
}

}  // namespace anneal::support

#define ANNEAL_CHECK(cond) ((cond) ? (void)0 : ::anneal::support::check_failed(__FILE__, __LINE__, #cond, ""))
// `detail` is an expression that gives a const char*, evaluated only on failure.
#define ANNEAL_CHECK_MSG(cond, detail) \
  ((cond) ? (void)0 : ::anneal::support::check_failed(__FILE__, __LINE__, #cond, (detail)))
#define ANNEAL_UNREACHABLE(detail) \
  ::anneal::support::check_failed(__FILE__, __LINE__, "unreachable", (detail))
