// SPDX-License-Identifier: MIT
#include "nn/bind.h"

#include <algorithm>

#include "ir/text.h"
#include "support/nearest.h"

namespace anneal {

using ir::Node;

Tensor Inputs::operator[](std::string_view name) const {
  std::vector<std::string_view> names;
  for (const NamedTensor& v : *values_) {
    if (v.name == name) return v.value;
    names.push_back(v.name);
  }
  std::string text = "there is no input " + std::string(name) +
                     support::nearest_hint("; the nearest is ", name, names) + "; inputs are";
  for (std::string_view n : names) text += " " + std::string(n);
  raise(ErrorCode::kName, text);
}

namespace nn::detail {

Tensor OpenEnds::make(const Sizes& sizes, DType dtype, std::string_view name, std::string_view call_name,
                      const Loc& loc) {
  const Call call(call_name, loc);
  all_.push_back(
      wrap(call.b.param(kFirstOpen + static_cast<int64_t>(all_.size()), dtype, call.dims(sizes), name)));
  return all_.back();
}

void check_specs(const Call& call, const InputSpecs& specs) {
  for (size_t i = 0; i < specs.size(); ++i)
    for (size_t j = 0; j < i; ++j)
      if (specs[i].name == specs[j].name)
        call.fail(ErrorCode::kName, "there are two inputs " + specs[i].name);
}

namespace {

class Binder {
 public:
  Binder(const Call& call, const InputSpecs& specs) : call_(call), specs_(specs) {}

  Bound run(const NamedTensors& given) {
    std::vector<std::string_view> names;
    for (const InputSpec& spec : specs_) names.push_back(spec.name);
    for (size_t i = 0; i < given.size(); ++i) {
      const std::string& name = given[i].name;
      if (std::find(names.begin(), names.end(), name) == names.end())
        call_.fail(ErrorCode::kName,
                   "there is no input " + name + support::nearest_hint("; the nearest is ", name, names));
      for (size_t j = 0; j < i; ++j)
        if (given[j].name == name) call_.fail(ErrorCode::kName, "the input " + name + " is given twice");
    }
    for (const InputSpec& spec : specs_) {
      const auto it =
          std::find_if(given.begin(), given.end(), [&](const NamedTensor& v) { return v.name == spec.name; });
      if (it == given.end() || !it->value.defined())
        call_.fail(ErrorCode::kData, "the input " + spec.name + " has no value");
      out_.values.push_back(it->value);
      fit(spec, it->value);
    }
    realize_lazy();
    return std::move(out_);
  }

 private:
  void fit(const InputSpec& spec, const Tensor& value) {
    const Node n = node_of(value);
    bool fits = call_.g.dtype(n) == spec.dtype && call_.g.shape(n).size() == spec.sizes.size();
    const std::vector<ir::Dim> shape = call_.shape(n);
    for (size_t axis = 0; fits && axis < shape.size(); ++axis) {
      if (!shape[axis].is_const())
        call_.fail(ErrorCode::kShape, "the input " + spec.name + " has a symbolic shape, " +
                                          ir::type_text(call_.g, n) + ": give it data");
      const ir::Dim wanted = to_dim(spec.sizes[axis]);
      if (wanted.is_const())
        fits = wanted.value == shape[axis].value;
      else if (const auto* var = std::get_if<ir::VarArg>(&call_.g.arg(wanted.expr)))
        bind_dim(spec.name, *var, shape[axis].value);
    }
    if (fits) return;
    std::vector<ir::Dim> dims;
    for (const Extent& e : spec.sizes) dims.push_back(to_dim(e));
    call_.fail(ErrorCode::kShape, "the input " + spec.name + " is " + ir::type_text(call_.g, n) +
                                      ", it must be " + std::string(dtype_name(spec.dtype)) +
                                      (dims.empty() ? std::string() : ir::shape_text(call_.g, dims)));
  }

  void bind_dim(const std::string& input, const ir::VarArg& var, int64_t extent) {
    for (size_t i = 0; i < out_.run.dims.size(); ++i)
      if (out_.run.dims[i].first == var.name) {
        if (out_.run.dims[i].second != extent)
          call_.fail(ErrorCode::kShape, "the dimension " + var.name + " is " + std::to_string(extent) +
                                            " in the input " + input + ", and " +
                                            std::to_string(out_.run.dims[i].second) + " in " + bound_by_[i]);
        return;
      }
    out_.run.dims.emplace_back(var.name, extent);
    bound_by_.push_back(input);
  }

  // What is not data yet is computed, together.
  void realize_lazy() {
    std::vector<Tensor> lazy;
    for (const Tensor& t : out_.values)
      if (call_.g.op(node_of(t)) != ir::Op::Buffer) lazy.push_back(t);
    if (lazy.empty()) return;
    lazy = realize(lazy);
    size_t next = 0;
    for (Tensor& t : out_.values)
      if (call_.g.op(node_of(t)) != ir::Op::Buffer) t = lazy[next++];
  }

  const Call& call_;
  const InputSpecs& specs_;
  Bound out_;
  std::vector<std::string> bound_by_;  // inputs, by dimension
};

}  // namespace

Bound bind(std::string_view caller, const InputSpecs& specs, const NamedTensors& given, const Loc& loc) {
  const Call call(caller, loc);
  return Binder(call, specs).run(given);
}

}  // namespace nn::detail
}  // namespace anneal
