// SPDX-License-Identifier: MIT
#include "interp/arrays.h"

#include "ir/blocks.h"

namespace anneal::interp {

std::shared_ptr<const Array> array_from(DType t, std::vector<int64_t> shape, std::span<const double> values) {
  auto array = std::make_shared<Array>();
  array->dtype = t;
  array->shape = std::move(shape);
  const auto size = static_cast<size_t>(dtype_size(t));
  array->bytes.resize(values.size() * size);
  for (size_t i = 0; i < values.size(); ++i) {
    alignas(8) std::byte computed[8];
    ir::load_scalar(t, ir::Scalar::from_double(values[i], t), computed);
    ir::store_elements(t, computed, 1, array->bytes.data() + i * size);
  }
  return array;
}

std::shared_ptr<const Array> array_from(DType t, std::vector<int64_t> shape,
                                        std::initializer_list<double> values) {
  return array_from(t, std::move(shape), std::span<const double>(values.begin(), values.size()));
}

ir::Scalar element(const Array& array, size_t i) {
  alignas(8) std::byte computed[8];
  ir::load_elements(array.dtype, array.bytes.data() + i * static_cast<size_t>(dtype_size(array.dtype)), 1, 1,
                    computed);
  return ir::scalar_of(array.dtype, computed);
}

std::vector<double> doubles_of(const Array& array) {
  std::vector<double> values(array.bytes.size() / static_cast<size_t>(dtype_size(array.dtype)));
  for (size_t i = 0; i < values.size(); ++i) values[i] = element(array, i).as_double(array.dtype);
  return values;
}

std::vector<int64_t> ints_of(const Array& array) {
  std::vector<int64_t> values(array.bytes.size() / static_cast<size_t>(dtype_size(array.dtype)));
  for (size_t i = 0; i < values.size(); ++i) values[i] = element(array, i).as_int(array.dtype);
  return values;
}

}  // namespace anneal::interp
