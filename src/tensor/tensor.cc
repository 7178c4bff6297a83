// SPDX-License-Identifier: MIT
// Tensor and Extent: handles, properties, named dimensions. Running is in run.cc.
#include "anneal/tensor.h"

#include "ir/bounds.h"
#include "ir/dims.h"
#include "ir/text.h"
#include "tensor/call.h"

namespace anneal {

namespace detail {
Handle::Handle(uint32_t id) : id_(id) { ir::default_graph().retain(ir::Node{id}); }
void Handle::release() { ir::default_graph().release(ir::Node{id_}); }
}  // namespace detail

// -- Extent --

int64_t Extent::value() const {
  if (!is_const()) raise(ErrorCode::kShape, "the extent " + str() + " has no value until the program runs");
  return value_;
}

std::string Extent::str() const {
  const ir::Graph::Scope scope(ir::default_graph());
  return ir::dim_text(ir::default_graph(), to_dim(*this));
}

namespace {
template <typename F>
Extent combine(const Extent& a, const Extent& b, F f) {
  const ir::Graph::Scope scope(ir::default_graph());
  return to_extent(f(ir::default_graph(), to_dim(a), to_dim(b)));
}
}  // namespace

Extent operator+(const Extent& a, const Extent& b) { return combine(a, b, ir::dim_add); }
Extent operator-(const Extent& a, const Extent& b) { return combine(a, b, ir::dim_sub); }
Extent operator*(const Extent& a, const Extent& b) { return combine(a, b, ir::dim_mul); }
Extent operator/(const Extent& a, const Extent& b) { return combine(a, b, ir::dim_floordiv); }
bool operator==(const Extent& a, const Extent& b) {
  const ir::Graph::Scope scope(ir::default_graph());
  return ir::dim_equal(ir::default_graph(), to_dim(a), to_dim(b)) == ir::Tri::kTrue;
}

Extent dim(std::string_view name, int64_t min, int64_t max, int64_t multiple_of, Loc loc) {
  const Call call("dim", loc);
  const auto refuse = [&](const std::string& what) {
    call.fail(ErrorCode::kArgument, "\"" + std::string(name) + "\": " + what);
  };
  if (name.empty()) call.fail(ErrorCode::kArgument, "a dimension needs a name");
  if (min < 0) refuse("an extent cannot be negative");
  if (min > max)
    refuse("the minimum " + std::to_string(min) + " is above the maximum " + std::to_string(max));
  if (multiple_of < 1) refuse("multiples of " + std::to_string(multiple_of) + ": it must be positive");
  return to_extent(ir::Dim(call.b.var(name, min, max, multiple_of)));
}

// -- Tensor --

DType Tensor::dtype(Loc loc) const {
  const Call call("dtype", *this, loc);
  return call.g.dtype(node_of(*this));
}

int Tensor::rank(Loc loc) const {
  const Call call("rank", *this, loc);
  return call.g.rank(node_of(*this));
}

std::vector<int64_t> Tensor::shape(Loc loc) const {
  const Call call("shape", *this, loc);
  std::vector<int64_t> out;
  for (const ir::Dim& d : call.g.shape(node_of(*this))) {
    if (!d.is_const())
      call.fail(ErrorCode::kShape,
                type() + " has a symbolic extent, " + ir::dim_text(call.g, d) + "; use sizes()");
    out.push_back(d.value);
  }
  return out;
}

Sizes Tensor::sizes(Loc loc) const {
  const Call call("sizes", *this, loc);
  Sizes out;
  for (const ir::Dim& d : call.g.shape(node_of(*this))) out.push_back(to_extent(d));
  return out;
}

Extent Tensor::size(int axis, Loc loc) const {
  const Call call("size", *this, loc);
  const ir::Shape shape = call.g.shape(node_of(*this));
  return to_extent(shape[static_cast<size_t>(call.axis(axis, shape.size()))]);
}

int64_t Tensor::numel(Loc loc) const {
  int64_t n = 1;
  for (int64_t d : shape(loc)) n *= d;
  return n;
}

std::string Tensor::type(Loc loc) const {
  const Call call("type", *this, loc);
  return ir::type_text(call.g, node_of(*this));
}

Tensor Tensor::reshape(const Sizes& sizes, Loc loc) const { return anneal::reshape(In(*this, loc), sizes); }
Tensor Tensor::permute(const std::vector<int>& axes, Loc loc) const {
  return anneal::permute(In(*this, loc), axes);
}
Tensor Tensor::transpose(int a, int b, Loc loc) const { return anneal::transpose(In(*this, loc), a, b); }
Tensor Tensor::expand(const Sizes& sizes, Loc loc) const { return anneal::expand(In(*this, loc), sizes); }
Tensor Tensor::flatten(int first, int last, Loc loc) const {
  return anneal::flatten(In(*this, loc), first, last);
}
Tensor Tensor::unsqueeze(int axis, Loc loc) const { return anneal::unsqueeze(In(*this, loc), axis); }
Tensor Tensor::squeeze(const Axes& axes, Loc loc) const { return anneal::squeeze(In(*this, loc), axes); }
Tensor Tensor::slice(const std::vector<Index>& indices, Loc loc) const {
  return anneal::slice(In(*this, loc), indices);
}
Tensor Tensor::operator[](const In& position) const {
  Call call("operator[]", *this, position.loc());
  call.stands_for("slice");
  if (position.kind() != In::Kind::kInt)
    call.fail(ErrorCode::kArgument, "takes an integer; use slice() or index_select()");
  return anneal::slice(*this, {Index(position.int_value())});
}
Tensor Tensor::to(DType dtype, Loc loc) const { return cast(In(*this, loc), dtype); }
Tensor Tensor::sum(const Axes& axes, bool keepdim, Loc loc) const {
  return anneal::sum(In(*this, loc), axes, keepdim);
}
Tensor Tensor::mean(const Axes& axes, bool keepdim, Loc loc) const {
  return anneal::mean(In(*this, loc), axes, keepdim);
}
Tensor Tensor::max(const Axes& axes, bool keepdim, Loc loc) const {
  return anneal::max(In(*this, loc), axes, keepdim);
}
Tensor Tensor::min(const Axes& axes, bool keepdim, Loc loc) const {
  return anneal::min(In(*this, loc), axes, keepdim);
}

}  // namespace anneal
