// SPDX-License-Identifier: MIT
// Run bundles as verbs are given them: by path, by id, or by what an id begins with.
#pragma once

#include <string>

#include "bundles/store.h"

namespace anneal::cli {

// The folder of all of them; raises where there can be none.
std::string bundle_folder();
// Raises with those that there are.
bundles::Bundle open_bundle(const std::string& name);
// For what may be a checkpoint too, which it is not.
bundles::Bundle open_bundle_not_file(const std::string& name);

}  // namespace anneal::cli
