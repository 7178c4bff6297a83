// SPDX-License-Identifier: MIT
// What the rules on index expressions are made of: canonical sums, and splitting a sum by a divisor. A
// canonical sum is a left-leaning chain of terms, positive coefficients first, larger ones earlier, equal
// ones by structural key, the constant last: i*64 + j*8 + k - l + 3. Equal sums so become the same node.
// Tested by rule_fuzz_test.cc, simplify_test.cc and tests/golden/index/.
#pragma once

#include "ir/polynomial.h"
#include "rewrite/match.h"

namespace anneal::rules {

using ir::Node;
using ir::Op;
using ir::Polynomial;
using ir::Term;
using rewrite::MatchContext;

int64_t floor_div(int64_t a, int64_t b);  // b > 0
int64_t floor_mod(int64_t a, int64_t b);

// Puts the terms into canonical order.
void sort_terms(const ir::Graph& graph, Polynomial& p);
// The canonical node of p; sorts p.
Node build_sum(MatchContext& context, Polynomial& p);
// Whether n is the canonical node of p, which is sorted. Makes no nodes but products of several atoms.
bool is_built(MatchContext& context, Node n, const Polynomial& p);

// What stays of a coefficient c that is no multiple of g: all of it, c % g with the sign of c, or the
// remainder nearest to 0.
enum class Remainders : uint8_t { kWhole, kTruncated, kNearest };
// p == g * quotient + rest, the constant of rest in [0, g).
void split_sum(const Polynomial& p, int64_t g, Remainders how, Polynomial* quotient, Polynomial* rest);

// Tries to write floor(p / g) as a sum, for one g > 1 that divides d: terms whose remainders together stay
// between two multiples of g fall away. Prefers large g. Sets *g, *quotient = floor(p / g) and *rest = p - g
// * quotient.
bool divide_sum(MatchContext& context, const Polynomial& p, int64_t d, int64_t* g, Polynomial* quotient,
                Polynomial* rest);

// -- Rules (see divmod.cc, compare.cc and arithmetic.cc for their laws) --
Node canonical_sum(MatchContext& context);
Node canonical_product(MatchContext& context);
Node join_quotient_and_remainder(MatchContext& context);
Node remainder_of_difference(MatchContext& context);

Node div_by_parts(MatchContext& context);
Node div_split_multiples(MatchContext& context);
Node div_of_div(MatchContext& context);
Node div_of_mod(MatchContext& context);
Node div_by_symbol(MatchContext& context);
Node div_common_factor(MatchContext& context);
Node mod_in_range(MatchContext& context);
Node mod_reduce(MatchContext& context);
Node mod_factor(MatchContext& context);
Node mod_by_symbol(MatchContext& context);
Node mod_common_factor(MatchContext& context);

Node compare_known(MatchContext& context);
Node compare_without_division(MatchContext& context);
Node compare_canonical(MatchContext& context);
Node equal_canonical(MatchContext& context);
Node extreme_known(MatchContext& context);

}  // namespace anneal::rules
