// SPDX-License-Identifier: MIT
// The text form: what each argument looks like, that every op of the table and every constant survives it,
// that it does not depend on construction order, and what is said of malformed text.
#include "ir/text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <set>

#include "ir/builder.h"
#include "ir/dims.h"
#include "ir/verify.h"
#include "ir/walk.h"

namespace anneal::ir {
namespace {

using testing::HasSubstr;

class Text : public testing::Test {
 protected:
  std::string text(Node n) { return print(g, std::span(&n, 1)); }
  std::string error(std::string_view source) { return parse(g, source).error; }

  Graph g;
  Graph::Scope scope{g};
  Builder b{g};
};

// -- Every op --

struct Sample {
  Op op;
  const char* line;  // may use the nodes of kCommon
};
constexpr std::string_view kCommon =
    "%0 = param 0, \"x\" : f32[4,6]\n"
    "%1 = param 1 : f32[4,6]\n"
    "%2 = param 2 : i32[4,6]\n"
    "%3 = param 3 : bool[4,6]\n"
    "%4 = const 0.5 : f32\n"
    "%5 = var \"B\", min=1, max=8 : index\n"
    "%6 = param 4 : u32\n"
    "%7 = param 5 : i32[4,2]\n"
    "%8 = param 6 : f32[4,2]\n"
    "%9 = param 7 : f32[64]\n"
    "%10 = param 8 : i32[64]\n"
    "%11 = range %5, id=0, kind=loop : index\n"
    "%12 = range %5, id=1, kind=reduce : index\n"
    "%13 = const true : bool\n";
constexpr int kFirstFree = 14;
constexpr Sample kSamples[] = {
    {Op::Const, "const -3 : i64"},
    {Op::Var, "var \"T\", min=0, max=512, multiple=8 : index"},
    {Op::Range, "range %5, id=3, kind=reduce : index"},
    {Op::Param, "param 9, \"weight \\\"q\\\\\\x0a\" : f16[%5,3]"},
    {Op::Buffer, "buffer 0 : f32[2]"},
    {Op::Iota, "iota axis=1 : i32[2,%5]"},
    {Op::Neg, "neg %0 : f32[4,6]"},
    {Op::Abs, "abs %2 : i32[4,6]"},
    {Op::Not, "not %3 : bool[4,6]"},
    {Op::Recip, "recip %0 : f32[4,6]"},
    {Op::Sqrt, "sqrt %0 : f32[4,6]"},
    {Op::Exp, "exp %0 : f32[4,6]"},
    {Op::Exp2, "exp2 %0 : f32[4,6]"},
    {Op::Expm1, "expm1 %0 : f32[4,6]"},
    {Op::Log, "log %0 : f32[4,6]"},
    {Op::Log2, "log2 %0 : f32[4,6]"},
    {Op::Log1p, "log1p %0 : f32[4,6]"},
    {Op::Sin, "sin %0 : f32[4,6]"},
    {Op::Cos, "cos %0 : f32[4,6]"},
    {Op::Tanh, "tanh %0 : f32[4,6]"},
    {Op::Atan, "atan %0 : f32[4,6]"},
    {Op::Erf, "erf %0 : f32[4,6]"},
    {Op::Floor, "floor %0 : f32[4,6]"},
    {Op::Ceil, "ceil %0 : f32[4,6]"},
    {Op::Round, "round %0 : f32[4,6]"},
    {Op::Trunc, "trunc %0 : f32[4,6]"},
    {Op::Cast, "cast %0 : bf16[4,6]"},
    {Op::Bitcast, "bitcast %0 : u32[4,6]"},
    {Op::Add, "add %0, %4 : f32[4,6]"},
    {Op::Sub, "sub %0, %1 : f32[4,6]"},
    {Op::Mul, "mul %0, %1 : f32[4,6]"},
    {Op::Div, "div %0, %1 : f32[4,6]"},
    {Op::FloorDiv, "floordiv %2, %2 : i32[4,6]"},
    {Op::FloorMod, "floormod %2, %2 : i32[4,6]"},
    {Op::TruncDiv, "truncdiv %2, %2 : i32[4,6]"},
    {Op::TruncMod, "truncmod %2, %2 : i32[4,6]"},
    {Op::Pow, "pow %0, %1 : f32[4,6]"},
    {Op::Max, "max %0, %1 : f32[4,6]"},
    {Op::Min, "min %0, %1 : f32[4,6]"},
    {Op::And, "and %2, %2 : i32[4,6]"},
    {Op::Or, "or %3, %3 : bool[4,6]"},
    {Op::Xor, "xor %3, %3 : bool[4,6]"},
    {Op::Shl, "shl %2, %2 : i32[4,6]"},
    {Op::Shr, "shr %2, %2 : i32[4,6]"},
    {Op::Lt, "lt %0, %1 : bool[4,6]"},
    {Op::Le, "le %0, %1 : bool[4,6]"},
    {Op::Eq, "eq %3, %3 : bool[4,6]"},
    {Op::Ne, "ne %0, %4 : bool[4,6]"},
    {Op::Where, "where %3, %0, %4 : f32[4,6]"},
    {Op::Threefry, "threefry %6, %6, %6, %6, lane=1 : u32"},
    {Op::Reshape, "reshape %0 : f32[3,8]"},
    {Op::Expand, "expand %4 : f32[%5,7]"},
    {Op::Permute, "permute %0, perm=[1,0] : f32[6,4]"},
    {Op::Pad, "pad %0, %4, low=[1,0], high=[2,3], interior=[0,1] : f32[7,14]"},
    {Op::Slice, "slice %0, start=[1,0], step=[1,2] : f32[2,3]"},
    {Op::Flip, "flip %0, axes=[0,1] : f32[4,6]"},
    {Op::Concat, "concat %0, %1, %0, %1, axis=0 : f32[16,6]"},
    {Op::Reduce, "reduce %0, op=max, axes=[1] : f32[4,1]"},
    {Op::ArgReduce, "argreduce %0, op=min, axis=0 : i32[1,6]"},
    {Op::Scan, "scan %0, op=mul, axis=1, reverse=true : f32[4,6]"},
    {Op::ArgSort, "argsort %0, axis=1, descending=true : i32[4,6]"},
    {Op::Gather, "gather %0, %7, axis=1 : f32[4,2]"},
    {Op::Scatter, "scatter %0, %7, %8, mode=set, axis=1 : f32[4,6]"},
    {Op::Load, "load %9, %11, %13 : f32"},
    {Op::Accumulate, "accumulate %4, %12, op=max, axes=[] : f32"},
    {Op::Store, "store %9, %11, %4, %13 : void"},
    {Op::ScanStore, "scan_store %9, %11, %4, %11, op=mul, axis=0, reverse=true : void"},
    {Op::ScatterStore, "scatter_store %9, %11, %4, %13, %11, mode=set, axis=0 : void"},
    {Op::SortStore, "sort_store %10, %11, %4, %11, axis=0, descending=true : void"},
    {Op::StopGradient, "stop_gradient %0 : f32[4,6]"},
    {Op::CustomGradient, "custom_gradient %0, %1, function=0 : f32[4,6]"},
    {Op::Alias, "alias %0, 0 : f32[4,6]"},
};

TEST_F(Text, EveryOpSurvives) {
  std::set<Op> sampled;
  for (const Sample& s : kSamples) {
    sampled.insert(s.op);
    const std::string source = std::string(kCommon) + "%" + std::to_string(kFirstFree) + " = " + s.line +
                               "\nsink %" + std::to_string(kFirstFree) + "\n";
    const Parsed parsed = parse(g, source);
    ASSERT_EQ(parsed.error, "") << source;
    EXPECT_EQ(g.op(parsed.roots[0]), s.op) << s.line;
    const std::string printed = print(g, parsed.roots);
    const Parsed again = parse(g, printed);
    ASSERT_EQ(again.error, "") << printed;
    EXPECT_EQ(print(g, again.roots), printed);
    if (!op_info(s.op).has(kUnique)) {
      EXPECT_EQ(again.roots, parsed.roots) << printed;
    }
    // The last line but one is the sample again, as far as numbers go.
    const std::string kind = std::string(op_text(s.op)) + " ";
    EXPECT_NE(printed.find("= " + kind), std::string::npos) << printed;
  }
  for (int i = 0; i < kNumOps; ++i) {
    const auto op = static_cast<Op>(i);
    if (op != Op::Sink) {
      EXPECT_EQ(sampled.count(op), 1u) << "no sample for " << op_text(op);
    }
  }
}

TEST_F(Text, OneProgramOfAllOpsSurvives) {
  std::string source(kCommon);
  std::string sink = "sink ";
  int number = kFirstFree;
  for (const Sample& s : kSamples) {
    source += "%" + std::to_string(number) + " = " + s.line + "\n";
    sink += (number == kFirstFree ? "%" : ", %") + std::to_string(number);
    ++number;
  }
  const Parsed parsed = parse(g, source + sink);
  ASSERT_EQ(parsed.error, "");
  const std::string printed = print(g, parsed.roots);
  Graph other;
  const Graph::Scope in_other(other);
  const Parsed again = parse(other, printed);
  ASSERT_EQ(again.error, "");
  EXPECT_EQ(print(other, again.roots), printed);
}

// -- The canonical form --

TEST_F(Text, IsOneLineANodeInOrderOfFirstUse) {
  const std::vector<Dim> shape{8, 64};
  const Node x = b.param(0, f32, shape);
  const Node y = b.reduce(b.mul(x, b.constant_float(0.5, f32)), ReduceOp::kAdd, 2);
  EXPECT_EQ(text(y),
            "%0 = param 0 : f32[8,64]\n"
            "%1 = const 0.5 : f32\n"
            "%2 = mul %0, %1 : f32[8,64]\n"
            "%3 = reduce %2, op=add, axes=[1] : f32[8,1]\n"
            "sink %3\n");
}

TEST_F(Text, ExtentsAreNodesAboveTheirUse) {
  const Dim batch(b.var("B", 1, 512));
  const std::vector<Dim> shape{batch, 64}, start{batch, 0};
  const Node x = b.param(0, f32, shape);
  EXPECT_EQ(text(b.pad(x, b.constant_float(0, f32), PadArg{start, {0, 0}, {0, 0}})),
            "%0 = var \"B\", min=1, max=512 : index\n"
            "%1 = const 2 : index\n"
            "%2 = mul %0, %1 : index\n"
            "%3 = param 0 : f32[%0,64]\n"
            "%4 = const 0 : f32\n"
            "%5 = pad %3, %4, low=[%0,0], high=[0,0] : f32[%2,64]\n"
            "sink %5\n");
}

TEST_F(Text, DoesNotDependOnConstructionOrder) {
  const std::vector<Dim> shape{3};
  const auto build = [&](Graph& graph, bool left_first) {
    const Builder make{graph};
    const Node x = make.param(0, f32, shape), y = make.param(1, f32, shape);
    Node left, right;
    for (bool now_left : {left_first, !left_first})
      (now_left ? left : right) = now_left ? make.neg(x) : make.mul(y, x);
    const Node sum = make.add(left, right);
    return print(graph, std::vector<Node>{sum, left});
  };
  Graph other;
  const Graph::Scope in_other(other);
  Builder{other}.constant_int(5, i64);
  EXPECT_EQ(build(g, true), build(other, false));
  EXPECT_EQ(build(g, true), build(g, false));
}

TEST_F(Text, ASinkStandsForItsResults) {
  const Node x = b.param(0, f32, {}), y = b.neg(x);
  const std::vector<Node> roots{y, x, y};
  const std::string printed = text(b.sink(roots));
  EXPECT_EQ(printed, "%0 = param 0 : f32\n%1 = neg %0 : f32\nsink %1, %0, %1\n");
  EXPECT_EQ(parse(g, printed).roots, roots);
  EXPECT_EQ(print(g, {}), "sink\n");
  EXPECT_EQ(parse(g, "sink\n").error, "");
}

TEST_F(Text, BuffersAreNumberedByFirstUse) {
  const auto data = [] {
    auto d = std::make_shared<BufferData>();
    d->dtype = f32;
    d->bytes.resize(4);
    return d;
  };
  const Node unused = b.buffer(data()), x = b.buffer(data()), y = b.buffer(data());
  ASSERT_NE(unused, x);
  EXPECT_EQ(text(b.add(y, x)), "%0 = buffer 0 : f32\n%1 = buffer 1 : f32\n%2 = add %0, %1 : f32\nsink %2\n");
  // The same number is the same buffer, another number another one.
  const Parsed parsed =
      parse(g, "%0 = buffer 7 : f32\n%1 = buffer 7 : f32\n%2 = buffer 3 : f32\nsink %0, %1, %2");
  ASSERT_EQ(parsed.error, "");
  EXPECT_EQ(parsed.roots[0], parsed.roots[1]);
  EXPECT_NE(parsed.roots[0], parsed.roots[2]);
}

TEST_F(Text, BlanksCommentsAndNumbersAreFree) {
  const Parsed parsed = parse(g,
                              "# a program\n\n"
                              "  %7 = param 0:f32[ 2 , 3 ]   # the input\r\n"
                              "\t%3=neg %7 : f32[2,3]\n"
                              "sink %3,%7 # done\n# end\n");
  ASSERT_EQ(parsed.error, "");
  EXPECT_EQ(print(g, parsed.roots), "%0 = param 0 : f32[2,3]\n%1 = neg %0 : f32[2,3]\nsink %1, %0\n");
}

TEST_F(Text, TypesOfMessagesShowExpressions) {
  const Node batch = b.var("B", 1, 8);
  const std::vector<Dim> shape{Dim(b.mul(batch, b.index(2))), 3};
  EXPECT_EQ(type_text(g, b.param(0, f32, shape)), "f32[2*B,3]");
  EXPECT_EQ(type_text(g, b.constant_float(1, f16)), "f16");
  EXPECT_EQ(shape_text(g, {}), "[]");
  EXPECT_EQ(node_text(g, batch), "%" + std::to_string(batch.id) + " = var \"B\", min=1, max=8 : index");
  const std::string line = node_text(g, b.param(0, f32, shape));
  EXPECT_EQ(line.substr(line.find(" : ")), " : f32[2*B,3]");
  // An expression that is too long to read: never the number of its node.
  Dim sum(batch);
  for (int i = 0; i < 70; ++i) sum = dim_add(g, sum, Dim(b.var("v" + std::to_string(i), 0, 9)));
  EXPECT_EQ(dim_text(g, sum), "(a long expression)");
}

// -- Constants --

TEST_F(Text, ConstantsKeepTheirValue) {
  const double infinity = std::numeric_limits<double>::infinity();
  const double floats[] = {0.0,
                           -0.0,
                           1,
                           -1.5,
                           0.1,
                           1e-5,
                           1e20,
                           3.4028234663852886e38,
                           1e-45,
                           5e-324,
                           1.0 / 3,
                           2e-8,
                           65504,
                           448,
                           0x1p-24,
                           16777217,
                           infinity,
                           -infinity,
                           std::nan(""),
                           1e300,
                           123456789.125,
                           0x1.fffffep0};
  for (DType t : {f8e4m3, f8e5m2, f16, bf16, f32, f64})
    for (double v : floats) {
      const Node n = b.constant_float(v, t);
      EXPECT_EQ(parse(g, text(n)).roots, std::vector<Node>{n}) << text(n);
    }
  for (DType t : {i8, i16, i32, i64, u8, u16, u32, u64, DType::kIndex})
    for (int64_t v : {int64_t{0}, int64_t{-1}, int64_t{127}, int64_t{-128}, INT64_MAX, INT64_MIN}) {
      const Node n = b.constant_int(v, t);
      EXPECT_EQ(parse(g, text(n)).roots, std::vector<Node>{n}) << text(n);
    }
}

TEST_F(Text, ConstantsAreWrittenShortly) {
  const auto of_float = [&](double v, DType t) {
    const std::string line = text(b.constant_float(v, t));
    return line.substr(11, line.find(" :") - 11);
  };
  EXPECT_EQ(of_float(0.1, f32), "0.1");
  EXPECT_EQ(of_float(0.1, f64), "0.1");
  EXPECT_EQ(of_float(0.1, f16), "0.099975586");
  EXPECT_EQ(of_float(2, bf16), "2");
  EXPECT_EQ(of_float(-0.0, f32), "-0");
  EXPECT_EQ(of_float(1e20, f32), "1e+20");
  EXPECT_EQ(of_float(std::nan(""), f32), "nan");
  EXPECT_EQ(of_float(-INFINITY, f64), "-inf");
  EXPECT_EQ(text(b.constant_int(-1, u64)), "%0 = const 18446744073709551615 : u64\nsink %0\n");
  EXPECT_EQ(text(b.constant_int(INT64_MIN, i64)), "%0 = const -9223372036854775808 : i64\nsink %0\n");
  EXPECT_EQ(text(b.constant_int(1, boolean)), "%0 = const true : bool\nsink %0\n");
}

// -- Malformed text --

struct Malformed {
  const char* source;
  const char* error;
};

TEST_F(Text, MalformedTextSaysWhereAndWhat) {
  const Malformed cases[] = {
      // cut
      {"", "1:1: no sink line: the text is cut, or it names no results"},
      {"%0 = param 0 : f32\n", "2:1: no sink line: the text is cut, or it names no results"},
      {"%0 = param 0 : f32[2", "1:21: expected ']', found the end of the text"},
      {"%0 = param 0 : ", "1:16: unknown element type ''"},
      {"%0 = param 0", "1:13: expected ':', found the end of the text"},
      {"%0 = ", "1:6: unknown op ''"},
      {"%0", "1:3: expected '=', found the end of the text"},
      {"%", "1:2: expected a node number after '%'"},
      {"%0 = param 0, \"na", "1:18: a string without its closing quote"},
      // words
      {"hello\n", "1:1: a line is '%N = ...' or 'sink ...'"},
      {"%0 = parm 0 : f32\nsink %0", "1:6: unknown op 'parm': did you mean 'param'?"},
      {"%0 = Add 0 : f32\nsink %0", "1:6: unknown op 'Add'"},
      {"%0 = sink : f32\nsink %0", "1:6: unknown op 'sink'"},
      {"%0 = param 0 : float\nsink %0", "1:16: unknown element type 'float': there are bool, "},
      {"%0 = param 0 : f32[2]\n%1 = neg %0 : f32[3]\nsink %1",
       "2:6: neg has type f32[2] here, and f32[3] is written"},
      {"%0 = param 0 : f23\nsink %0", "1:16: unknown element type 'f23': did you mean 'f32'?"},
      {"%0 = param 0 : void\nsink %0", "1:16: unknown element type 'void'"},
      {"%0 = param 0 : f32 x\nsink %0", "1:20: unexpected text after the type, found 'x'"},
      {"%0 = param 0 : f32\nsink %0 %0", "2:9: unexpected text after the sink, found '%'"},
      {"%0 = param 0 : f32\nsink %0\nsink %0", "3:1: text after the sink line"},
      {"%0 = param 0 : f32\nsink %0\n%1 = neg %0 : f32", "3:1: text after the sink line"},
      {"%0 = param \x01 : f32\nsink %0", "1:12: expected a source or an argument, found byte 0x01"},
      // references
      {"%0 = neg %0 : f32\nsink %0", "1:11: %0 is not defined above: a node uses only earlier ones"},
      {"%0 = neg %1 : f32\n%1 = neg %0 : f32\nsink %0", "1:11: %1 is not defined above"},
      {"%0 = param 0 : f32\nsink %1", "2:7: %1 is not defined above"},
      {"%0 = param 0 : f32\n%0 = param 1 : f32\nsink %0", "2:6: %0 is defined twice"},
      {"%99999 = param 0 : f32\nsink %99999", "1:2: node number 99999 is too large for its line"},
      {"%99999999999999999999 = param 0 : f32\nsink", "1:2: expected a node number after '%'"},
      {"%-1 = param 0 : f32\nsink", "1:2: expected a node number after '%'"},
      {"%0 = param 0 : f32[%4]\nsink %0", "1:21: %4 is not defined above"},
      // types
      {"%0 = param 0 : i32\n%1 = sin %0 : i32\nsink %1", "2:6: sin: takes floats, not i32"},
      {"%0 = param 0 : f32\n%1 = neg %0 : f16\nsink %1", "2:6: neg has type f32 here, and f16 is written"},
      {"%0 = param 0 : f32[2]\n%1 = neg %0 : f32[3]\nsink %1", "2:6: neg has type f32[2] here"},
      {"%0 = param 0 : f32[2]\n%1 = reshape %0 : f32[3]\nsink %1",
       "2:6: reshape: from [2] to [3]: 2 and 3 elements"},
      {"%0 = param 0 : f32\n%1 = add %0 : f32\nsink %1", "2:6: add: takes 2 sources, not 1"},
      {"%0 = const 4 : i32\n%1 = param 0 : f32[%0]\nsink %1", "2:21: an extent must be a scalar index"},
      {"%0 = param 0 : index\n%1 = param 1 : f32[%0]\nsink %1",
       "2:21: an extent must be made of variables and constants only"},
      {"%0 = const 4 : index\n%1 = range %0, id=0, kind=loop : index\n%2 = add %1, %0 : index\n%3 = param 0 "
       ": f32[%2]\nsink",
       "4:21: an extent must be made of variables and constants only"},
      // extents
      {"%0 = param 0 : f32[-1]\nsink %0", "1:23: negative extent -1"},
      {"%0 = param 0 : f32[x]\nsink %0", "1:20: expected an integer of 64 bits"},
      {"%0 = param 0 : f32[9223372036854775808]\nsink %0", "1:20: expected an integer of 64 bits"},
      {"%0 = param 0 : f32[4294967296,4294967296]\nsink %0",
       "1:42: the shape has more than 2^63 - 1 elements"},
      {"%0 = param 0 : f32[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]\nsink %0", "1:53: more than 16 axes"},
      {"%0 = param 0 : f32[9223372036854775807]\n%1 = concat %0, %0, axis=0 : f32[1]\nsink %1",
       "2:6: extent arithmetic overflows 64 bits"},
      {"%0 = var \"B\", min=0, max=8 : index\n%1 = const 9223372036854775807 : index\n%2 = mul %0, %1 : "
       "index\n"
       "%3 = param 0 : f32[%2]\n%4 = concat %3, %3, axis=0 : f32[%2]\nsink",
       "5:6: extent arithmetic overflows 64 bits"},
      // arguments
      {"%0 = param : f32\nsink %0", "1:6: needs its number (param)"},
      {"%0 = param -1 : f32\nsink %0", "1:6: param: has a negative number"},
      {"%0 = param 0, 1 : f32\nsink %0", "1:6: param has an argument it does not take"},
      {"%0 = iota : i32[2]\nsink %0", "1:6: needs axis= (iota)"},
      {"%0 = iota axis=2 : i32[2]\nsink %0", "1:6: iota: axis 2 is out of range for rank 1"},
      {"%0 = iota axis=16 : i32[2]\nsink %0", "1:6: axis 16 is out of range (iota)"},
      {"%0 = iota axis=x : i32[2]\nsink %0", "1:6: axis= must be an integer (iota)"},
      {"%0 = iota axis= : i32[2]\nsink %0", "1:17: expected a value after 'axis='"},
      {"%0 = iota axis=0, axis=0 : i32[2]\nsink %0", "1:6: iota has an argument it does not take"},
      {"%0 = param 0 : f32[2]\n%1 = reduce %0, op=mean, axes=[0] : f32[1]\nsink %1",
       "2:6: op= is one of add, mul, max, min (reduce)"},
      {"%0 = param 0 : f32[2]\n%1 = reduce %0, op=add, axes=[0,0] : f32[1]\nsink %1",
       "2:6: axis 0 is named twice (reduce)"},
      {"%0 = param 0 : f32[2]\n%1 = reduce %0, op=add, axes=0 : f32[1]\nsink %1",
       "2:6: axes= must be a list (reduce)"},
      {"%0 = param 0 : f32[2]\n%1 = reduce %0, op=add, axes=[40] : f32[1]\nsink %1",
       "2:6: axis 40 is out of range (reduce)"},
      {"%0 = param 0 : f32[2]\n%1 = scan %0, op=add, axis=0, reverse=maybe : f32[2]\nsink %1",
       "2:6: reverse= must be true or false (scan)"},
      {"%0 = param 0 : f32[2]\n%1 = permute %0, perm=[300] : f32[2]\nsink %1",
       "2:6: axis 300 is out of range (permute)"},
      {"%0 = var \"B\", min=1 : index\nsink %0", "1:6: needs max= (var)"},
      {"%0 = var B, min=1, max=2 : index\nsink %0", "1:6: needs a name in quotes (var)"},
      {"%0 = var \"B\", min=3, max=2 : index\nsink %0", "1:6: var: has min 3 above max 2"},
      {"%0 = var \"\", min=1, max=2 : index\nsink %0", "1:6: var: needs a name"},
      {"%0 = var \"B\", min=1, max=2 : i64\nsink %0", "1:6: var: has type i64, it must be index"},
      {"%0 = param 0 : u32\n%1 = threefry %0, %0, %0, %0, lane=2 : u32\nsink %1",
       "2:6: threefry: has lane -1: 0 or 1"},
      // strings
      {"%0 = param 0, \"a\\q\" : f32\nsink %0", "1:19: unknown escape"},
      {"%0 = param 0, \"a\\x0\" : f32\nsink %0", "1:19: expected two hexadecimal digits"},
      {"%0 = param 0, \"a\\x", "1:19: expected two hexadecimal digits"},
      {"%0 = param 0, \"a\\", "1:18: a string without its closing quote"},
      {"%0 = param 0, \"a\n\" : f32\nsink %0", "1:17: a string without its closing quote"},
      // constants
      {"%0 = const : f32\nsink %0", "1:6: needs a value (const)"},
      {"%0 = const abc : f32\nsink %0", "1:6: 'abc' is not a number (const)"},
      {"%0 = const 1.5.2 : f32\nsink %0", "1:6: '1.5.2' is not a number (const)"},
      {"%0 = const 1.5 : i32\nsink %0", "1:6: '1.5' is not an integer of 64 bits (const)"},
      {"%0 = const 300 : u8\nsink %0", "1:6: 300 does not fit u8 (const)"},
      {"%0 = const -1 : u64\nsink %0", "1:6: -1 does not fit u64 (const)"},
      {"%0 = const 18446744073709551616 : u64\nsink %0",
       "1:6: '18446744073709551616' is not an integer of 64 bits"},
      {"%0 = const 18446744073709551615 : i64\nsink %0",
       "1:6: '18446744073709551615' is not an integer of 64 bits"},
      {"%0 = const 1 : bool\nsink %0", "1:6: a bool is true or false (const)"},
      {"%0 = const 1e999 : f64\nsink %0", "1:6: 1e999 is beyond the range of f64 (const)"},
      {"%0 = const 1e39 : f32\nsink %0", "1:6: 1e39 is beyond the range of f32 (const)"},
      {"%0 = const 500 : f8e4m3\nsink %0", "1:6: 500 is beyond the range of f8e4m3 (const)"},
  };
  for (const Malformed& c : cases) {
    const Parsed parsed = parse(g, c.source);
    EXPECT_THAT(parsed.error, testing::StartsWith(c.error)) << c.source;
    EXPECT_TRUE(parsed.roots.empty()) << c.source;
  }
}

TEST_F(Text, NodesAreLimited) {
  std::string source;
  for (int i = 0; i < 20; ++i)
    source += "%" + std::to_string(i) + " = param " + std::to_string(i) + " : f32\n";
  source += "sink %0\n";
  EXPECT_EQ(parse(g, source, {.max_nodes = 21}).error, "");
  EXPECT_EQ(parse(g, source, {.max_nodes = 20}).error, "21:1: more than 20 nodes");
}

// Whatever is cut off or changed: either it still parses and verifies, or it says where it went wrong.
TEST_F(Text, DamagedProgramsAreRefusedOrWellFormed) {
  std::string source(kCommon);
  int number = kFirstFree;
  for (const Sample& s : kSamples)
    if (s.op != Op::Range) source += "%" + std::to_string(number++) + " = " + s.line + "\n";
  source += "sink %30, %40, %50, %60";
  const auto check = [&](const std::string& damaged) {
    Graph other;
    const Graph::Scope in_other(other);
    const Parsed parsed = parse(other, damaged);
    if (parsed.error.empty()) {
      ASSERT_EQ(verify(other, parsed.roots, Stage::kTensor), "") << damaged;
    } else {
      ASSERT_THAT(parsed.error, testing::ContainsRegex("^[0-9]+:[0-9]+: [^ ]")) << damaged;
    }
  };
  check(source);
  for (size_t length = 0; length < source.size(); length += 7) check(source.substr(0, length));
  const char changes[] = {'%', '0', '9', ',', '[', ']', ':', '-', '"', '\n', '=', 'x', '\\', ' '};
  for (size_t at = 0; at < source.size(); at += 5) {
    std::string damaged = source;
    damaged[at] = changes[(at / 5) % sizeof changes];
    check(damaged);
  }
}

}  // namespace
}  // namespace anneal::ir
