#include "models/base/tensor.h"

#include <catch2/catch.hpp>

#include "models/base/error.h"

using namespace corank;

TEST_CASE("a tensor owns as many bytes as its shape and dtype say, all zero") {
  CHECK(Tensor(DType::BF16, {3, 5}).bytes == std::vector<std::byte>(30));
  CHECK(Tensor(DType::F32, {3, 5}).bytes.size() == 60);
  CHECK(Tensor(DType::I64, {}).bytes.size() == 8);
  CHECK(Tensor(DType::U8, {7}).bytes.size() == 7);
  CHECK(Tensor(DType::F32, {4, 0}).bytes.empty());
}

TEST_CASE("a vector counts as one row, a scalar as one element") {
  const Tensor matrix(DType::F32, {3, 5});
  CHECK(matrix.rows() == 3);
  CHECK(matrix.columns() == 5);
  const Tensor vector(DType::F32, {7});
  CHECK(vector.rows() == 1);
  CHECK(vector.columns() == 7);
  const Tensor scalar(DType::F32, {});
  CHECK(scalar.rows() == 1);
  CHECK(scalar.columns() == 1);
}

TEST_CASE("shapes and dtypes are written as safetensors writes them") {
  CHECK(to_string(Shape{64, 384}) == "[64, 384]");
  CHECK(to_string(Shape{}) == "[]");
  CHECK(element_count({}) == 1);
  CHECK(name_of(DType::BF16) == std::string("BF16"));
  CHECK(name_of(DType::I32) == std::string("I32"));
}

TEST_CASE("a place in a file leaves out what is unknown") {
  CHECK(to_string(SourceLocation{"a.yaml", 3, 7}) == "a.yaml:3:7");
  CHECK(to_string(SourceLocation{"a.yaml", 3, 0}) == "a.yaml:3");
  CHECK(to_string(SourceLocation{"a.yaml", 0, 0}) == "a.yaml");
  CHECK(InputError({"a.yaml", 3, 7}, "expected x, found y").what() ==
        std::string("a.yaml:3:7: expected x, found y"));
}
