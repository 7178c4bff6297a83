// SPDX-License-Identifier: MIT
#include "autodiff/op_docs.h"

#include "autodiff/gradient.h"

namespace anneal::autodiff {
namespace {

using ir::DTypeRule;
using ir::OpInfo;

std::string_view dtype_text(DTypeRule rule) {
  switch (rule) {
    case DTypeRule::Given: return "a type that is part of the op";
    case DTypeRule::Source: return "the type of the first source";
    case DTypeRule::Same: return "one type, and the result too";
    case DTypeRule::Number: return "integers or floats of one type";
    case DTypeRule::NumberOrBool: return "one type";
    case DTypeRule::Int: return "integers of one type";
    case DTypeRule::Integral: return "integers or bool of one type";
    case DTypeRule::Float: return "floats of one type";
    case DTypeRule::Compare: return "one type; gives bool";
    case DTypeRule::Where: return "bool, then two of one type";
    case DTypeRule::U32: return "u32";
    case DTypeRule::I32: return "any type; gives i32";
    case DTypeRule::Gather: return "any type, then integers";
    case DTypeRule::Scatter: return "any type, integers, the first type";
    case DTypeRule::Load: return "a slot, an index, a bool";
    case DTypeRule::Store: return "a slot, an index, a value of the slot's type; gives no value";
    case DTypeRule::SortStore: return "a slot of i32, an index, keys of any type; gives no value";
    case DTypeRule::Void: return "any types; gives no value";
  }
  return "";
}

struct Group {
  std::string_view title;
  bool (*holds)(const OpInfo&);
};
constexpr Group kGroups[] = {
    {"Leaves", [](const OpInfo& i) { return i.has(ir::kLeaf); }},
    {"Elementwise, one source",
     [](const OpInfo& i) { return i.has(ir::kElementwise) && i.max_sources == 1; }},
    {"Elementwise, more sources",
     [](const OpInfo& i) { return i.has(ir::kElementwise) && i.max_sources != 1; }},
    {"Movement", [](const OpInfo& i) { return i.has(ir::kMovement); }},
    {"Folds, orders, indexing by data, structure",
     [](const OpInfo& i) { return !i.has(ir::kLeaf) && !i.has(ir::kElementwise) && !i.has(ir::kMovement); }},
};

}  // namespace

std::string signature_text(const OpInfo& info) {
  std::string count = std::to_string(info.min_sources);
  if (info.max_sources < 0) count += " or more";
  if (info.max_sources == 0) return "no source; " + std::string(dtype_text(info.dtype_rule));
  return count + (info.max_sources == 1 ? " source: " : " sources: ") +
         std::string(dtype_text(info.dtype_rule));
}

std::string op_table_markdown() {
  std::string out =
      "# Ops\n\nMade from `src/ir/ops.def` and the table in `src/autodiff/gradient.cc`; `./dev bless` writes "
      "it anew.\n"
      "The semantics that all of them share (integers, floats, NaN, casts, order) stand at the top of "
      "`ops.def`.\n"
      "In a derivative u is the adjoint of the result y, and a, b, c are the sources.\n";
  for (const Group& group : kGroups) {
    out +=
        "\n## " + std::string(group.title) + "\n\n| op | takes | means | derivative |\n|---|---|---|---|\n";
    for (int i = 0; i < ir::kNumOps; ++i) {
      const OpInfo& info = ir::kOpTable[static_cast<size_t>(i)];
      if (!group.holds(info)) continue;
      out += "| `" + std::string(info.text) + "` | " + signature_text(info) + " | " +
             std::string(info.meaning) + " | " + std::string(gradient_info(static_cast<ir::Op>(i)).text) +
             " |\n";
    }
  }
  // A bar would end the cell.
  for (size_t at = out.find("|a|"); at != std::string::npos; at = out.find("|a|"))
    out.replace(at, 3, "\\|a\\|");
  return out;
}

}  // namespace anneal::autodiff
