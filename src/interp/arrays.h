// SPDX-License-Identifier: MIT
// Arrays from numbers and back, for tests and tools. Tested by interp_test.cc.
#pragma once

#include <initializer_list>

#include "interp/interp.h"

namespace anneal::interp {

// Each value converted like a constant: rounded to a float type, truncated and saturated to an integer type.
std::shared_ptr<const Array> array_from(DType t, std::vector<int64_t> shape, std::span<const double> values);
std::shared_ptr<const Array> array_from(DType t, std::vector<int64_t> shape,
                                        std::initializer_list<double> values);

ir::Scalar element(const Array& array, size_t i);
std::vector<double> doubles_of(const Array& array);
std::vector<int64_t> ints_of(const Array& array);

}  // namespace anneal::interp
