// SPDX-License-Identifier: MIT
// See program.h.
#include "loop/program.h"

namespace anneal::loop {
namespace {

void add_contraction(const Contraction& c, std::vector<Node>& out) {
  out.insert(out.end(), {c.product, c.a, c.b, c.batch, c.m, c.n, c.k});
  out.insert(out.end(), c.statements.begin(), c.statements.end());
  for (const FactorSum& s : c.sums) out.insert(out.end(), {s.statement, s.sum});
  out.insert(out.end(), c.others.begin(), c.others.end());
}

}  // namespace

std::vector<Node> nodes_of(const Program& program) {
  std::vector<Node> out;
  std::vector<const Program*> programs = {&program};
  std::vector<const Body*> bodies;
  while (!programs.empty()) {
    const Program& p = *programs.back();
    programs.pop_back();
    out.push_back(p.kernel);
    for (const GridAxis& axis : p.grid) out.push_back(axis.range);
    out.insert(out.end(), p.item_vars.begin(), p.item_vars.end());
    out.insert(out.end(), p.locals.begin(), p.locals.end());
    for (const ItemLimit& l : p.limits) out.insert(out.end(), {l.var, l.value, l.whole});
    for (const Sweep& s : p.sweeps) out.insert(out.end(), {s.from, s.count, s.at, s.size});
    out.push_back(p.probe);
    bodies.push_back(&p.body);
    for (const Program& phase : p.phases) programs.push_back(&phase);
    if (p.contraction == nullptr) continue;
    out.push_back(p.contraction->kernel);
    add_contraction(p.contraction->parts, out);
    for (const Program& other : p.contraction->others) programs.push_back(&other);
  }
  while (!bodies.empty()) {
    const Body& body = *bodies.back();
    bodies.pop_back();
    for (const Statement& s : body) {
      out.push_back(s.node);
      bodies.push_back(&s.body);
    }
  }
  std::erase(out, Node{});
  return out;
}

}  // namespace anneal::loop
