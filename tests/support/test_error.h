// SPDX-License-Identifier: MIT
// What a call raises.
#pragma once

#include <string>

#include "anneal/error.h"

namespace anneal {

// The message of the error, without its kind; "no error" when there is none.
template <typename F>
std::string message_of(const F& f) {
  try {
    f();
  } catch (const Error& error) {
    return error.message();
  }
  return "no error";
}

}  // namespace anneal
