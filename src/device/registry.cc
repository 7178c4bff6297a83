// SPDX-License-Identifier: MIT
// See registry.h.
#include "device/registry.h"

#include <algorithm>
#include <deque>
#include <mutex>

#include "anneal/error.h"
#include "device/interp_device.h"
#include "device/null_device.h"
#include "support/lock.h"
#include "support/nearest.h"

namespace anneal::device {
namespace {

struct Known {
  Entry entry;
  std::unique_ptr<Device> device;
};
struct Table {
  std::deque<Known> known;
  support::RecursiveLock lock;
};
Table& table() {  // never destroyed: what is registered is used until the process ends
  static Table& t = *new Table;
  return t;
}

}  // namespace

namespace {

const Registration kLoops({"loops", "interprets loops, and checks every access", 500,
                           [] { return std::make_unique<InterpDevice>(); }});
const Registration kNull({"null", "compiles and runs nothing, for counts", 1000,
                          [] { return std::make_unique<NullDevice>(); }});

}  // namespace

Registration::Registration(Entry entry) { table().known.push_back({std::move(entry), nullptr}); }

std::vector<const Entry*> device_list() {
  std::vector<const Entry*> list;
  for (const Known& k : table().known) list.push_back(&k.entry);
  std::sort(list.begin(), list.end(), [](const Entry* a, const Entry* b) {
    return a->rank != b->rank ? a->rank < b->rank : a->name < b->name;
  });
  return list;
}

Device& find_device(std::string_view name) {
  Table& t = table();
  t.lock.lock();
  const struct Unlock {
    Table& t;
    ~Unlock() { t.lock.unlock(); }
  } unlock{t};
  std::string names;
  for (Known& k : t.known) {
    if (k.entry.name == name) {
      if (k.device == nullptr) k.device = k.entry.make();
      return *k.device;
    }
  }
  std::vector<std::string_view> known;
  for (const Entry* e : device_list()) {
    names += (names.empty() ? "" : ", ") + e->name;
    known.push_back(e->name);
  }
  raise(ErrorCode::kName, "there is no device '" + std::string(name) + "'" +
                              support::nearest_hint("; did you mean '", name, known, "'") +
                              ". There are: " + names);
}

}  // namespace anneal::device
