// SPDX-License-Identifier: MIT
// Initial values. Tested by init_test.cc.
#include "anneal/nn/init.h"

#include <cmath>

#include "anneal/functions.h"
#include "nn/trace.h"

namespace anneal::nn::init {
namespace {

struct Fans {
  double in = 1, out = 1;
};
Fans fans(const Init::Shape& shape, bool inputs_first) {
  double kernel = 1;
  for (size_t i = 2; i < shape.size(); ++i) kernel *= static_cast<double>(shape[i]);
  if (shape.empty()) return {};
  const double out = static_cast<double>(shape[0]);
  const double in = shape.size() > 1 ? static_cast<double>(shape[1]) : out;
  const Fans plain{std::max(1.0, in * kernel), std::max(1.0, out * kernel)};
  return inputs_first ? Fans{plain.out, plain.in} : plain;
}

Tensor draw_uniform(const Rng& rng, const Init::Shape& shape, DType dtype, double low, double high) {
  return cast(rng.rand(Sizes(shape)) * (high - low) + low, dtype);
}
Tensor draw_normal(const Rng& rng, const Init::Shape& shape, DType dtype, double deviation, double mean) {
  const Tensor z = rng.randn(Sizes(shape), dtype == f64 ? f64 : f32) * deviation;
  return cast(mean == 0 ? z : z + mean, dtype);
}

}  // namespace

Init zeros() { return constant(0); }
Init ones() { return constant(1); }
Init constant(double value) {
  return
      [value](const Rng&, const Init::Shape& shape, DType dtype) { return full(Sizes(shape), value, dtype); };
}
Init normal(double deviation, double mean) {
  return [=](const Rng& rng, const Init::Shape& shape, DType dtype) {
    return draw_normal(rng, shape, dtype, deviation, mean);
  };
}
Init uniform(double low, double high) {
  return [=](const Rng& rng, const Init::Shape& shape, DType dtype) {
    return draw_uniform(rng, shape, dtype, low, high);
  };
}
namespace {

// How many draws it takes until hardly any element has none that is taken.
int draws_of(double refused) {
  return std::max(1, static_cast<int>(std::ceil(std::log(1e-9) / std::log(refused))));
}

// The density of a normal number beside that of 0, of z * z of at most 1: only sums and products, which are
// the same bits everywhere.
Tensor relative_density(const Tensor& z) {
  const Tensor t = square(z) * -0.5;
  Tensor sum = ones_like(t);
  for (int i = 9; i > 0; --i) sum = sum * t * (1.0 / i) + 1;
  return sum;
}

}  // namespace

// The first of a few draws that is taken: within a wide bound of normal numbers those within, within a narrow
// one of even numbers as many as are normal.
Init truncated_normal(double deviation, double mean, double bound) {
  if (!(bound > 0))
    raise(ErrorCode::kArgument,
          "init::truncated_normal: a bound of " + std::to_string(bound) + ": it must be more than 0");
  return [=](const Rng& rng, const Init::Shape& shape, DType dtype) {
    const DType made = dtype == f64 ? f64 : f32;
    const Sizes sizes(shape);
    Tensor z;
    if (bound >= 1) {
      const int draws = draws_of(std::erfc(bound / std::sqrt(2.0)));
      z = rng.split(0).randn(sizes, made);
      for (int i = 1; i < draws; ++i)
        z = where(abs(z) <= bound, z, rng.split(static_cast<uint64_t>(i)).randn(sizes, made));
    } else {
      const int draws = draws_of(1 - std::exp(-bound * bound / 2));
      Tensor is_taken;
      for (int i = 0; i < draws; ++i) {
        const Rng own = rng.split(static_cast<uint64_t>(i));
        const Tensor next = (own.split(0).rand(sizes, made) * 2 - 1) * bound;
        const Tensor takes = own.split(1).rand(sizes, made) < relative_density(next);
        z = i == 0 ? next : where(is_taken, z, next);
        is_taken = i == 0 ? takes : is_taken | takes;
      }
    }
    return cast(clamp(z, -bound, bound) * deviation + mean, dtype);
  };
}
Init kaiming_normal(double gain) {
  return [=](const Rng& rng, const Init::Shape& shape, DType dtype, bool inputs_first) {
    return draw_normal(rng, shape, dtype, gain / std::sqrt(fans(shape, inputs_first).in), 0);
  };
}
Init kaiming_uniform(double gain) {
  return [=](const Rng& rng, const Init::Shape& shape, DType dtype, bool inputs_first) {
    const double bound = gain * std::sqrt(3 / fans(shape, inputs_first).in);
    return draw_uniform(rng, shape, dtype, -bound, bound);
  };
}
Init xavier_normal(double gain) {
  return [=](const Rng& rng, const Init::Shape& shape, DType dtype, bool inputs_first) {
    const Fans f = fans(shape, inputs_first);
    return draw_normal(rng, shape, dtype, gain * std::sqrt(2 / (f.in + f.out)), 0);
  };
}
Init xavier_uniform(double gain) {
  return [=](const Rng& rng, const Init::Shape& shape, DType dtype, bool inputs_first) {
    const Fans f = fans(shape, inputs_first);
    const double bound = gain * std::sqrt(6 / (f.in + f.out));
    return draw_uniform(rng, shape, dtype, -bound, bound);
  };
}
Init values(std::vector<double> row_major) {
  return [data = std::move(row_major)](const Rng&, const Init::Shape& shape, DType dtype) {
    int64_t count = 1;
    for (int64_t extent : shape) count *= extent;
    if (count != static_cast<int64_t>(data.size()))
      raise(ErrorCode::kShape, "init::values: " + std::to_string(data.size()) +
                                   " values for a parameter of " + detail::type_of(dtype, shape));
    return cast(from_data(data, shape), dtype);
  };
}
Init values(Tensor value) {
  return [value = std::move(value)](const Rng&, const Init::Shape& shape, DType dtype) {
    if (value.shape() != shape)
      raise(ErrorCode::kShape,
            "init::values: " + value.type() + " for a parameter of " + detail::type_of(dtype, shape));
    return cast(value, dtype);
  };
}

}  // namespace anneal::nn::init
