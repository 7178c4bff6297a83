// SPDX-License-Identifier: MIT
#include "rules/rules.h"

#include "support/check.h"

namespace anneal::rules {
namespace {

std::vector<rewrite::Rule> make_all() {
  struct Topic {
    std::string_view name;
    std::vector<rewrite::Rule> (*rules)();
  };
  // Constants first: they make everything after them smaller.
  static constexpr Topic kTopics[] = {
      {"constant", constant_rules},     {"boolean", boolean_rules},   {"compare", compare_rules},
      {"where", where_rules},           {"cast", cast_rules},         {"divmod", divmod_rules},
      {"arithmetic", arithmetic_rules}, {"movement", movement_rules}, {"reduce", reduce_rules},
  };
  std::vector<rewrite::Rule> all;
  for (const Topic& topic : kTopics)
    for (rewrite::Rule& rule : topic.rules()) {
      rule.topic = topic.name;
      rule.id = static_cast<uint16_t>(all.size() + 1);
      for (const rewrite::Rule& other : all) ANNEAL_CHECK_MSG(other.name != rule.name, rule.name.data());
      all.push_back(rule);
    }
  return all;
}

}  // namespace

std::span<const rewrite::Rule> all_rules() {
  static const std::vector<rewrite::Rule> all = make_all();
  return all;
}

const rewrite::Rule* find_rule(std::string_view name) {
  for (const rewrite::Rule& rule : all_rules())
    if (rule.name == name) return &rule;
  return nullptr;
}

std::string_view rule_name(uint16_t id) {
  return id == 0 || id > all_rules().size() ? std::string_view() : all_rules()[id - 1u].name;
}

}  // namespace anneal::rules
