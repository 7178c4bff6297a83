// SPDX-License-Identifier: MIT
//
// Reading goes from the outside in: the length, the JSON text, each entry by itself, and last whether the
// entries together cover the data exactly. Stricter than the reference library in one point: a shape whose
// extents, zeros left out, give more than 2^63-1 bytes is refused even when one extent is zero.
#include "io/safetensors.h"

#include <algorithm>
#include <array>
#include <bit>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "io/file_bytes.h"
#include "io/json_file.h"
#include "io/layout.h"

namespace anneal::io {
namespace {

using nlohmann::json;

static_assert(std::endian::native == std::endian::little, "tensor data is used in place");

constexpr size_t kLengthBytes = 8;
constexpr size_t kMaxHeaderBytes = 100'000'000;
constexpr size_t kHeaderAlignment = 8;
constexpr std::string_view kMetadataName = "__metadata__";

struct NamedDType {
  std::string_view name;
  DType dtype;
};

// In the order of the format: tensors are stored from the last of these to the first.
constexpr std::array<NamedDType, 15> kDTypes = {{
    {"BOOL", DType::kBool},
    {"U8", DType::kU8},
    {"I8", DType::kI8},
    {"F8_E5M2", DType::kF8E5M2},
    {"F8_E4M3", DType::kF8E4M3},
    {"I16", DType::kI16},
    {"U16", DType::kU16},
    {"F16", DType::kF16},
    {"BF16", DType::kBF16},
    {"I32", DType::kI32},
    {"U32", DType::kU32},
    {"F32", DType::kF32},
    {"F64", DType::kF64},
    {"I64", DType::kI64},
    {"U64", DType::kU64},
}};

// The position in kDTypes, which is also the rank; kDTypes.size() when the format has no such type.
size_t rank_of(DType dtype) {
  const auto found = std::find_if(kDTypes.begin(), kDTypes.end(),
                                  [dtype](const NamedDType& entry) { return entry.dtype == dtype; });
  return static_cast<size_t>(found - kDTypes.begin());
}

std::string known_dtypes() {
  std::string list;
  for (const NamedDType& entry : kDTypes) list += concat(list.empty() ? "" : ", ", entry.name);
  return list;
}

std::string too_many_bytes(std::span<const int64_t> shape, DType dtype) {
  return concat("shape ", shape_text(shape), " of ", kDTypes[rank_of(dtype)].name, " has more than ",
                std::numeric_limits<int64_t>::max(), " bytes");
}

// A JSON integer from 0 to 2^63-1. Larger ones arrive as unsigned or floating-point numbers.
std::optional<int64_t> extent_of(const json& value) {
  if (!value.is_number_integer()) return std::nullopt;
  if (value.is_number_unsigned()) {
    const uint64_t number = *value.get_ptr<const json::number_unsigned_t*>();
    if (number > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) return std::nullopt;
    return static_cast<int64_t>(number);
  }
  const int64_t number = *value.get_ptr<const json::number_integer_t*>();
  return number < 0 ? std::nullopt : std::optional<int64_t>(number);
}

// A scalar as it stands, a list or an object by its kind.
std::string value_text(const json& value) {
  if (value.is_structured()) return value.is_array() ? "a list" : "an object";
  return printable(value.dump(), 60);
}

struct PlacedTensor {
  TensorView view;
  uint64_t begin = 0;
  uint64_t end = 0;
};

class Reader {
 public:
  Reader(std::span<const std::byte> bytes, std::string_view label) : bytes_(bytes), label_(label) {}

  // Fills data_start_ and data_.
  Result<json> read_header();
  Result<Metadata> read_metadata(const json& header) const;
  Result<std::vector<TensorView>> read_tensors(const json& header) const;

 private:
  template <typename... Parts>
  Failure fail(const Parts&... parts) const {
    return Failure{concat(label_, ": ", parts...)};
  }
  template <typename... Parts>
  Failure fail_tensor(std::string_view name, const Parts&... parts) const {
    return fail("tensor ", in_quotes(name), ": ", parts...);
  }

  Result<PlacedTensor> read_tensor(const std::string& name, const json& entry) const;
  Result<DType> read_dtype(const std::string& name, const json& entry) const;
  Result<std::vector<int64_t>> read_shape(const std::string& name, const json& entry) const;
  Result<std::pair<uint64_t, uint64_t>> read_offsets(const std::string& name, const json& entry) const;
  Result<void> check_coverage(std::span<const PlacedTensor> tensors) const;

  std::span<const std::byte> bytes_;
  std::string_view label_;
  size_t data_start_ = 0;
  std::span<const std::byte> data_;
};

// What most other files are caught by.
constexpr std::string_view kNoFile = "not a safetensors file: ";

Result<json> Reader::read_header() {
  const size_t size = bytes_.size();
  if (size < kLengthBytes) {
    return fail(kNoFile, "it has ", size, " bytes, fewer than the ", kLengthBytes,
                " that hold the header length");
  }
  uint64_t length = 0;
  for (size_t i = 0; i < kLengthBytes; ++i) length |= std::to_integer<uint64_t>(bytes_[i]) << (8 * i);
  if (length > kMaxHeaderBytes) {
    return fail(kNoFile, "byte 0: header length ", length, " is above the format's limit of ",
                kMaxHeaderBytes);
  }
  if (length > size - kLengthBytes) {
    return fail("byte 0: header length ", length, " goes past the end of the file, which has ", size,
                " bytes; at most ", size - kLengthBytes, " fits");
  }
  data_start_ = kLengthBytes + static_cast<size_t>(length);
  data_ = bytes_.subspan(data_start_);

  const std::string_view text(reinterpret_cast<const char*>(bytes_.data()) + kLengthBytes,
                              static_cast<size_t>(length));
  if (!text.starts_with('{')) {
    return fail(kNoFile, "byte ", kLengthBytes, ": the header must begin with '{', not ",
                text.empty() ? "be empty" : in_quotes(text.substr(0, 1)));
  }
  if (!is_valid_utf8(text)) return fail("the header (bytes 8 to ", data_start_, ") is not UTF-8 text");
  const JsonLimits limits = {.max_bytes = kMaxHeaderBytes, .max_depth = 8};
  return parse_json(text, label_, limits, kLengthBytes);
}

Result<Metadata> Reader::read_metadata(const json& header) const {
  Metadata metadata;
  const auto found = header.find(kMetadataName);
  if (found == header.end()) return metadata;
  if (!found->is_object())
    return fail(kMetadataName, " must be an object of strings, not ", value_text(*found));
  for (const auto& [name, value] : found->get_ref<const json::object_t&>()) {
    if (!value.is_string()) {
      return fail(kMetadataName, ": ", in_quotes(name), " must be a string, not ", value_text(value));
    }
    metadata.emplace(name, value.get_ref<const std::string&>());
  }
  return metadata;
}

Result<DType> Reader::read_dtype(const std::string& name, const json& entry) const {
  const auto found = entry.find("dtype");
  if (found == entry.end()) return fail_tensor(name, "has no dtype");
  if (!found->is_string()) return fail_tensor(name, "dtype must be a string, not ", value_text(*found));
  const std::string& text = found->get_ref<const std::string&>();
  for (const NamedDType& known : kDTypes) {
    if (known.name == text) return known.dtype;
  }
  return fail_tensor(name, "unknown dtype ", in_quotes(text), "; known are ", known_dtypes());
}

Result<std::vector<int64_t>> Reader::read_shape(const std::string& name, const json& entry) const {
  const auto found = entry.find("shape");
  if (found == entry.end()) return fail_tensor(name, "has no shape");
  if (!found->is_array()) return fail_tensor(name, "shape must be a list, not ", value_text(*found));
  std::vector<int64_t> shape;
  shape.reserve(found->size());
  for (const json& value : *found) {
    const std::optional<int64_t> extent = extent_of(value);
    if (!extent) {
      return fail_tensor(name, "shape[", shape.size(), "] must be a whole number from 0 to ",
                         std::numeric_limits<int64_t>::max(), ", not ", value_text(value));
    }
    shape.push_back(*extent);
  }
  return shape;
}

Result<std::pair<uint64_t, uint64_t>> Reader::read_offsets(const std::string& name, const json& entry) const {
  const auto found = entry.find("data_offsets");
  if (found == entry.end()) return fail_tensor(name, "has no data_offsets");
  if (!found->is_array() || found->size() != 2) {
    return fail_tensor(name, "data_offsets must be a list of two numbers, begin and end, not ",
                       found->is_array() ? concat("of ", found->size()) : value_text(*found));
  }
  std::array<uint64_t, 2> offsets = {};
  for (size_t i = 0; i < offsets.size(); ++i) {
    const json& value = (*found)[i];
    const std::optional<int64_t> offset = extent_of(value);
    if (!offset) {
      return fail_tensor(name, "data_offsets[", i, "] must be a whole number from 0 to ", data_.size(),
                         ", not ", value_text(value));
    }
    offsets[i] = static_cast<uint64_t>(*offset);
  }
  const auto [begin, end] = offsets;
  if (begin > end) return fail_tensor(name, "data_offsets [", begin, ", ", end, "] end before they begin");
  if (end > data_.size()) {
    return fail_tensor(name, "data_offsets [", begin, ", ", end, "] go past the end of the data, which has ",
                       data_.size(), " bytes from byte ", data_start_, " of the file");
  }
  return std::pair(begin, end);
}

Result<PlacedTensor> Reader::read_tensor(const std::string& name, const json& entry) const {
  if (!entry.is_object()) {
    return fail_tensor(name, "must be an object with dtype, shape and data_offsets, not ", value_text(entry));
  }
  Result<DType> dtype = read_dtype(name, entry);
  if (!dtype) return std::move(dtype).failure();
  Result<std::vector<int64_t>> shape = read_shape(name, entry);
  if (!shape) return std::move(shape).failure();
  Result<std::pair<uint64_t, uint64_t>> offsets = read_offsets(name, entry);
  if (!offsets) return std::move(offsets).failure();

  const auto [begin, end] = *offsets;
  const std::optional<uint64_t> size = byte_size(*shape, *dtype);
  if (!size) return fail_tensor(name, too_many_bytes(*shape, *dtype));
  if (*size != end - begin) {
    return fail_tensor(name, "shape ", shape_text(*shape), " of ", kDTypes[rank_of(*dtype)].name, " needs ",
                       *size, " bytes, but data_offsets [", begin, ", ", end, "] hold ", end - begin);
  }
  const std::span<const std::byte> data =
      data_.subspan(static_cast<size_t>(begin), static_cast<size_t>(*size));
  return PlacedTensor{{name, *dtype, std::move(*shape), data}, begin, end};
}

// The tensors, in order of their data, must follow each other without overlap or gap up to the end.
Result<void> Reader::check_coverage(std::span<const PlacedTensor> tensors) const {
  uint64_t covered = 0;
  const PlacedTensor* previous = nullptr;
  for (const PlacedTensor& tensor : tensors) {
    if (tensor.begin < covered) {
      return fail_tensor(tensor.view.name, "data_offsets [", tensor.begin, ", ", tensor.end,
                         "] overlap tensor ", in_quotes(previous->view.name), " at [", previous->begin, ", ",
                         previous->end, "]; they should begin at ", covered);
    }
    if (tensor.begin > covered) {
      return fail("data bytes ", covered, " to ", tensor.begin, " (byte ", data_start_ + covered,
                  " of the file) belong to no tensor; ", in_quotes(tensor.view.name), " should begin at ",
                  covered);
    }
    covered = tensor.end;
    previous = &tensor;
  }
  if (covered < data_.size()) {
    return fail("the last ", data_.size() - covered, " bytes of the file, from byte ", data_start_ + covered,
                ", belong to no tensor");
  }
  return {};
}

Result<std::vector<TensorView>> Reader::read_tensors(const json& header) const {
  std::vector<PlacedTensor> placed;
  for (const auto& [name, entry] : header.get_ref<const json::object_t&>()) {
    if (name == kMetadataName) continue;
    Result<PlacedTensor> tensor = read_tensor(name, entry);
    if (!tensor) return std::move(tensor).failure();
    placed.push_back(std::move(*tensor));
  }
  std::sort(placed.begin(), placed.end(), [](const PlacedTensor& a, const PlacedTensor& b) {
    if (a.begin != b.begin) return a.begin < b.begin;
    return a.end != b.end ? a.end < b.end : a.view.name < b.view.name;
  });
  Result<void> covered = check_coverage(placed);
  if (!covered) return std::move(covered).failure();

  std::vector<TensorView> tensors;
  tensors.reserve(placed.size());
  for (PlacedTensor& tensor : placed) tensors.push_back(std::move(tensor.view));
  return tensors;
}

Result<void> check_writable(const TensorView& tensor) {
  const auto fail = [&tensor](std::string_view complaint) {
    return Failure{concat("tensor ", in_quotes(tensor.name), ": ", complaint)};
  };
  if (!is_valid_utf8(tensor.name)) return fail("the name is not UTF-8 text");
  if (tensor.name == kMetadataName) return fail("the format keeps this name for itself");
  if (rank_of(tensor.dtype) == kDTypes.size()) {
    return fail(
        concat("the format has no element type ", dtype_name(tensor.dtype), "; it has ", known_dtypes()));
  }
  for (int64_t extent : tensor.shape) {
    if (extent < 0) return fail(concat("shape ", shape_text(tensor.shape), " has a negative extent"));
  }
  const std::optional<uint64_t> size = byte_size(tensor.shape, tensor.dtype);
  if (!size) return fail(too_many_bytes(tensor.shape, tensor.dtype));
  if (*size != tensor.data.size()) {
    return fail(concat("shape ", shape_text(tensor.shape), " of ", kDTypes[rank_of(tensor.dtype)].name,
                       " needs ", *size, " bytes, but its data has ", tensor.data.size()));
  }
  return {};
}

// Tensors in the order of the format. Names must differ.
Result<std::vector<const TensorView*>> in_file_order(std::span<const TensorView> tensors) {
  std::vector<const TensorView*> order;
  order.reserve(tensors.size());
  for (const TensorView& tensor : tensors) {
    Result<void> writable = check_writable(tensor);
    if (!writable) return std::move(writable).failure();
    order.push_back(&tensor);
  }
  const auto by_name = [](const TensorView* a, const TensorView* b) { return a->name < b->name; };
  std::sort(order.begin(), order.end(), by_name);
  for (size_t i = 1; i < order.size(); ++i) {
    if (order[i]->name == order[i - 1]->name) {
      return Failure{concat("tensor ", in_quotes(order[i]->name), ": there are two of this name")};
    }
  }
  std::sort(order.begin(), order.end(), [by_name](const TensorView* a, const TensorView* b) {
    const size_t rank_a = rank_of(a->dtype);
    const size_t rank_b = rank_of(b->dtype);
    return rank_a != rank_b ? rank_a > rank_b : by_name(a, b);
  });
  return order;
}

std::string json_string(const std::string& text) { return json(text).dump(); }

Result<std::string> metadata_entry(const Metadata& metadata) {
  std::string out = concat(json_string(std::string(kMetadataName)), ":{");
  for (const auto& [name, value] : metadata) {
    if (!is_valid_utf8(name) || !is_valid_utf8(value)) {
      return Failure{concat("metadata ", in_quotes(name), ": the ", is_valid_utf8(name) ? "value" : "name",
                            " is not UTF-8 text")};
    }
    out += concat(out.ends_with('{') ? "" : ",", json_string(name), ":", json_string(value));
  }
  return out + "}";
}

std::string tensor_entry(const TensorView& tensor, uint64_t begin) {
  std::string extents;
  for (int64_t extent : tensor.shape) extents += concat(extents.empty() ? "" : ",", extent);
  return concat(json_string(tensor.name), ":{\"dtype\":\"", kDTypes[rank_of(tensor.dtype)].name,
                "\",\"shape\":[", extents, "],\"data_offsets\":[", begin, ",", begin + tensor.data.size(),
                "]}");
}

// The header length and the padded header.
Result<std::string> file_start(std::span<const TensorView* const> order, const Metadata& metadata) {
  std::string header = "{";
  if (!metadata.empty()) {
    Result<std::string> entry = metadata_entry(metadata);
    if (!entry) return entry;
    header += *entry;
  }
  uint64_t begin = 0;
  for (const TensorView* tensor : order) {
    header += concat(header.size() == 1 ? "" : ",", tensor_entry(*tensor, begin));
    begin += tensor->data.size();
  }
  header += "}";
  header.resize((header.size() + kHeaderAlignment - 1) / kHeaderAlignment * kHeaderAlignment, ' ');
  if (header.size() > kMaxHeaderBytes) {
    return Failure{
        concat("the header has ", header.size(), " bytes, above the format's limit of ", kMaxHeaderBytes)};
  }
  std::string length(kLengthBytes, '\0');
  for (size_t i = 0; i < kLengthBytes; ++i) length[i] = static_cast<char>(header.size() >> (8 * i) & 0xff);
  return length + header;
}

// Everything that makes up a file. `start` is the storage of the first part.
struct FileParts {
  std::string start;
  std::vector<std::span<const std::byte>> parts;
};

Result<void> collect_parts(std::span<const TensorView> tensors, const Metadata& metadata, FileParts& out) {
  Result<std::vector<const TensorView*>> order = in_file_order(tensors);
  if (!order) return std::move(order).failure();
  Result<std::string> start = file_start(*order, metadata);
  if (!start) return std::move(start).failure();
  out.start = std::move(*start);
  out.parts.push_back(std::as_bytes(std::span(out.start)));
  for (const TensorView* tensor : *order) out.parts.push_back(tensor->data);
  return {};
}

}  // namespace

Result<SafeTensors> SafeTensors::parse(std::span<const std::byte> bytes, std::string_view label) {
  Reader reader(bytes, label);
  Result<json> header = reader.read_header();
  if (!header) return std::move(header).failure();
  Result<Metadata> metadata = reader.read_metadata(*header);
  if (!metadata) return std::move(metadata).failure();
  Result<std::vector<TensorView>> tensors = reader.read_tensors(*header);
  if (!tensors) return std::move(tensors).failure();

  SafeTensors result;
  result.metadata_ = std::move(*metadata);
  result.tensors_ = std::move(*tensors);
  result.by_name_.resize(result.tensors_.size());
  for (uint32_t i = 0; i < result.by_name_.size(); ++i) result.by_name_[i] = i;
  std::sort(result.by_name_.begin(), result.by_name_.end(),
            [&result](uint32_t a, uint32_t b) { return result.tensors_[a].name < result.tensors_[b].name; });
  return result;
}

Result<SafeTensors> SafeTensors::open(const std::string& path) {
  Result<std::shared_ptr<const FileBytes>> file = FileBytes::map(path);
  if (!file) return std::move(file).failure();
  Result<SafeTensors> result = parse((*file)->bytes(), path);
  if (result) result->file_ = std::move(*file);
  return result;
}

const TensorView* SafeTensors::find(std::string_view name) const {
  const auto found =
      std::lower_bound(by_name_.begin(), by_name_.end(), name,
                       [this](uint32_t i, std::string_view key) { return tensors_[i].name < key; });
  if (found == by_name_.end() || tensors_[*found].name != name) return nullptr;
  return &tensors_[*found];
}

Result<std::vector<std::byte>> serialize_safetensors(std::span<const TensorView> tensors,
                                                     const Metadata& metadata) {
  FileParts file;
  Result<void> collected = collect_parts(tensors, metadata, file);
  if (!collected) return std::move(collected).failure();
  std::vector<std::byte> bytes;
  for (std::span<const std::byte> part : file.parts) bytes.insert(bytes.end(), part.begin(), part.end());
  return bytes;
}

Result<void> write_safetensors(const std::string& path, std::span<const TensorView> tensors,
                               const Metadata& metadata) {
  FileParts file;
  Result<void> collected = collect_parts(tensors, metadata, file);
  if (!collected) return Failure{concat(path, ": ", collected.message())};
  return replace_file(path, file.parts);
}

}  // namespace anneal::io
