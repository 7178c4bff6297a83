// SPDX-License-Identifier: MIT
// Running a tensor: evaluation of what it needs, and the way of the values to the host.
#include <bit>
#include <cstring>

#include "interp/interp.h"
#include "support/float_formats.h"
#include "tensor/backend.h"
#include "tensor/call.h"
#include "tensor/host_value.h"

namespace anneal {

namespace {

std::vector<ir::Node> run(const Call& call, std::span<const ir::Node> nodes, const RunOptions& options) {
  return backend().evaluate(call.g, nodes, options);
}

bool is_data(const Call& call, ir::Node n) { return call.g.op(n) == ir::Op::Buffer; }

}  // namespace

std::shared_ptr<const ir::BufferData> evaluate(const Tensor& t, const RunOptions& options, const Loc& loc) {
  const Call call("run", t, loc);
  const ir::Node n = node_of(t);
  if (is_data(call, n) && !options.in_f64)
    if (auto data = host_data(call.g, n)) return data;
  return host_data(call.g, run(call, std::span(&n, 1), options)[0]);
}

std::vector<Tensor> realize(const std::vector<Tensor>& tensors, const RunOptions& options, Loc loc) {
  const Call call("realize", tensors, loc);
  std::vector<ir::Node> nodes;
  for (const Tensor& t : tensors) {
    if (!t.defined()) call.fail(ErrorCode::kArgument, "one of the tensors is empty");
    nodes.push_back(node_of(t));
  }
  std::vector<Tensor> out;
  for (ir::Node n : run(call, nodes, options)) out.push_back(wrap(n));
  return out;
}

namespace {

template <typename T>
T load(const std::byte* at) {
  T v;
  std::memcpy(&v, at, sizeof v);
  return v;
}

}  // namespace

HostValue load_value(const ir::BufferData& data, size_t i) {
  const std::byte* at = data.bytes.data() + i * static_cast<size_t>(dtype_size(data.dtype));
  switch (data.dtype) {
    case DType::kBool:
    case DType::kU8: return {0, load<uint8_t>(at), false, false};
    case DType::kI8: return {0, static_cast<uint64_t>(int64_t{load<int8_t>(at)}), false, true};
    case DType::kI16: return {0, static_cast<uint64_t>(int64_t{load<int16_t>(at)}), false, true};
    case DType::kI32: return {0, static_cast<uint64_t>(int64_t{load<int32_t>(at)}), false, true};
    case DType::kIndex:
    case DType::kI64: return {0, static_cast<uint64_t>(load<int64_t>(at)), false, true};
    case DType::kU16: return {0, load<uint16_t>(at), false, false};
    case DType::kU32: return {0, load<uint32_t>(at), false, false};
    case DType::kU64: return {0, load<uint64_t>(at), false, false};
    case DType::kF8E4M3: return {static_cast<double>(support::e4m3_to_f32(load<uint8_t>(at))), 0, true, true};
    case DType::kF8E5M2: return {static_cast<double>(support::e5m2_to_f32(load<uint8_t>(at))), 0, true, true};
    case DType::kF16: return {static_cast<double>(support::f16_to_f32(load<uint16_t>(at))), 0, true, true};
    case DType::kBF16: return {static_cast<double>(support::bf16_to_f32(load<uint16_t>(at))), 0, true, true};
    case DType::kF32: return {static_cast<double>(load<float>(at)), 0, true, true};
    case DType::kF64: return {load<double>(at), 0, true, true};
    case DType::kVoid: break;
  }
  return {};
}

namespace {

// Numbers change type as cast does: see ops.def.
ir::Scalar to_scalar(const HostValue& v, DType as) {
  return v.is_float                     ? ir::Scalar::from_double(v.number, as)
         : is_float(as) && !v.is_signed ? ir::Scalar::from_double(static_cast<double>(v.integer), as)
                                        : ir::Scalar::from_int(static_cast<int64_t>(v.integer), as);
}

void store(std::byte* out, ir::Scalar s, DType as) {
  if (as == DType::kF64) {
    std::memcpy(out, &s.bits, 8);
  } else if (as == DType::kF32) {
    const auto f = static_cast<float>(std::bit_cast<double>(s.bits));
    std::memcpy(out, &f, 4);
  } else {  // integers and bool: the low bytes
    std::memcpy(out, &s.bits, static_cast<size_t>(dtype_size(as)));
  }
}

}  // namespace

Tensor Tensor::computed(const RunOptions& options, const Loc& loc) const {
  const Call call("run", *this, loc);
  const ir::Node n = node_of(*this);
  if (is_data(call, n) && !options.in_f64) return *this;
  return wrap(run(call, std::span(&n, 1), options)[0]);
}

void Tensor::copy_out(void* out, size_t count, DType as, const RunOptions& options, const Loc& loc) const {
  const std::shared_ptr<const ir::BufferData> data = evaluate(*this, options, loc);
  const size_t have = data->bytes.size() / static_cast<size_t>(dtype_size(data->dtype));
  if (have != count) {
    const Call call("item", *this, loc);
    call.fail(ErrorCode::kShape, "a tensor of " + std::to_string(have) +
                                     " elements has no single value: reduce it or use to_vector");
  }
  if (data->dtype == as) {
    if (count != 0) std::memcpy(out, data->bytes.data(), data->bytes.size());
    return;
  }
  auto* to = static_cast<std::byte*>(out);
  for (size_t i = 0; i < count; ++i, to += dtype_size(as)) store(to, to_scalar(load_value(*data, i), as), as);
}

std::vector<bool> Tensor::to_bools(const RunOptions& options, Loc loc) const {
  const std::shared_ptr<const ir::BufferData> data = evaluate(cast(In(*this, loc), boolean), options, loc);
  std::vector<bool> out;
  for (std::byte b : data->bytes) out.push_back(b != std::byte{0});
  return out;
}

Tensor Tensor::realize(const RunOptions& options, Loc loc) const {
  const Call call("realize", *this, loc);
  const ir::Node n = node_of(*this);
  if (is_data(call, n) && !options.in_f64) return *this;
  return wrap(run(call, std::span(&n, 1), options)[0]);
}

}  // namespace anneal
