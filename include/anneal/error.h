// SPDX-License-Identifier: MIT
// The one exception type of the library: what went wrong, where in the user's program, and what would fit.
// In a build without exceptions an error goes to the handler set with set_error_handler, then aborts.
#pragma once

#include <exception>
#include <string>
#include <string_view>

namespace anneal {

enum class ErrorCode {
  kShape,     // shapes do not fit each other
  kDType,     // element types do not fit the operation
  kArgument,  // an argument is out of range
  kName,      // an unknown name
  kParse,     // text or a file that cannot be read
  kVerify,    // an ill-formed graph
  kGradient,  // an operation that has no derivative
  kLimit,     // too large: overflow of an extent, a rank, a budget
  kData,      // data is missing or has the wrong form
  kDevice,    // a device that is missing, or that refuses
  kMemory,    // not enough of it, on the host or a device
  kInternal,  // our bug
};
std::string_view error_code_name(ErrorCode code);

class Error : public std::exception {
 public:
  Error(ErrorCode code, std::string message) : code_(code), message_(std::move(message)) {}
  ErrorCode code() const { return code_; }
  const std::string& message() const { return message_; }
  const char* what() const noexcept override { return message_.c_str(); }

 private:
  ErrorCode code_;
  std::string message_;
};

// Called before the program aborts, in builds without exceptions only.
using ErrorHandler = void (*)(const Error&);
void set_error_handler(ErrorHandler handler);

// What a call in progress adds to the errors raised beneath it: its operands and the user's line. The
// outermost context of the thread is asked.
class ErrorContext {
 public:
  ErrorContext();
  ErrorContext(const ErrorContext&) = delete;
  ErrorContext& operator=(const ErrorContext&) = delete;
  virtual void describe(std::string& message) const = 0;
  const ErrorContext* outer() const { return outer_; }

 protected:
  ~ErrorContext();

 private:
  const ErrorContext* outer_;
};

// Throws Error; `message` starts with the operation, as in "matmul: inner dimensions differ, 64 and 32".
[[noreturn]] void raise(ErrorCode code, std::string message);

}  // namespace anneal
