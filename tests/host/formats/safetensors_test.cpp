#include "host/formats/safetensors.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdint>
#include <filesystem>
#include <random>
#include <string>
#include <vector>

#include "host/formats/mapped_safetensors.h"
#include "models/base/error.h"
#include "tests/host/temporary_folder.h"

using namespace corank;
using Catch::Contains;

namespace {

/// A file with this header, whose length is right, and these bytes of data.
std::string file_with(const std::string& header, const std::string& data) {
  std::string bytes;
  for (int i = 0; i < 8; ++i)
    bytes += static_cast<char>(static_cast<std::uint64_t>(header.size()) >> (8 * i));
  return bytes + header + data;
}

/// Why such a file is refused; "" if it is read.
std::string refusal(const std::string& content) {
  const TemporaryFolder folder;
  const std::string path = folder.write("a.safetensors", content);
  const std::string message = message_of<InputError>([&] { read_safetensors(path); });
  if (!message.empty()) CHECK_THAT(message, Catch::StartsWith(path + ": "));
  return message;
}

std::string refusal(const std::string& header, const std::string& data) {
  return refusal(file_with(header, data));
}

Tensor tensor_of(DType dtype, Shape shape, unsigned first) {
  Tensor tensor(dtype, std::move(shape));
  for (std::size_t i = 0; i < tensor.bytes.size(); ++i)
    tensor.bytes[i] = static_cast<std::byte>(first + i);
  return tensor;
}

/// Two tensors, by hand after the format's description: u64 length (144: 141 characters of JSON and
/// 3 of padding), header, data.
const std::string kTwoTensors = std::string("\x90\0\0\0\0\0\0\0", 8) +
                                R"({"__metadata__":{"format":"pt"},)"
                                R"("b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},)"
                                R"("a":{"dtype":"BF16","shape":[1,2],"data_offsets":[4,8]}})" +
                                std::string(3, ' ') + std::string("\0\0\x80\x3F\x80\x3F\0\x40", 8);

SafetensorsFile two_tensors() {
  SafetensorsFile file;
  Tensor a(DType::BF16, {1, 2});
  a.data<std::uint16_t>()[0] = 0x3F80;  // 1
  a.data<std::uint16_t>()[1] = 0x4000;  // 2
  Tensor b(DType::F32, {1});
  b.data<float>()[0] = 1;
  file.tensors = {{"a", a}, {"b", b}};
  return file;
}

}  // namespace

TEST_CASE("A written safetensors file has exactly the bytes that the format asks for") {
  const TemporaryFolder folder;
  const std::string path = folder.file("a.safetensors");
  write_safetensors(path, two_tensors());
  const std::string written = content_of(path);
  CHECK(written.size() == kTwoTensors.size());
  CHECK(written == kTwoTensors);
  CHECK(folder.entries() == 1);
}

TEST_CASE("A hand-written safetensors file is read") {
  const TemporaryFolder folder;
  const SafetensorsFile file = read_safetensors(folder.write("a.safetensors", kTwoTensors));
  CHECK(file.metadata == std::map<std::string, std::string>{{"format", "pt"}});
  REQUIRE(file.tensors.size() == 2);
  CHECK(file.tensors.at("a").dtype == DType::BF16);
  CHECK(file.tensors.at("a").shape == Shape{1, 2});
  CHECK(file.tensors.at("a").data<std::uint16_t>()[1] == 0x4000);
  CHECK(file.tensors.at("b").dtype == DType::F32);
  CHECK(file.tensors.at("b").shape == Shape{1});
  CHECK(file.tensors.at("b").data<float>()[0] == 1.0f);
}

TEST_CASE("Every dtype and odd shapes survive a round trip through a safetensors file") {
  SafetensorsFile file;
  file.metadata = {{"format", "np"}, {"text", "quotes \" and \xC3\xBC"}};
  unsigned first = 1;
  for (const DType dtype :
       {DType::BF16, DType::F16, DType::F32, DType::I32, DType::I64, DType::U8}) {
    const std::string name = name_of(dtype);
    file.tensors[name] = tensor_of(dtype, {3, 5}, first++);
    file.tensors[name + ".scalar"] = tensor_of(dtype, {}, first++);
    file.tensors[name + ".empty"] = Tensor(dtype, {4, 0, 2});
    file.tensors[name + ".cube"] = tensor_of(dtype, {2, 1, 3}, first++);
  }
  const TemporaryFolder folder;
  const std::string path = folder.file("a.safetensors");
  write_safetensors(path, file);
  const SafetensorsFile read = read_safetensors(path);
  CHECK(read.metadata == file.metadata);
  REQUIRE(read.tensors.size() == file.tensors.size());
  for (const auto& [name, tensor] : file.tensors) {
    INFO(name);
    CHECK(read.tensors.at(name).dtype == tensor.dtype);
    CHECK(read.tensors.at(name).shape == tensor.shape);
    CHECK(read.tensors.at(name).bytes == tensor.bytes);
  }
}

TEST_CASE("A safetensors file without tensors is read and written") {
  const TemporaryFolder folder;
  CHECK(read_safetensors(folder.write("a.safetensors", file_with("{}", ""))).tensors.empty());
  write_safetensors(folder.file("b.safetensors"), {});
  const SafetensorsFile file = read_safetensors(folder.file("b.safetensors"));
  CHECK(file.tensors.empty());
  CHECK(file.metadata.at("format") == "pt");
}

TEST_CASE("A safetensors file truncated at any byte is refused") {
  for (std::size_t length = 0; length < kTwoTensors.size(); ++length) {
    INFO(length);
    CHECK_FALSE(refusal(kTwoTensors.substr(0, length)).empty());
  }
  CHECK(refusal(kTwoTensors).empty());
  CHECK_THAT(refusal(kTwoTensors + "x"), Contains("expected 8 bytes after the header, found 9"));
}

TEST_CASE("A wrong header length is refused before anything is allocated") {
  CHECK_THAT(refusal(""), Contains("expected at least 8 bytes, found 0"));
  CHECK_THAT(refusal(std::string("\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF{}", 10)),
             Contains("header of at most 2 bytes, found a length of 18446744073709551615"));
  CHECK_THAT(refusal(std::string("\x03\0\0\0\0\0\0\0{}", 10)), Contains("found a length of 3"));
  CHECK_THAT(refusal(std::string(8, '\0')), Contains("does not begin with '{'"));

  // A header beyond 100 MB, in a sparse file that is long enough for it.
  const TemporaryFolder folder;
  const std::string path =
      folder.write("a.safetensors", std::string("\x01\xE1\xF5\x05\0\0\0\0{", 9));
  std::filesystem::resize_file(path, 200'000'000);
  CHECK_THAT(message_of<InputError>([&] { read_safetensors(path); }),
             Contains("at most 100000000 bytes, found a length of 100000001"));
}

TEST_CASE("A header that is no safetensors header is refused") {
  CHECK_THAT(refusal("{\"a\":", ""), Contains("not valid JSON at its byte"));
  CHECK_THAT(refusal("[1]", ""), Contains("does not begin with '{'"));
  CHECK_THAT(refusal(" {}", ""), Contains("does not begin with '{'"));
  CHECK_THAT(refusal("{}{}", ""), Contains("not valid JSON"));
  CHECK_THAT(refusal("{\"\xFF\":1}", ""), Contains("not valid JSON"));
  CHECK_THAT(refusal(R"({"a":{"dtype":{"b":{"c":1}}}})", ""), Contains("nested deeper"));
  CHECK_THAT(refusal("{\"a\":" + std::string(1'000'000, '['), ""), Contains("nested deeper"));
  CHECK_THAT(refusal(R"({"a":1})", ""), Contains("tensor 'a': expected an object"));
  CHECK_THAT(refusal(R"({"__metadata__":1})", ""),
             Contains("__metadata__: expected an object, found 1"));
  CHECK_THAT(refusal(R"({"__metadata__":{"x":1}})", ""),
             Contains("expected a string for 'x', found 1"));
}

TEST_CASE("A name that a header has twice is refused") {
  const std::string a = R"("a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]})";
  CHECK_THAT(refusal("{" + a + "," + a + "}", "x"), Contains("the name 'a' twice"));
  CHECK_THAT(refusal(R"({"a":{"dtype":"U8","dtype":"U8","shape":[1],"data_offsets":[0,1]}})", "x"),
             Contains("the name 'dtype' twice"));
  CHECK_THAT(refusal(R"({"__metadata__":{"x":"1","x":"1"}})", ""), Contains("the name 'x' twice"));
  // The same name in two objects is nothing wrong.
  CHECK(refusal(R"({"__metadata__":{"dtype":"1"},)" + a + "}", "x").empty());
}

TEST_CASE("A tensor that is described wrongly is refused by name") {
  const auto refused = [](const std::string& description) {
    return refusal("{\"a\":" + description + "}", "xxxx");
  };
  CHECK_THAT(refused(R"({"shape":[4],"data_offsets":[0,4]})"), Contains("'a': has no 'dtype'"));
  CHECK_THAT(refused(R"({"dtype":"U8","data_offsets":[0,4]})"), Contains("has no 'shape'"));
  CHECK_THAT(refused(R"({"dtype":"U8","shape":[4]})"), Contains("has no 'data_offsets'"));
  CHECK_THAT(refused(R"({"dtype":"U8","shape":[4],"data_offsets":[0,4],"x":1})"),
             Contains("found \"x\""));
  CHECK_THAT(refused(R"({"dtype":"F65","shape":[4],"data_offsets":[0,4]})"),
             Contains("expected a dtype out of C64, F64, I64, ") && Contains("F4, found \"F65\""));
  CHECK_THAT(refused(R"({"dtype":3,"shape":[4],"data_offsets":[0,4]})"), Contains("found 3"));
  CHECK_THAT(refused(R"({"dtype":"U8","shape":4,"data_offsets":[0,4]})"),
             Contains("expected a shape like [2, 3], found 4"));
  for (const std::string wrong : {"-4", "4.0", "\"4\"", "null", "1e30", "18446744073709551616",
                                  "9223372036854775808", "true"}) {
    INFO(wrong);
    CHECK_THAT(refused(R"({"dtype":"U8","shape":[)" + wrong + R"(],"data_offsets":[0,4]})"),
               Contains("tensor 'a': expected a shape of whole numbers"));
    CHECK_THAT(refused(R"({"dtype":"U8","shape":[4],"data_offsets":[0,)" + wrong + "]}"),
               Contains("expected data_offsets of whole numbers"));
  }
  CHECK_THAT(refused(R"({"dtype":"U8","shape":[4],"data_offsets":[0]})"),
             Contains("expected data_offsets [begin, end], found [0]"));
  CHECK_THAT(refused(R"({"dtype":"U8","shape":[4],"data_offsets":[4,0]})"),
             Contains("run backwards: [4,0]"));
  CHECK_THAT(
      refused(R"({"dtype":"BF16","shape":[4],"data_offsets":[0,4]})"),
      Contains("BF16 of shape [4]: expected 8 bytes, found data_offsets [0,4], which are 4"));
  CHECK_THAT(refused(R"({"dtype":"U8","shape":[5],"data_offsets":[0,5]})"),
             Contains("ends at byte 5 of the data, but the file holds 4"));
}

TEST_CASE("A shape whose size overflows is refused") {
  // 2^33 * 2^33 = 2^66, which is 0 in 64 bits (and so are the bytes that the offsets promise).
  CHECK_THAT(refusal(R"({"a":{"dtype":"U8","shape":[8589934592,8589934592],)"
                     R"("data_offsets":[0,0]}})",
                     ""),
             Contains("[8589934592, 8589934592] has more than 2^63 - 1 bits"));
  // The elements still fit, their bytes do not: 2^62 * 4.
  CHECK_THAT(refusal(R"({"a":{"dtype":"F32","shape":[4611686018427387904],)"
                     R"("data_offsets":[0,0]}})",
                     ""),
             Contains("more than 2^63 - 1 bits"));
}

TEST_CASE("Tensors must cover the data without overlap and without gap") {
  const auto u8 = [](const char* name, int begin, int end) {
    return "\"" + std::string(name) + R"(":{"dtype":"U8","shape":[)" + std::to_string(end - begin) +
           R"(],"data_offsets":[)" + std::to_string(begin) + "," + std::to_string(end) + "]}";
  };
  CHECK(refusal("{" + u8("b", 2, 4) + "," + u8("a", 0, 2) + "}", "xxxx").empty());
  CHECK_THAT(refusal("{" + u8("a", 0, 3) + "," + u8("b", 2, 4) + "}", "xxxx"),
             Contains("'b': overlaps the tensor before it: expected to begin at byte 3"));
  CHECK_THAT(refusal("{" + u8("a", 0, 4) + "," + u8("b", 0, 4) + "}", "xxxx"),
             Contains("overlaps"));
  CHECK_THAT(refusal("{" + u8("a", 0, 1) + "," + u8("b", 2, 4) + "}", "xxxx"),
             Contains("'b': leaves a gap"));
  CHECK_THAT(refusal("{" + u8("a", 1, 4) + "}", "xxxx"), Contains("'a': leaves a gap"));
  CHECK_THAT(refusal("{" + u8("a", 0, 3) + "}", "xxxx"),
             Contains("expected 3 bytes after the header, found 4"));
  CHECK(refusal("{" + u8("a", 0, 2) + "," + u8("z", 2, 2) + "," + u8("b", 2, 4) + "}", "xxxx")
            .empty());
}

TEST_CASE("What is not a readable file is refused") {
  const TemporaryFolder folder;
  const std::string missing = folder.file("missing.safetensors");
  CHECK_THAT(message_of<InputError>([&] { read_safetensors(missing); }),
             Contains(missing + ": cannot be read: No such file or directory"));
  CHECK_THAT(message_of<InputError>([&] { read_safetensors(folder.file("")); }),
             Contains("expected a file, found a directory"));
  CHECK_THAT(message_of<InputError>([&] { read_safetensors("/dev/zero"); }),
             Contains("expected a file, found a device"));
  const std::string fifo = folder.file("fifo.safetensors");
  REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
  CHECK_THAT(message_of<InputError>([&] { read_safetensors(fifo); }),
             Contains("expected a file, found a FIFO"));
  CHECK_THAT(message_of<InputError>([&] { MappedSafetensors{fifo}; }),
             Contains("expected a file, found a FIFO"));
  CHECK_THAT(message_of<InputError>([&] { read_safetensors(std::string("a\0b", 3)); }),
             Contains("a\\x00b: expected the name of a file, found the byte 0x00"));
  const std::string locked = folder.write("locked.safetensors", kTwoTensors);
  std::filesystem::permissions(locked, std::filesystem::perms::none);
  if (::geteuid() != 0)  // root reads everything
    CHECK_THAT(message_of<InputError>([&] { read_safetensors(locked); }),
               Contains("Permission denied"));
}

TEST_CASE("Random damage to a safetensors file is refused or read, never a crash") {
  const std::uint32_t seed = GENERATE(range(1u, 21u));
  INFO("seed " << seed);
  std::mt19937 random(seed);
  for (int round = 0; round < 50; ++round) {
    std::string damaged = kTwoTensors;
    for (int n = 0; n < 1 + round % 4; ++n)
      damaged[random() % damaged.size()] = static_cast<char>(random());
    REQUIRE_NOTHROW(refusal(damaged));
  }
}

TEST_CASE("A write that fails leaves nothing behind") {
  const TemporaryFolder folder;
  const auto refusal_of = [&](const std::string& path) {
    return message_of<InputError>([&] { write_safetensors(path, two_tensors()); });
  };
  SECTION("in a folder that is not there") {
    CHECK_THAT(refusal_of(folder.file("missing/a.safetensors")),
               Contains("cannot be written: No such file or directory"));
    CHECK(folder.entries() == 0);
  }
  SECTION("over a folder") {
    std::filesystem::create_directories(folder.file("a.safetensors/b"));
    CHECK_THAT(refusal_of(folder.file("a.safetensors")), Contains("cannot be written"));
    CHECK(folder.entries() == 1);
    CHECK(std::filesystem::is_directory(folder.file("a.safetensors")));
  }
  SECTION("on a disk that is full; what was there stays") {
    // A limit to the size of a file stands for the full disk.
    const std::string path = folder.write("a.safetensors", "before");
    rlimit before{};
    REQUIRE(::getrlimit(RLIMIT_FSIZE, &before) == 0);
    const rlimit small{16, before.rlim_max};
    const auto handler = ::signal(SIGXFSZ, SIG_IGN);
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &small) == 0);
    const std::string message =
        message_of<MachineError>([&] { write_safetensors(path, two_tensors()); });
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &before) == 0);
    ::signal(SIGXFSZ, handler);
    CHECK_THAT(message, Contains("cannot be written: File too large"));
    CHECK(folder.entries() == 1);
    CHECK(content_of(path) == "before");
  }
}

TEST_CASE("A tensor that a safetensors file cannot hold is refused") {
  const TemporaryFolder folder;
  const auto refused = [&](const SafetensorsFile& file) {
    return message_of<InputError>([&] { write_safetensors(folder.file("a"), file); });
  };
  SafetensorsFile file = two_tensors();
  file.tensors.at("a").bytes.pop_back();
  CHECK_THAT(refused(file), Contains("tensor 'a': shape [1, 2] does not fit 3 bytes of data"));
  file = two_tensors();
  file.tensors["__metadata__"] = Tensor(DType::U8, {1});
  CHECK_THAT(refused(file), Contains("reserved"));
  file = two_tensors();
  file.tensors["\xFF"] = Tensor(DType::U8, {1});
  CHECK_THAT(refused(file), Contains("not UTF-8"));
  CHECK(folder.entries() == 0);
}

TEST_CASE("A tensor of a dtype that corank does not compute with is there, but not read") {
  // Of each dtype 8 elements, as safetensors 0.8 lays them out.
  const std::pair<const char*, int> dtypes[] = {
      {"C64", 64},    {"F64", 64},    {"U64", 64},    {"U32", 32},
      {"I16", 16},    {"U16", 16},    {"I8", 8},      {"BOOL", 8},
      {"F8_E5M2", 8}, {"F8_E4M3", 8}, {"F8_E8M0", 8}, {"F8_E4M3FNUZ", 8},
      {"F6_E2M3", 6}, {"F6_E3M2", 6}, {"F4", 4},      {"F8_E5M2FNUZ", 8},
  };
  for (const auto& [dtype, bits] : dtypes) {
    INFO(dtype);
    const std::string header = std::string(R"({"mask":{"dtype":")") + dtype +
                               R"(","shape":[2,4],"data_offsets":[0,)" + std::to_string(bits) +
                               R"(]},"b":{"dtype":"U8","shape":[1],"data_offsets":[)" +
                               std::to_string(bits) + "," + std::to_string(bits + 1) + "]}}";
    const TemporaryFolder folder;
    const std::string path = folder.write(
        "a.safetensors", file_with(header, std::string(static_cast<std::size_t>(bits), 'x') + "b"));
    const SafetensorsFile file = read_safetensors(path);
    CHECK(file.tensors.size() == 1);
    CHECK(file.tensors.at("b").data<std::uint8_t>()[0] == 'b');
    CHECK(file.others == std::map<std::string, std::string>{{"mask", dtype}});
    const MappedSafetensors mapped(path);
    CHECK(message_of<InputError>([&] { to_f32(mapped.tensors().at("mask"), "mask"); }) ==
          std::string("mask: expected F32, F16 or BF16, found ") + dtype);
    CHECK(message_of<InputError>([&] { to_bf16(mapped.tensors().at("mask"), "mask"); }) ==
          std::string("mask: expected F32, F16 or BF16, found ") + dtype);
  }
  // An empty one is a marker in published files; three elements of 4 bits are no bytes.
  CHECK(refusal(R"({"m":{"dtype":"F8_E4M3","shape":[0],"data_offsets":[0,0]}})", "").empty());
  CHECK_THAT(refusal(R"({"m":{"dtype":"F4","shape":[3],"data_offsets":[0,1]}})", "x"),
             Contains("F4 of shape [3]") && Contains("no whole number of bytes"));
}

TEST_CASE("A git-lfs pointer in place of the file is called so") {
  const std::string pointer =
      "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a2146\nsize 12345\n";
  CHECK_THAT(refusal(pointer), Contains("is a git-lfs pointer") && Contains("not fetched"));
  const TemporaryFolder folder;
  const std::string path = folder.write("a.safetensors", pointer);
  CHECK_THAT(message_of<InputError>([&] { MappedSafetensors{path}; }),
             Contains("is a git-lfs pointer"));
}

TEST_CASE("What a file says is quoted in a bounded message without control characters") {
  std::string dimensions = "1";
  for (int i = 1; i < 3000; ++i) dimensions += ",1";
  const std::string shape = refusal(
      R"({"a":{"dtype":"F32","shape":[)" + dimensions + R"(],"data_offsets":[0,3]}})", "xxx");
  CHECK_THAT(shape, Contains("[1, 1, 1, 1, 1, 1, 1, 1, ... 3000 dimensions]"));
  CHECK(shape.size() < 400);
  const std::string name =
      refusal(R"({")" + std::string(5000, 'n') + R"(\n\u0000":{"dtype":1}})", "");
  CHECK_THAT(name, Contains("nnn ... nnn") && Contains("nn\\n\\x00': has no 'shape'"));
  CHECK(name.size() < 400);
  CHECK(message_of<InputError>([&] { read_safetensors("/" + std::string(5000, 'p')); }).size() <
        1600);
}
