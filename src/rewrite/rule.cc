// SPDX-License-Identifier: MIT
#include "rewrite/rule.h"

#include "support/check.h"

namespace anneal::rewrite {

Types types_of(DType t) {
  if (t == DType::kVoid) return {0};
  if (is_float(t)) return of_float;
  if (is_bool(t)) return of_bool;
  return t == DType::kIndex ? of_index : of_machine_int;
}

Types types_of_node(const ir::Graph& graph, ir::Node n) {
  const std::span<const ir::Node> sources = graph.sources(n);
  return types_of(graph.dtype(sources.empty() ? n : sources.back()));
}

std::string Rule::replacement_text() const {
  return replacement.function != nullptr ? "(see law)" : replacement.pattern.text();
}

std::string Rule::types_text() const {
  switch (types.mask) {
    case of_bool.mask: return "bool";
    case of_machine_int.mask: return "machine int";
    case of_index.mask: return "index";
    case of_float.mask: return "float";
    case of_int.mask: return "int";
    case of_number.mask: return "number";
    case of_integral.mask: return "int or bool";
    default: return "any";
  }
}

std::string Rule::place() const {
  // From the last "src/": the compiler may have seen an absolute path.
  const std::string_view file = where.file_name();
  const size_t at = file.rfind("src/");
  return std::string(at == std::string_view::npos ? file : file.substr(at)) + ':' +
         std::to_string(where.line());
}

void Rule::check() const {
  const bool bound = (replacement.pattern.letters() & ~pattern.letters()) == 0;
  ANNEAL_CHECK_MSG(bound && !pattern.empty(), std::string(name).c_str());
  ANNEAL_CHECK_MSG(replacement.function != nullptr || !replacement.pattern.empty(),
                   std::string(name).c_str());
}

}  // namespace anneal::rewrite
