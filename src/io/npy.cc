// SPDX-License-Identifier: MIT
//
// The header is a literal of Python's: a dictionary of three entries whose values are a string (or, for
// records, a list), a truth value and a tuple of integers. No more of the language than that is understood.
#include "io/npy.h"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cstdint>
#include <optional>
#include <utility>

#include "io/file_bytes.h"

namespace anneal::io {
namespace {

static_assert(std::endian::native == std::endian::little, "data is used in place");

constexpr std::string_view kNpyMagic = "\x93NUMPY";
constexpr size_t kNpyAlignment = 64;
constexpr size_t kMaxNpyHeader = size_t{1} << 20;
constexpr size_t kMaxNpyRank = 64;  // numpy's own limit

struct NpyDType {
  std::string_view code;  // kind and size
  DType dtype;
};
constexpr std::array<NpyDType, 12> kNpyDTypes = {{
    {"b1", DType::kBool},
    {"i1", DType::kI8},
    {"i2", DType::kI16},
    {"i4", DType::kI32},
    {"i8", DType::kI64},
    {"u1", DType::kU8},
    {"u2", DType::kU16},
    {"u4", DType::kU32},
    {"u8", DType::kU64},
    {"f2", DType::kF16},
    {"f4", DType::kF32},
    {"f8", DType::kF64},
}};

constexpr std::string_view kNpyKnown = "bool, integers of 1 to 8 bytes and floats of 2 to 8 bytes";

struct NpyHeader {
  std::string descr;
  bool is_record = false;  // descr was a list
  bool fortran_order = false;
  std::vector<int64_t> shape;
};

// Reads the dictionary. After a failure problem() says what was wrong, and where.
class NpyHeaderParser {
 public:
  explicit NpyHeaderParser(std::string_view text) : text_(text) {}

  bool read(NpyHeader& out) {
    std::array<bool, 3> seen = {};
    if (!expect('{')) return false;
    while (!accept('}')) {
      std::string key;
      if (!read_string(key) || !expect(':')) return false;
      const size_t which = key == "descr" ? 0 : key == "fortran_order" ? 1 : key == "shape" ? 2 : 3;
      if (which == 3) return fail(concat("unknown entry ", in_quotes(key)));
      if (std::exchange(seen[which], true)) return fail(concat(in_quotes(key), " stands there twice"));
      if (which == 0   ? !read_descr(out)
          : which == 1 ? !read_truth(out.fortran_order)
                       : !read_shape(out.shape))
        return false;
      if (accept('}')) break;
      if (!expect(',')) return false;
    }
    skip_space();
    if (at_ != text_.size()) return fail("text after the dictionary");
    for (size_t i = 0; i < seen.size(); ++i) {
      constexpr std::string_view kNames[] = {"descr", "fortran_order", "shape"};
      if (!seen[i]) return fail(concat("there is no entry ", in_quotes(kNames[i])));
    }
    return true;
  }

  const std::string& problem() const { return problem_; }

 private:
  bool fail(std::string_view what) {
    if (problem_.empty()) problem_ = concat(what, ", at character ", at_, " of the header");
    return false;
  }
  void skip_space() {
    while (at_ < text_.size() && std::string_view(" \t\r\n").find(text_[at_]) != std::string_view::npos)
      ++at_;
  }
  bool accept(char c) {
    skip_space();
    if (at_ == text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  bool expect(char c) {
    if (accept(c)) return true;
    return fail(concat("'", std::string(1, c), "' expected"));
  }

  bool read_string(std::string& out) {
    skip_space();
    if (at_ == text_.size() || (text_[at_] != '\'' && text_[at_] != '"')) return fail("a string expected");
    const size_t end = text_.find(text_[at_], at_ + 1);
    if (end == std::string_view::npos) return fail("a string without end");
    out = text_.substr(at_ + 1, end - at_ - 1);
    if (out.find('\\') != std::string::npos) return fail("a string with a backslash");
    at_ = end + 1;
    return true;
  }

  // Of a record only that it is one matters: the rest is passed over, to where the brackets are closed.
  bool read_descr(NpyHeader& out) {
    if (!accept('[')) return read_string(out.descr);
    out.is_record = true;
    size_t depth = 1;
    while (depth > 0) {
      if (at_ == text_.size()) return fail("a list without end");
      const char c = text_[at_];
      std::string ignored;
      if (c == '\'' || c == '"') {
        if (!read_string(ignored)) return false;
        continue;
      }
      if (c == '[' || c == '(') ++depth;
      if (c == ']' || c == ')') --depth;
      ++at_;
    }
    return true;
  }

  bool read_truth(bool& out) {
    skip_space();
    for (const bool value : {false, true}) {
      const std::string_view word = value ? "True" : "False";
      if (!text_.substr(at_).starts_with(word)) continue;
      at_ += word.size();
      out = value;
      return true;
    }
    return fail("True or False expected");
  }

  bool read_shape(std::vector<int64_t>& out) {
    if (!expect('(')) return false;
    while (!accept(')')) {
      skip_space();
      int64_t extent = 0;
      const char* start = text_.data() + at_;
      const auto [end, error] = std::from_chars(start, text_.data() + text_.size(), extent);
      if (error == std::errc::result_out_of_range) return fail("an extent beyond 2^63-1");
      if (error != std::errc() || extent < 0) return fail("an extent, 0 or more, expected");
      at_ += static_cast<size_t>(end - start);
      if (at_ < text_.size() && text_[at_] == 'L') ++at_;  // how Python 2 wrote large integers
      out.push_back(extent);
      if (out.size() > kMaxNpyRank) return fail(concat("more than ", kMaxNpyRank, " extents"));
      if (accept(')')) return true;
      if (!expect(',')) return false;
    }
    return true;
  }

  std::string_view text_;
  size_t at_ = 0;
  std::string problem_;
};

std::string refused_descr(std::string_view descr) {
  const char kind = descr.size() > 1 ? descr[1] : ' ';
  const std::string said = concat("element type ", in_quotes(descr));
  switch (kind) {
    case 'c': return said + " is complex, which no element type here is: save real and imaginary parts apart";
    case 'O':
      return said +
             " is a Python object, which only Python's unpickler reads and which may run any code: "
             "convert it to a plain array first";
    case 'S':
    case 'U':
    case 'a': return said + " is text: only numbers can be tensors";
    case 'M':
    case 'm': return said + " is a time: convert it to an integer first, as in x.astype('i8')";
    case 'V':
      return said +
             " is raw bytes. bf16 and fp8 arrays are stored so, and numpy does not say which: save them "
             "with safetensors, or as float32";
    case 'f':
      if (descr.ends_with("12") || descr.ends_with("16"))
        return said + " is a long double: save it as float64, as in x.astype('f8')";
      break;
    default: break;
  }
  return said + concat(" is not one of those that are read: ", kNpyKnown);
}

std::optional<DType> npy_dtype(std::string_view descr) {
  if (descr.size() != 3) return std::nullopt;
  for (const NpyDType& known : kNpyDTypes) {
    if (descr.substr(1) != known.code) continue;
    const bool one_byte = dtype_size(known.dtype) == 1;
    return (descr[0] == '|' ? one_byte : descr[0] == '<' || descr[0] == '>' || descr[0] == '=')
               ? std::optional(known.dtype)
               : std::nullopt;
  }
  return std::nullopt;
}

std::string_view npy_code(DType dtype) {
  for (const NpyDType& known : kNpyDTypes)
    if (known.dtype == dtype) return known.code;
  return {};
}

struct NpyStart {
  std::string_view header;
  size_t data_start = 0;
};

Result<NpyStart> read_npy_start(std::span<const std::byte> bytes, std::string_view label) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const auto byte_at = [&text](size_t i) { return static_cast<size_t>(static_cast<unsigned char>(text[i])); };
  constexpr size_t kVersionEnd = 8;
  if (!text.starts_with(kNpyMagic)) return Failure{concat(label, ": not a .npy file: it begins otherwise")};
  if (text.size() < kVersionEnd) return Failure{concat(label, ": cut short: ", text.size(), " bytes")};
  const size_t version = byte_at(6);
  if (version < 1 || version > 3) {
    return Failure{concat(label, ": version ", version, ".", byte_at(7), " of the format; 1 to 3 are known")};
  }
  const size_t length_bytes = version == 1 ? 2 : 4;
  const size_t start = kVersionEnd + length_bytes;
  if (text.size() < start) return Failure{concat(label, ": cut short: ", text.size(), " bytes")};
  size_t length = 0;
  for (size_t i = 0; i < length_bytes; ++i) length |= byte_at(kVersionEnd + i) << (8 * i);
  if (length > kMaxNpyHeader) {
    return Failure{concat(label, ": a header of ", length, " bytes; the limit is ", kMaxNpyHeader)};
  }
  if (length > text.size() - start) {
    return Failure{concat(label, ": cut short: the header of ", length, " bytes goes past the end of the ",
                          text.size(), " bytes")};
  }
  return NpyStart{text.substr(start, length), start + length};
}

// Truth values that are neither 0 nor 1 do not come from numpy; they count as true.
std::optional<std::vector<std::byte>> cleaned_bools(std::span<const std::byte> data) {
  if (std::all_of(data.begin(), data.end(), [](std::byte b) { return b <= std::byte{1}; }))
    return std::nullopt;
  std::vector<std::byte> out(data.size());
  std::transform(data.begin(), data.end(), out.begin(),
                 [](std::byte b) { return b == std::byte{0} ? b : std::byte{1}; });
  return out;
}

}  // namespace

bool is_npy(std::span<const std::byte> bytes) {
  return std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()).starts_with(kNpyMagic);
}

Result<Array> parse_npy(std::span<const std::byte> bytes, std::string_view label,
                        std::shared_ptr<const void> storage) {
  const Result<NpyStart> start = read_npy_start(bytes, label);
  if (!start) return start.failure();
  NpyHeader header;
  NpyHeaderParser parser(start->header);
  if (!parser.read(header)) return Failure{concat(label, ": the header is wrong: ", parser.problem())};
  if (header.is_record) {
    return Failure{concat(label, ": a structured array: save each of its fields as an array of its own")};
  }
  const std::optional<DType> dtype = npy_dtype(header.descr);
  if (!dtype) return Failure{concat(label, ": ", refused_descr(header.descr))};

  const std::span<const std::byte> data = bytes.subspan(start->data_start);
  const std::optional<uint64_t> size = byte_size(header.shape, *dtype);
  if (!size || *size != data.size()) {
    return Failure{concat(label, ": shape ", shape_text(header.shape), " of ", dtype_name(*dtype), " needs ",
                          size ? std::to_string(*size) : "more than 2^63-1", " bytes, but ", data.size(),
                          " bytes of data follow")};
  }
  const auto element = static_cast<size_t>(dtype_size(*dtype));
  Array out{*dtype, header.shape, data, std::move(storage)};
  if (header.fortran_order && header.shape.size() > 1)
    out = owning_array(*dtype, header.shape, from_column_major(out.data, header.shape, element));
  if (header.descr[0] == '>' && element > 1)
    out = owning_array(*dtype, header.shape, swap_bytes(out.data, element));
  if (*dtype == DType::kBool) {
    if (std::optional<std::vector<std::byte>> cleaned = cleaned_bools(out.data))
      out = owning_array(*dtype, header.shape, std::move(*cleaned));
  }
  return out;
}

Result<Array> read_npy(const std::string& path) {
  Result<std::shared_ptr<const FileBytes>> file = FileBytes::map(path);
  if (!file) return std::move(file).failure();
  const std::span<const std::byte> bytes = (*file)->bytes();
  return parse_npy(bytes, path, std::move(*file));
}

Result<std::string> npy_header(const TensorView& tensor) {
  const std::string_view code = npy_code(tensor.dtype);
  if (code.empty()) {
    return Failure{concat("numpy has no element type ", dtype_name(tensor.dtype),
                          ": convert the tensor to f32 first, or save it as safetensors")};
  }
  for (const int64_t extent : tensor.shape)
    if (extent < 0) return Failure{concat("shape ", shape_text(tensor.shape), " has a negative extent")};
  if (tensor.shape.size() > kMaxNpyRank)
    return Failure{concat("a tensor of ", tensor.shape.size(), " axes; numpy's limit is ", kMaxNpyRank)};
  const std::optional<uint64_t> size = byte_size(tensor.shape, tensor.dtype);
  if (!size || *size != tensor.data.size()) {
    return Failure{concat("shape ", shape_text(tensor.shape), " of ", dtype_name(tensor.dtype),
                          " does not have the ", tensor.data.size(), " bytes of its data")};
  }
  std::string extents;
  for (const int64_t extent : tensor.shape) extents += concat(extents.empty() ? "" : ", ", extent);
  if (tensor.shape.size() == 1) extents += ",";
  std::string text = concat("{'descr': '", dtype_size(tensor.dtype) == 1 ? "|" : "<", code,
                            "', 'fortran_order': False, 'shape': (", extents, "), }");
  // numpy leaves room for the first extent to grow to 21 digits without moving the data.
  if (!tensor.shape.empty()) text.append(21 - std::to_string(tensor.shape[0]).size(), ' ');
  constexpr size_t kStart = 10;  // of version 1, whose two bytes of length are always enough here
  const size_t unpadded = kStart + text.size() + 1;
  text.append((kNpyAlignment - unpadded % kNpyAlignment), ' ');
  text += '\n';
  std::string start(kNpyMagic);
  start += {'\x01', '\0', static_cast<char>(text.size() & 0xff), static_cast<char>(text.size() >> 8)};
  return start + text;
}

Result<std::vector<std::byte>> serialize_npy(const TensorView& tensor) {
  const Result<std::string> header = npy_header(tensor);
  if (!header) return header.failure();
  const std::span<const std::byte> start = std::as_bytes(std::span(*header));
  std::vector<std::byte> bytes(start.begin(), start.end());
  bytes.insert(bytes.end(), tensor.data.begin(), tensor.data.end());
  return bytes;
}

Result<void> write_npy(const std::string& path, const TensorView& tensor) {
  const Result<std::string> header = npy_header(tensor);
  if (!header) return Failure{concat(path, ": ", header.message())};
  const std::span<const std::byte> parts[] = {std::as_bytes(std::span(*header)), tensor.data};
  return replace_file(path, parts);
}

}  // namespace anneal::io
