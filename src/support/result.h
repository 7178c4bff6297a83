// SPDX-License-Identifier: MIT
//
// Result<T>: a value, or a Failure with a message for the person who asked. It is how files, devices and
// drivers report what went wrong, in builds with and without exceptions. Reading the side that is not there
// is a bug in the caller: it prints the message and aborts.
// Tested by result_test.cc.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>
#include <variant>

namespace anneal::support {

struct Failure {
  std::string message;
};

namespace internal {

[[noreturn]] inline void abort_on_result(const char* what, const std::string& message) {
  std::fprintf(stderr, "anneal: %s%s\n", what, message.c_str());
  std::fflush(stderr);
  std::abort();
}

}  // namespace internal

template <typename T>
class [[nodiscard]] Result {
 public:
  // Implicit, so that a function returns either `value` or `Failure{...}`.
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Failure failure) : state_(std::in_place_index<1>, std::move(failure)) {}

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  T& value() & { return *checked_value(this); }
  const T& value() const& { return *checked_value(this); }
  T&& value() && { return std::move(*checked_value(this)); }

  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return checked_value(this); }
  const T* operator->() const { return checked_value(this); }

  const Failure& failure() const& { return *checked_failure(this); }
  Failure&& failure() && { return std::move(*checked_failure(this)); }
  const std::string& message() const { return failure().message; }

 private:
  template <typename Self>
  static auto checked_value(Self* self) {
    if (const Failure* failure = std::get_if<1>(&self->state_)) {
      internal::abort_on_result("value() of a failed Result: ", failure->message);
    }
    return std::get_if<0>(&self->state_);
  }

  template <typename Self>
  static auto checked_failure(Self* self) {
    if (self->ok()) internal::abort_on_result("failure() of a Result that holds a value", "");
    return std::get_if<1>(&self->state_);
  }

  std::variant<T, Failure> state_;
};

// Success without a value: `return {};`, or `return Failure{...};`.
template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Failure failure) : failed_(true), failure_(std::move(failure)) {}

  bool ok() const { return !failed_; }
  explicit operator bool() const { return ok(); }

  const Failure& failure() const& {
    if (!failed_) internal::abort_on_result("failure() of a Result that succeeded", "");
    return failure_;
  }
  Failure&& failure() && {
    if (!failed_) internal::abort_on_result("failure() of a Result that succeeded", "");
    return std::move(failure_);
  }
  const std::string& message() const { return failure().message; }

 private:
  bool failed_ = false;
  Failure failure_;
};

}  // namespace anneal::support
