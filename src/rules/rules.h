// SPDX-License-Identifier: MIT
// Every rule there is, by topic. The list is what `anneal explain` shows and what the fuzz test walks: a rule
// cannot exist without being listed, and cannot be listed without being tested. How to write one: README.md
// here. Tested by rule_fuzz_test.cc.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "rewrite/match.h"
#include "rewrite/rule.h"

namespace anneal::rules {

// One function a topic, in the file of that name.
std::vector<rewrite::Rule> constant_rules();
std::vector<rewrite::Rule> arithmetic_rules();
std::vector<rewrite::Rule> boolean_rules();
std::vector<rewrite::Rule> compare_rules();
std::vector<rewrite::Rule> where_rules();
std::vector<rewrite::Rule> cast_rules();
std::vector<rewrite::Rule> divmod_rules();
std::vector<rewrite::Rule> movement_rules();
std::vector<rewrite::Rule> reduce_rules();

// All of them, in the order in which they are tried. Rule::id is 1 + the place here.
std::span<const rewrite::Rule> all_rules();
const rewrite::Rule* find_rule(std::string_view name);  // null when there is none
std::string_view rule_name(uint16_t id);                // of Origin::rule; "" for 0

}  // namespace anneal::rules
