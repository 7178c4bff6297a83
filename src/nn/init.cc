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
Fans fans(const Init::Shape& shape) {
  double kernel = 1;
  for (size_t i = 2; i < shape.size(); ++i) kernel *= static_cast<double>(shape[i]);
  if (shape.empty()) return {};
  const double out = static_cast<double>(shape[0]);
  const double in = shape.size() > 1 ? static_cast<double>(shape[1]) : out;
  return {std::max(1.0, in * kernel), std::max(1.0, out * kernel)};
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
Init truncated_normal(double deviation, double mean, double bound) {
  return [=](const Rng& rng, const Init::Shape& shape, DType dtype) {
    // The first of a few draws that lies within; so many that hardly any element has none. Only the
    // arithmetic of randn, which gives the same bits everywhere.
    const double outside = std::erfc(bound / std::sqrt(2.0));
    const int draws = static_cast<int>(std::min(32.0, std::ceil(std::log(1e-9) / std::log(outside))));
    Tensor z = rng.split(0).randn(Sizes(shape), dtype == f64 ? f64 : f32);
    for (int i = 1; i < draws; ++i) {
      const Tensor other = rng.split(static_cast<uint64_t>(i)).randn(Sizes(shape), dtype == f64 ? f64 : f32);
      z = where(abs(z) <= bound, z, other);
    }
    z = clamp(z, -bound, bound);
    return cast(z * deviation + mean, dtype);
  };
}
Init kaiming_normal(double gain) {
  return [=](const Rng& rng, const Init::Shape& shape, DType dtype) {
    return draw_normal(rng, shape, dtype, gain / std::sqrt(fans(shape).in), 0);
  };
}
Init kaiming_uniform(double gain) {
  return [=](const Rng& rng, const Init::Shape& shape, DType dtype) {
    const double bound = gain * std::sqrt(3 / fans(shape).in);
    return draw_uniform(rng, shape, dtype, -bound, bound);
  };
}
Init xavier_normal(double gain) {
  return [=](const Rng& rng, const Init::Shape& shape, DType dtype) {
    const Fans f = fans(shape);
    return draw_normal(rng, shape, dtype, gain * std::sqrt(2 / (f.in + f.out)), 0);
  };
}
Init xavier_uniform(double gain) {
  return [=](const Rng& rng, const Init::Shape& shape, DType dtype) {
    const Fans f = fans(shape);
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
