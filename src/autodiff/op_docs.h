// SPDX-License-Identifier: MIT
// docs/ops.md, made from the op table and the table of derivatives. op_docs_test.cc compares the file with
// this.
#pragma once

#include <string>

#include "ir/op.h"

namespace anneal::autodiff {

// "2 floats of one type -> the same": what the op takes and gives, in words.
std::string signature_text(const ir::OpInfo& info);
std::string op_table_markdown();

}  // namespace anneal::autodiff
