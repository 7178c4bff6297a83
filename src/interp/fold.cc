// SPDX-License-Identifier: MIT
// Reduce, argreduce and scan: folds along axes, which are read as the innermost ones. Tested by fold_test.cc.
#include <algorithm>
#include <cstring>

#include "interp/block_reader.h"
#include "ir/eval.h"
#include "ir/scalar_ops.h"

namespace anneal::interp {

using ir::Node;
using ir::ReduceOp;

namespace {

// The fixed order of a reduction: runs of 32 elements one after the other, then the results of runs in pairs,
// of pairs in pairs, and so on. The error of a sum grows with the logarithm of its length. The first element
// starts the fold, so folding one element gives that element.
template <ReduceOp op, typename T>
class TreeFold {
 public:
  void add(const T* v, size_t n) {
    for (size_t i = 0; i < n;) {
      if (in_run_ == 0) {
        run_ = v[i++];
        in_run_ = 1;
      }
      const size_t end = std::min(n, i + kRun - in_run_);
      in_run_ += end - i;
      for (; i < end; ++i) run_ = ir::fold_op<op>(run_, v[i]);
      if (in_run_ == kRun) finish_run();
    }
  }

  // The result of at least one element; begins anew.
  T take() {
    if (in_run_ == 0) run_ = waiting_[--num_waiting_];
    while (num_waiting_ > 0) run_ = ir::fold_op<op>(waiting_[--num_waiting_], run_);
    runs_ = in_run_ = 0;
    return run_;
  }

 private:
  static constexpr size_t kRun = 32;

  // Like a binary counter: two results of equally many runs become one.
  void finish_run() {
    for (uint64_t carry = runs_; (carry & 1) != 0; carry >>= 1)
      run_ = ir::fold_op<op>(waiting_[--num_waiting_], run_);
    waiting_[num_waiting_++] = run_;
    ++runs_;
    in_run_ = 0;
  }

  T run_{};
  size_t in_run_ = 0, num_waiting_ = 0;
  uint64_t runs_ = 0;
  T waiting_[64];
};

// Reads rows of `length` elements in parts: calls fn(part, n, is_last) with each.
template <typename T, typename Fn>
void for_each_part(BlockReader& reader, int64_t length, Fn fn) {
  int64_t left = length;
  for (int64_t begin = 0; begin < reader.count();) {
    const auto n = static_cast<size_t>(std::min<int64_t>(BlockReader::kBlock, reader.count() - begin));
    const T* block = static_cast<const T*>(reader.read(begin, n));
    for (size_t i = 0; i < n;) {
      const size_t part = std::min(n - i, static_cast<size_t>(left));
      left -= static_cast<int64_t>(part);
      fn(block + i, part, left == 0);
      if (left == 0) left = length;
      i += part;
    }
    begin += static_cast<int64_t>(n);
  }
}

// Calls fn.template operator()<op, T>() with the fold and the type that t computes in.
template <typename Fn>
void visit_fold(ReduceOp op, DType t, Fn&& fn) {
  ir::visit_compute(t, [&]<typename T>() {
    if constexpr (std::same_as<T, bool>) {
      ANNEAL_CHECK_MSG(op == ReduceOp::kMax || op == ReduceOp::kMin, "bool has no sum");
    } else {
      if (op == ReduceOp::kAdd) return fn.template operator()<ReduceOp::kAdd, T>();
      if (op == ReduceOp::kMul) return fn.template operator()<ReduceOp::kMul, T>();
    }
    if (op == ReduceOp::kMax) return fn.template operator()<ReduceOp::kMax, T>();
    return fn.template operator()<ReduceOp::kMin, T>();
  });
}

// All axes but those of the mask, then those.
std::vector<size_t> innermost(size_t rank, ir::AxisMask axes) {
  std::vector<size_t> order;
  for (const bool inner : {false, true})
    for (size_t i = 0; i < rank; ++i)
      if (((axes >> i & 1) != 0) == inner) order.push_back(i);
  return order;
}

// The array has the axes of `shape` in this order; the view has them as they were.
View in_original_order(std::shared_ptr<Array> array, std::span<const size_t> order) {
  std::vector<size_t> back(order.size());
  for (size_t i = 0; i < order.size(); ++i) back[order[i]] = i;
  return permuted(whole_view(std::move(array)), back);
}

}  // namespace

View evaluate_reduce(Evaluation& e, Node n) {
  const auto& arg = e.graph.arg_as<ir::ReduceArg>(n);
  const Node source = e.graph.source(n, 0);
  const Extent from = e.shape_of(source), shape = e.shape_of(n);
  int64_t length = 1;
  for (size_t i = 0; i < from.size(); ++i)
    if ((arg.axes >> i & 1) != 0) length *= from[i];
  if (length == 0) {
    View identity = e.scalar_view(n, fold_identity(arg.op, e.graph.dtype(n)));
    identity.shape = shape;
    identity.strides.assign(shape.size(), 0);
    return identity;
  }

  BlockReader reader(e, source, innermost(from.size(), arg.axes));
  const std::shared_ptr<Array> out = e.make_array(n, shape);
  const auto size = static_cast<size_t>(dtype_size(out->dtype));
  std::byte* to = out->bytes.data();
  visit_fold(arg.op, out->dtype, [&]<ReduceOp op, typename T>() {
    TreeFold<op, T> fold;
    for_each_part<T>(reader, length, [&](const T* v, size_t count, bool is_last) {
      fold.add(v, count);
      if (!is_last) return;
      const T result = fold.take();
      ir::store_elements(out->dtype, &result, 1, to);
      to += size;
    });
  });
  return whole_view(out);
}

View evaluate_arg_reduce(Evaluation& e, Node n) {
  const auto& arg = e.graph.arg_as<ir::ScanArg>(n);
  const View& source = e.source_value(n, 0);
  const auto axis = static_cast<size_t>(arg.axis);
  const Extent shape = e.shape_of(n);
  const int64_t length = source.shape[axis];
  if (length == 0) e.fail(n, "has no element to choose: axis " + std::to_string(axis) + " is empty");
  if (length > INT32_MAX)
    e.fail(n, "positions on an axis of " + std::to_string(length) + " do not fit i32", ErrorCode::kLimit);

  BlockReader reader(permuted(source, innermost(shape.size(), 1u << axis)));
  const std::shared_ptr<Array> out = e.make_array(n, shape);
  std::byte* to = out->bytes.data();
  ir::visit_compute(source.dtype, [&]<typename T>() {
    T best{};
    int32_t at = 0, best_at = 0;
    for_each_part<T>(reader, length, [&](const T* v, size_t count, bool is_last) {
      for (size_t i = 0; i < count; ++i, ++at) {
        const bool is_nan = v[i] != v[i];  // the first NaN is both max and min
        const bool is_less = is_nan ? !(best != best) : v[i] < best;
        const bool is_better = arg.op == ReduceOp::kMax ? ir::sorts_before(best, v[i]) : is_less;
        if (at != 0 && !is_better) continue;
        best = v[i];
        best_at = at;
      }
      if (!is_last) return;
      std::memcpy(to, &best_at, sizeof best_at);
      to += sizeof best_at;
      at = best_at = 0;
    });
  });
  return whole_view(out);
}

View evaluate_scan(Evaluation& e, Node n) {
  const auto& arg = e.graph.arg_as<ir::ScanArg>(n);
  const auto axis = static_cast<size_t>(arg.axis);
  View source = e.source_value(n, 0);
  if (arg.reverse) source = flipped(std::move(source), axis);
  const std::vector<size_t> order = innermost(source.shape.size(), 1u << axis);
  source = permuted(std::move(source), order);

  const std::shared_ptr<Array> out = e.make_array(n, source.shape);
  const auto size = static_cast<size_t>(dtype_size(out->dtype));
  const int64_t length = source.shape.back();
  BlockReader reader(std::move(source));
  std::byte* to = out->bytes.data();
  visit_fold(arg.op, out->dtype, [&]<ReduceOp op, typename T>() {
    T running{};
    bool is_first = true;
    T results[BlockReader::kBlock];
    for_each_part<T>(reader, length, [&](const T* v, size_t count, bool is_last) {
      for (size_t i = 0; i < count; ++i) {
        running = is_first ? v[i] : ir::fold_op<op>(running, v[i]);
        results[i] = running;
        is_first = false;
      }
      ir::store_elements(out->dtype, results, count, to);
      to += count * size;
      is_first = is_last;
    });
  });
  View view = in_original_order(out, order);
  return arg.reverse ? flipped(std::move(view), axis) : view;
}

}  // namespace anneal::interp
