// SPDX-License-Identifier: MIT
// Tensor: a lazy value. Making one builds graph nodes and runs nothing; item(), to_vector() and printing run
// what is needed. Copies are cheap handles. Extent: the length of an axis, a number or an expression over
// named dimensions.
//
// Threads. Any function of the API may be called from any thread, and tensors may be copied, passed on and
// dropped by threads other than the one that made them. A Tensor object is like a std::shared_ptr: several
// threads may read the same one, and whoever assigns to it must be alone. There is one graph a process and a
// lock on it: a call holds it while it builds or runs, so calls of several threads take turns, and results do
// not depend on which comes first. The function given to custom_gradient() runs under that lock, in the
// thread that differentiates: it must not wait for another thread that uses tensors.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <iosfwd>
#include <memory>
#include <optional>
#include <source_location>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "anneal/dtype.h"
#include "anneal/error.h"

namespace anneal {

// Where in the user's program: captured by the conversions to In, and by default arguments.
using Loc = std::source_location;

namespace detail {
// A counted reference to a node of the process-wide graph.
class Handle {
 public:
  Handle() = default;
  explicit Handle(uint32_t id);
  Handle(const Handle& other) : Handle(other.id_) {}
  Handle(Handle&& other) noexcept : id_(std::exchange(other.id_, 0)) {}
  Handle& operator=(Handle other) noexcept {
    std::swap(id_, other.id_);
    return *this;
  }
  ~Handle() {
    if (id_ != 0) release();
  }
  uint32_t id() const { return id_; }

 private:
  void release();
  uint32_t id_ = 0;
};
}  // namespace detail

class Extent {
 public:
  Extent(int64_t value = 0) : value_(value) {}  // NOLINT: shapes are written as numbers
  template <typename T>
    requires std::is_integral_v<T>
  Extent(T value) : value_(static_cast<int64_t>(value)) {}  // NOLINT
  template <typename T>
    requires std::is_floating_point_v<T>
  Extent(T value) = delete;  // 2.7 elements
  explicit Extent(detail::Handle expression) : node_(std::move(expression)) {}

  bool is_const() const { return node_.id() == 0; }
  int64_t value() const;  // raises when the extent is symbolic
  const detail::Handle& node() const { return node_; }
  std::string str() const;

 private:
  int64_t value_ = 0;
  detail::Handle node_;
};
Extent operator+(const Extent& a, const Extent& b);
Extent operator-(const Extent& a, const Extent& b);
Extent operator*(const Extent& a, const Extent& b);
Extent operator/(const Extent& a, const Extent& b);  // floor
bool operator==(const Extent& a, const Extent& b);   // the same at every binding

// A named dimension that is chosen at run time, within bounds.
Extent dim(std::string_view name, int64_t min, int64_t max, int64_t multiple_of = 1,
           Loc loc = Loc::current());

// A shape as it is written: {256, 64}, {batch, 64}.
class Sizes : public std::vector<Extent> {
 public:
  using std::vector<Extent>::vector;
  Sizes(std::initializer_list<Extent> extents) : std::vector<Extent>(extents) {}
  Sizes(const std::vector<int64_t>& extents)
      : std::vector<Extent>(extents.begin(), extents.end()) {}  // NOLINT
};

// Axes as they are written: 1, -1, {0, 2}; nothing means all.
class Axes : public std::vector<int> {
 public:
  Axes() = default;
  Axes(int axis) : std::vector<int>{axis} {}  // NOLINT
  Axes(std::initializer_list<int> axes) : std::vector<int>(axes) {}
  Axes(const std::vector<int>& axes) : std::vector<int>(axes) {}  // NOLINT
};

// One axis of a slice: `_` (all), an integer (select, and drop the axis), or {start, stop, step} where `_`
// leaves a bound open, negative bounds count from the end, and a negative step goes backwards.
struct All {};
inline constexpr All _{};
struct Bound {
  std::optional<int64_t> value;
  Bound() = default;
  Bound(All) {}  // NOLINT
  template <typename T>
    requires std::is_integral_v<T>
  Bound(T v) : value(static_cast<int64_t>(v)) {}  // NOLINT
};
struct Index {
  Bound start, stop;
  int64_t step = 1;
  bool select = false;
  Index(All) {}  // NOLINT
  template <typename T>
    requires std::is_integral_v<T>
  Index(T position) : start(position), select(true) {}  // NOLINT
  Index(Bound from, Bound to, int64_t by = 1) : start(from), stop(to), step(by) {}
};

// What a tensor runs with: values of named dimensions.
struct RunOptions {
  std::vector<std::pair<std::string, int64_t>> dims = {};
  bool in_f64 = false;  // compute every float in f64
};

class In;

class Tensor {
 public:
  Tensor() = default;
  explicit Tensor(detail::Handle node) : node_(std::move(node)) {}

  bool defined() const { return node_.id() != 0; }  // false: default-made, no value
  DType dtype(Loc loc = Loc::current()) const;
  int rank(Loc loc = Loc::current()) const;
  std::vector<int64_t> shape(Loc loc = Loc::current()) const;  // raises when an extent is symbolic
  Sizes sizes(Loc loc = Loc::current()) const;
  Extent size(int axis, Loc loc = Loc::current()) const;
  int64_t numel(Loc loc = Loc::current()) const;
  std::string type(Loc loc = Loc::current()) const;  // "f32[256,64]"

  // -- Running --
  // The interpreter runs whatever is asked, however long it takes: there is no limit of work or of time. What
  // an array needs of memory is checked before it is made.
  template <typename T>
  T item(const RunOptions& options = {}, Loc loc = Loc::current()) const {
    T out;
    copy_out(&out, 1, dtype_of<T>(), options, loc);
    return out;
  }
  template <typename T>
  std::vector<T> to_vector(const RunOptions& options = {}, Loc loc = Loc::current()) const {
    if constexpr (std::is_same_v<T, bool>) {
      return to_bools(options, loc);
    } else {
      const Tensor held = computed(options, loc);  // first: it may be too large to be
      std::vector<T> out(static_cast<size_t>(held.numel(loc)));
      held.copy_out(out.data(), out.size(), dtype_of<T>(), {}, loc);
      return out;
    }
  }
  std::vector<bool> to_bools(const RunOptions& options = {}, Loc loc = Loc::current()) const;
  // The same value, computed now and held as data; however long that takes.
  Tensor realize(const RunOptions& options = {}, Loc loc = Loc::current()) const;
  // The values, as numpy prints them.
  std::string str(const RunOptions& options = {}, Loc loc = Loc::current()) const;

  // -- Shape, with the call site of the caller --
  Tensor reshape(const Sizes& sizes, Loc loc = Loc::current()) const;  // one extent may be -1
  Tensor permute(const std::vector<int>& axes, Loc loc = Loc::current()) const;
  Tensor transpose(int a = -2, int b = -1, Loc loc = Loc::current()) const;
  Tensor expand(const Sizes& sizes, Loc loc = Loc::current()) const;
  Tensor flatten(int first = 0, int last = -1, Loc loc = Loc::current()) const;
  Tensor unsqueeze(int axis, Loc loc = Loc::current()) const;
  Tensor squeeze(const Axes& axes = {}, Loc loc = Loc::current()) const;
  Tensor slice(const std::vector<Index>& indices, Loc loc = Loc::current()) const;
  Tensor operator[](const In& position) const;  // an integer, along the first axis
  Tensor to(DType dtype, Loc loc = Loc::current()) const;

  // -- Reductions --
  Tensor sum(const Axes& axes = {}, bool keepdim = false, Loc loc = Loc::current()) const;
  Tensor mean(const Axes& axes = {}, bool keepdim = false, Loc loc = Loc::current()) const;
  Tensor max(const Axes& axes = {}, bool keepdim = false, Loc loc = Loc::current()) const;
  Tensor min(const Axes& axes = {}, bool keepdim = false, Loc loc = Loc::current()) const;

  const detail::Handle& node() const { return node_; }

  template <typename T>
  static constexpr DType dtype_of() {
    if constexpr (std::is_same_v<T, bool>)
      return DType::kBool;
    else if constexpr (std::is_same_v<T, float>)
      return DType::kF32;
    else if constexpr (std::is_same_v<T, double>)
      return DType::kF64;
    else if constexpr (std::is_integral_v<T> && std::is_signed_v<T>)
      return sizeof(T) == 1   ? DType::kI8
             : sizeof(T) == 2 ? DType::kI16
             : sizeof(T) == 4 ? DType::kI32
                              : DType::kI64;
    else if constexpr (std::is_integral_v<T>)
      return sizeof(T) == 1   ? DType::kU8
             : sizeof(T) == 2 ? DType::kU16
             : sizeof(T) == 4 ? DType::kU32
                              : DType::kU64;
    else
      static_assert(!sizeof(T), "not an element type");
  }

 private:
  Tensor computed(const RunOptions& options, const Loc& loc) const;  // as data
  void copy_out(void* out, size_t count, DType as, const RunOptions& options, const Loc& loc) const;
  detail::Handle node_;
};
std::ostream& operator<<(std::ostream& out, const Tensor& t);

// Several at once: what they share is computed once.
std::vector<Tensor> realize(const std::vector<Tensor>& tensors, const RunOptions& options = {},
                            Loc loc = Loc::current());

// A tensor or a plain number, with the place in the program where it was passed. Numbers are weak: they take
// the type of the tensor they meet (an integer meeting bool is i32; a float meeting integers is f32).
class In {
 public:
  In(const Tensor& t, Loc loc = Loc::current()) : tensor_(t), loc_(loc) {}  // NOLINT: implicit on purpose
  In(Tensor&& t, Loc loc = Loc::current()) : tensor_(std::move(t)), loc_(loc) {}  // NOLINT
  template <typename T>
    requires std::is_arithmetic_v<T>
  In(T value, Loc loc = Loc::current()) : loc_(loc) {  // NOLINT
    kind_ = std::is_same_v<T, bool> ? Kind::kBool : std::is_integral_v<T> ? Kind::kInt : Kind::kFloat;
    if constexpr (std::is_floating_point_v<T>)
      float_ = static_cast<double>(value);
    else
      int_ = static_cast<int64_t>(value);
    if constexpr (std::is_unsigned_v<T> && sizeof(T) == 8)
      if (int_ < 0) {  // above the range of i64: only u64 and floats hold it
        huge_ = true;
        float_ = static_cast<double>(value);
      }
  }

  template <typename T>  // what converts to a tensor, such as a parameter
    requires(std::is_class_v<T> && !std::is_base_of_v<Tensor, T> && !std::is_same_v<T, In> &&
             std::is_convertible_v<const T&, Tensor>)
  In(const T& t, Loc loc = Loc::current()) : tensor_(static_cast<Tensor>(t)), loc_(loc) {}  // NOLINT

  enum class Kind : uint8_t { kTensor, kBool, kInt, kFloat };
  Kind kind() const { return kind_; }
  const Tensor& tensor() const { return tensor_; }
  int64_t int_value() const { return int_; }
  double float_value() const { return kind_ == Kind::kFloat || huge_ ? float_ : static_cast<double>(int_); }
  bool is_huge() const { return huge_; }  // an integer above the range of i64: int_value() is wrapped
  const Loc& loc() const { return loc_; }

 private:
  Tensor tensor_;
  Kind kind_ = Kind::kTensor;
  bool huge_ = false;
  int64_t int_ = 0;
  double float_ = 0;
  Loc loc_;
};

}  // namespace anneal
