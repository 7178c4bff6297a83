// SPDX-License-Identifier: MIT
// Creation, movement and indexing by data.
#include <nlohmann/json.hpp>

#include "conform/ops.h"

namespace anneal::conform {
namespace {

using Json = nlohmann::json;

// -- Creation --

DType dtype_of(const OpCall& c, DType fallback) {
  const std::string name = c.args.text("dtype", "");
  if (name.empty()) return fallback;
  return name.starts_with("int") || name.starts_with("i") ? (name.ends_with("64") ? i64 : i32)
         : name == "float64"                              ? f64
                                                          : f32;
}
Sizes sizes_of(const OpCall& c, std::string_view names = "shape|size|sizes") {
  return Sizes(c.args.integers(names));
}

Outputs arange_op(const OpCall& c) {
  const bool whole =
      !c.args.has("step") ||
      c.args.number("step") == static_cast<double>(static_cast<int64_t>(c.args.number("step")));
  return arange(c.args.number("start", 0), c.args.number("end|stop"), c.args.number("step", 1),
                dtype_of(c, whole ? i32 : f32));
}
Outputs linspace_op(const OpCall& c) {
  return linspace(c.args.number("start"), c.args.number("end|stop"), c.args.integer("steps|count|num", 100),
                  dtype_of(c, f32));
}
Outputs eye_op(const OpCall& c) {
  const int64_t rows = c.args.integer("n|rows");
  return eye(rows, c.args.integer("m|columns|cols", rows), dtype_of(c, f32));
}
Outputs tri_op(const OpCall& c) {
  const int64_t rows = c.args.integer("n|rows|N");
  return tri(rows, c.args.integer("m|columns|cols|M", rows), c.args.integer("diagonal|k", 0),
             dtype_of(c, f32));
}
Outputs full_op(const OpCall& c) { return full(sizes_of(c), c.args.operand("fill_value|value|fill")); }
Outputs full_like_op(const OpCall& c) { return full_like(c.x(), c.args.operand("fill_value|value|fill")); }

// -- Shapes --

std::vector<int> axis_list(const OpCall& c, std::string_view names) {
  std::vector<int> out;
  for (int64_t v : c.args.integers(names)) out.push_back(static_cast<int>(v));
  return out;
}

Outputs flatten_op(const OpCall& c) {
  return flatten(c.x(), static_cast<int>(c.args.integer("start_dim|start|first", 0)),
                 static_cast<int>(c.args.integer("end_dim|end|last", -1)));
}
Outputs unflatten_op(const OpCall& c) {
  return unflatten(c.x(), c.args.axis(), sizes_of(c, "sizes|shape|size|unflattened_size"));
}
Outputs transpose_op(const OpCall& c) {
  if (c.args.has("axes|dims")) {
    const std::vector<int> both = axis_list(c, "axes|dims");
    if (both.size() != 2) Args::fail("axes", "two axes are needed");
    return transpose(c.x(), both[0], both[1]);
  }
  return transpose(c.x(), static_cast<int>(c.args.integer("dim0|axis0|a", -2)),
                   static_cast<int>(c.args.integer("dim1|axis1|b", -1)));
}
// PyTorch counts a -1 in expand as "as it is", and repeats over new leading axes.
Outputs expand_op(const OpCall& c) { return expand(c.x(), sizes_of(c)); }
Outputs rot90_op(const OpCall& c) {
  const std::vector<int64_t> axes = c.args.integers("dims|axes", std::vector<int64_t>{0, 1});
  if (axes.size() != 2) Args::fail("dims", "two axes are needed");
  return rot90(c.x(), c.args.integer("k", 1), static_cast<int>(axes[0]), static_cast<int>(axes[1]));
}

Outputs roll_op(const OpCall& c) {
  const std::vector<int64_t> shifts = c.args.integers("shift|shifts");
  if (!c.args.has(kAxis)) return reshape(roll(flatten(c.x()), shifts, {0}), c.x().sizes());
  return roll(c.x(), shifts, c.args.axes());
}

// [start, stop, step] for each axis, where null leaves a bound open; an integer selects; null takes
// everything.
Outputs slice_op(const OpCall& c) {
  const Json* spec = c.args.find("spec|slices|index");
  if (spec == nullptr || !spec->is_array())
    Args::fail("spec", "a list is needed, with [start, stop, step] for each axis");
  std::vector<Index> indices;
  const auto bound = [](const Json& value) -> Bound {
    if (value.is_null()) return {};
    const std::optional<int64_t> v = as_integer(value);
    if (!v) Args::fail("spec", "bounds are integers or null");
    return {*v};
  };
  for (const Json& item : *spec) {
    if (item.is_null()) {
      indices.emplace_back(_);
    } else if (!item.is_array()) {
      const Bound at = bound(item);
      indices.emplace_back(*at.value);
    } else {
      if (item.empty() || item.size() > 3) Args::fail("spec", "[start, stop, step] is needed");
      const Bound step = item.size() > 2 ? bound(item[2]) : Bound(1);
      indices.emplace_back(bound(item[0]), item.size() > 1 ? bound(item[1]) : Bound(),
                           step.value.value_or(1));
    }
  }
  return slice(c.x(), indices);
}

Outputs select_op(const OpCall& c) { return select(c.x(), c.args.axis(), c.args.integer("index")); }

// A pair for each axis; or PyTorch's flat form, which begins with the last axis.
Pads pads_of(const OpCall& c, int rank) {
  const Json* value = c.args.find("pads|pad|padding");
  if (value == nullptr || !value->is_array())
    Args::fail("pads", "a list is needed, with [before, after] for each axis");
  const auto integer = [](const Json& v) {
    const std::optional<int64_t> i = as_integer(v);
    if (!i) Args::fail("pads", "integers are needed");
    return *i;
  };
  Pads out;
  if (!value->empty() && (*value)[0].is_array()) {
    for (const Json& pair : *value) {
      if (!pair.is_array() || pair.size() != 2) Args::fail("pads", "[before, after] is needed");
      out.emplace_back(integer(pair[0]), integer(pair[1]));
    }
    return out;
  }
  if (value->size() % 2 != 0 || value->size() / 2 > static_cast<size_t>(rank))
    Args::fail("pads", "a pair for each axis is needed, at most");
  out.resize(static_cast<size_t>(rank));
  for (size_t i = 0; i < value->size() / 2; ++i)
    out[out.size() - 1 - i] = {integer((*value)[2 * i]), integer((*value)[2 * i + 1])};
  return out;
}
Outputs pad_op(const OpCall& c) {
  const Pads pads = pads_of(c, c.x().rank());
  const std::string mode = c.args.text("mode", "constant");
  if (mode == "constant") return pad(c.x(), pads, c.args.has("value") ? c.args.operand("value") : In(0));
  if (mode == "reflect") return pad_reflect(c.x(), pads);
  if (mode == "replicate") return pad_replicate(c.x(), pads);
  Args::fail("mode", "constant, reflect or replicate is needed");
}

Outputs split_op(const OpCall& c) {
  const int axis = c.args.axis(0);
  const Json* value = c.args.find("sizes|split_size_or_sections|split_size|size|sections");
  if (value == nullptr) Args::fail("sizes", "is missing, an integer or a list of integers is needed");
  const std::string_view names = "sizes|split_size_or_sections|split_size|size|sections";
  if (!value->is_array()) return split(c.x(), c.args.integer(names), axis);
  return split(c.x(), c.args.integers(names), axis);
}
Outputs unbind_op(const OpCall& c) { return unbind(c.x(), c.args.axis(0)); }
Outputs repeat_interleave_op(const OpCall& c) {
  const int64_t repeats = c.args.integer("repeats");
  return c.args.has(kAxis) ? repeat_interleave(c.x(), repeats, c.args.axis())
                           : repeat_interleave(flatten(c.x()), repeats, 0);
}

Outputs pixel_shuffle_op(const OpCall& c) {
  return pixel_shuffle(c.x(), c.args.integer("upscale_factor|factor|scale"));
}
Outputs pixel_unshuffle_op(const OpCall& c) {
  return pixel_unshuffle(c.x(), c.args.integer("downscale_factor|factor|scale"));
}

// -- Indexing by data --

Outputs scatter_op(const OpCall& c) {
  return scatter(c.x(), c.args.axis(), c.in[1], c.in.size() > 2 ? In(c.in[2]) : c.args.operand("value|src"));
}
Outputs scatter_add_op(const OpCall& c) { return scatter_add(c.x(), c.args.axis(), c.in[1], c.in[2]); }

Outputs index_add_op(const OpCall& c) {
  const Tensor source = c.args.has("alpha") ? c.in[2] * c.args.operand("alpha") : c.in[2];
  return index_add(c.x(), c.args.axis(), c.in[1], source);
}
Outputs index_copy_op(const OpCall& c) { return index_copy(c.x(), c.args.axis(), c.in[1], c.in[2]); }
Outputs one_hot_op(const OpCall& c) { return one_hot(c.x(), c.args.integer("classes|num_classes")); }
Outputs take_along_op(const OpCall& c) {
  if (!c.args.has(kAxis)) return take_along_dim(flatten(c.x()), flatten(c.in[1]), 0);
  return take_along_dim(c.x(), c.in[1], c.args.axis());
}

constexpr OpEntry kMovementOps[] = {
    {"arange", 0, 0, arange_op},
    {"linspace", 0, 0, linspace_op},
    {"eye", 0, 0, eye_op},
    {"tri", 0, 0, tri_op},
    {"full", 0, 0, full_op},
    {"zeros", 0, 0, [](const OpCall& c) -> Outputs { return zeros(sizes_of(c)); }},
    {"ones", 0, 0, [](const OpCall& c) -> Outputs { return ones(sizes_of(c)); }},
    {"full_like", 1, 1, full_like_op},
    {"zeros_like", 1, 1, unary<zeros_like>},
    {"ones_like", 1, 1, unary<ones_like>},

    {"reshape", 1, 1, [](const OpCall& c) -> Outputs { return reshape(c.x(), sizes_of(c)); }},
    {"flatten", 1, 1, flatten_op},
    {"ravel", 1, 1, [](const OpCall& c) -> Outputs { return flatten(c.x()); }},
    {"unflatten", 1, 1, unflatten_op},
    {"unsqueeze", 1, 1, [](const OpCall& c) -> Outputs { return unsqueeze(c.x(), c.args.axis()); }},
    {"squeeze", 1, 1, [](const OpCall& c) -> Outputs { return squeeze(c.x(), c.args.axes()); }},
    {"permute", 1, 1,
     [](const OpCall& c) -> Outputs { return permute(c.x(), axis_list(c, "dims|axes|perm")); }},
    {"transpose", 1, 1, transpose_op},
    {"t", 1, 1, [](const OpCall& c) -> Outputs { return c.x().rank() < 2 ? c.x() : transpose(c.x()); }},
    {"mT", 1, 1, [](const OpCall& c) -> Outputs { return transpose(c.x()); }},
    {"movedim", 1, 1,
     [](const OpCall& c) -> Outputs {
       return movedim(c.x(), axis_list(c, "source|from"), axis_list(c, "destination|to"));
     }},
    {"expand", 1, 1, expand_op},
    {"expand_as", 2, 2, binary<expand_as>},
    {"flip", 1, 1, [](const OpCall& c) -> Outputs { return flip(c.x(), c.args.axes()); }},
    {"fliplr", 1, 1, [](const OpCall& c) -> Outputs { return flip(c.x(), 1); }},
    {"flipud", 1, 1, [](const OpCall& c) -> Outputs { return flip(c.x(), 0); }},
    {"rot90", 1, 1, rot90_op},
    {"roll", 1, 1, roll_op},
    {"slice", 1, 1, slice_op},
    {"select", 1, 1, select_op},
    {"narrow", 1, 1,
     [](const OpCall& c) -> Outputs {
       return narrow(c.x(), c.args.axis(), c.args.integer("start"), c.args.integer("length"));
     }},
    {"pad", 1, 1, pad_op},
    {"pad_reflect", 1, 1,
     [](const OpCall& c) -> Outputs { return pad_reflect(c.x(), pads_of(c, c.x().rank())); }},
    {"pad_replicate", 1, 1,
     [](const OpCall& c) -> Outputs { return pad_replicate(c.x(), pads_of(c, c.x().rank())); }},
    {"cat", 1, kAny, [](const OpCall& c) -> Outputs { return cat(c.in, c.args.axis(0)); }},
    {"stack", 1, kAny, [](const OpCall& c) -> Outputs { return stack(c.in, c.args.axis(0)); }},
    {"hstack", 1, kAny, [](const OpCall& c) -> Outputs { return hstack(c.in); }},
    {"vstack", 1, kAny, [](const OpCall& c) -> Outputs { return vstack(c.in); }},
    {"split", 1, 1, split_op},
    {"chunk", 1, 1,
     [](const OpCall& c) -> Outputs { return chunk(c.x(), c.args.integer("chunks"), c.args.axis(0)); }},
    {"unbind", 1, 1, unbind_op},
    {"tile", 1, 1,
     [](const OpCall& c) -> Outputs { return tile(c.x(), c.args.integers("reps|dims|repeats|sizes")); }},
    {"repeat_interleave", 1, 1, repeat_interleave_op},
    {"pixel_shuffle", 1, 1, pixel_shuffle_op},
    {"pixel_unshuffle", 1, 1, pixel_unshuffle_op},

    {"gather", 2, 2, [](const OpCall& c) -> Outputs { return gather(c.x(), c.args.axis(), c.in[1]); }},
    {"take_along_dim", 2, 2, take_along_op},
    {"take", 2, 2, binary<take>},
    {"index_select", 2, 2,
     [](const OpCall& c) -> Outputs { return index_select(c.x(), c.args.axis(), c.in[1]); }},
    {"embedding", 2, 2, [](const OpCall& c) -> Outputs { return embedding(c.in[0], c.in[1]); }},
    {"scatter", 2, 3, scatter_op},
    {"scatter_add", 3, 3, scatter_add_op},
    {"index_add", 3, 3, index_add_op},
    {"index_copy", 3, 3, index_copy_op},
    {"one_hot", 1, 1, one_hot_op},
};

}  // namespace

std::span<const OpEntry> movement_ops() { return kMovementOps; }

}  // namespace anneal::conform
