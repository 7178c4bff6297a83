// SPDX-License-Identifier: MIT
#include "anneal/error.h"

#include <cstdio>
#include <cstdlib>

namespace anneal {

std::string_view error_code_name(ErrorCode code) {
  switch (code) {
    case ErrorCode::kShape: return "shape";
    case ErrorCode::kDType: return "dtype";
    case ErrorCode::kArgument: return "argument";
    case ErrorCode::kName: return "name";
    case ErrorCode::kParse: return "parse";
    case ErrorCode::kVerify: return "verify";
    case ErrorCode::kGradient: return "gradient";
    case ErrorCode::kLimit: return "limit";
    case ErrorCode::kData: return "data";
    case ErrorCode::kDevice: return "device";
    case ErrorCode::kMemory: return "memory";
    case ErrorCode::kInternal: return "internal";
  }
  return "internal";
}

namespace {
ErrorHandler g_handler = nullptr;
thread_local const ErrorContext* t_innermost = nullptr;
}  // namespace

ErrorContext::ErrorContext() : outer_(t_innermost) { t_innermost = this; }
ErrorContext::~ErrorContext() { t_innermost = outer_; }

void set_error_handler(ErrorHandler handler) { g_handler = handler; }

void raise(ErrorCode code, std::string message) {
  std::string text = "error[" + std::string(error_code_name(code)) + "] " + std::move(message);
  const ErrorContext* context = t_innermost;
  while (context != nullptr && context->outer() != nullptr) context = context->outer();
  if (context != nullptr) context->describe(text);
#if defined(__cpp_exceptions)
  throw Error(code, std::move(text));
#else
  const Error error(code, std::move(text));
  if (g_handler != nullptr) g_handler(error);
  std::fprintf(stderr, "%s\n", error.what());
  std::abort();
#endif
}

}  // namespace anneal
