// The program on real training steps, against the bit-exact reference and against torch.
#include <catch2/catch.hpp>
#include <cmath>
#include <set>

#include "host/capture/capture.h"
#include "host/config/config.h"
#include "host/formats/safetensors.h"
#include "models/base/numerics.h"
#include "models/reference/bit_exact.h"
#include "tests/end_to_end/corank_program.h"

using namespace corank;
using namespace corank::test;

namespace {

double element(const Tensor& tensor, std::int64_t index) {
  return tensor.dtype == DType::BF16
             ? static_cast<double>(widen(tensor.data<std::uint16_t>()[index]))
             : static_cast<double>(tensor.data<float>()[index]);
}

double relative_frobenius(const Tensor& found, const Tensor& expected) {
  REQUIRE(found.shape == expected.shape);
  double error = 0, norm = 0;
  for (std::int64_t i = 0; i < element_count(expected.shape); ++i) {
    error += std::pow(element(found, i) - element(expected, i), 2);
    norm += std::pow(element(expected, i), 2);
  }
  REQUIRE(norm > 0);
  return std::sqrt(error / norm);
}

/// A run of a fixture with --out; the folder is the result.
std::string run_fixture(const TemporaryFolder& folder, const std::string& name,
                        const std::vector<std::string>& more) {
  const std::string out = folder.file("out/of/" + name);  // made, parents too
  std::vector<std::string> arguments = {
      "run", kQuickstart, "--set", "workload.capture=" + fixture(name), "--out", out};
  arguments.insert(arguments.end(), more.begin(), more.end());
  const ProgramResult result = run_corank(arguments);
  INFO(result.out << result.err);
  REQUIRE(result.exit_code == 0);
  CHECK(result.err.empty());
  CHECK(result.out.find("MISMATCH") == std::string::npos);
  std::set<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(out))
    files.insert(entry.path().filename().string());
  CHECK(files == std::set<std::string>{"report.html", "report.json", "tensors.safetensors"});
  CHECK(report_in(out)["right"] == true);
  return out;
}

/// The file's names are the capture's: the updated lora_A is lora_A.
std::string file_name(const std::string& value) {
  return value.size() > 4 && value.substr(value.size() - 4) == ".new"
             ? value.substr(0, value.size() - 4)
             : value;
}

void check_bits(const TensorMap& written, const std::string& name) {
  const Capture capture = read_capture(fixture(name));
  const TrainingProgram program =
      linear_layers({capture.layer}, load_config(kQuickstart, {}).optimizer);
  TensorMap values = inputs_of(program, capture.inputs);
  run_bit_exact(program.graph, values);
  const std::map<std::string, DType> expected = {{"y", DType::BF16},
                                                 {"dx", DType::BF16},
                                                 {"lora_A_grad", DType::F32},
                                                 {"lora_B_grad", DType::F32},
                                                 {"lora_A.new", DType::F32},
                                                 {"lora_A.exp_avg.new", DType::F32},
                                                 {"lora_A.exp_avg_sq.new", DType::F32},
                                                 {"lora_B.new", DType::F32},
                                                 {"lora_B.exp_avg.new", DType::F32},
                                                 {"lora_B.exp_avg_sq.new", DType::F32}};
  CHECK(written.size() == expected.size());
  for (const auto& [value, dtype] : expected) {
    INFO(value);
    REQUIRE(written.count(file_name(value)) == 1);
    const Tensor& tensor = written.at(file_name(value));
    CHECK(tensor.dtype == dtype);
    CHECK(tensor.shape == values.at(value).shape);
    CHECK(tensor.bytes == values.at(value).bytes);
  }
}

struct AdamWStep {
  double lr, beta1, beta2, eps, step;

  /// How far the update moves a master (torch.optim.AdamW): grows with m, falls with v.
  double update(double m, double v) const {
    const double root = std::sqrt(std::max(v, 0.0)) / std::sqrt(1 - std::pow(beta2, step));
    return lr / (1 - std::pow(beta1, step)) * m / (root + eps);
  }
};

// What a difference dg of the gradients does to moments and masters, from AdamW's formulas
//   m' = beta1 m + (1 - beta1) g         so |dm| <= (1 - beta1) |dg|
//   v' = beta2 v + (1 - beta2) g^2       so |dv| <= (1 - beta2) |g1^2 - g2^2|
//   p' = (1 - lr wd) p - update(m', v')  so |dp| <= the most that update changes over that box; it
//   is
//                                        monotone in m and in v, so at one of the box's corners
// plus the roundings of both sides: at most 8 FP32 operations each on the way to an update and 3 to
// a moment, of 2^-24 of what they give, so 2^-20 covers both sides; 2 on a master of size p.
void check_update(const TensorMap& written, const TensorMap& before, const TensorMap& golden,
                  const std::string& master, const AdamWStep& adamw) {
  constexpr double kRounding = 1.0 / (1 << 20), kUlp = 1.0 / (1 << 23);
  const Tensor& g_device = written.at(master + "_grad");
  const Tensor& g_golden = golden.at(master + "_grad");
  double bound_norm = 0, update_norm = 0;
  for (std::int64_t i = 0; i < element_count(g_golden.shape); ++i) {
    const double g1 = element(g_device, i), g2 = element(g_golden, i);
    const double m0 = element(before.at(master + ".exp_avg"), i);
    const double v0 = element(before.at(master + ".exp_avg_sq"), i);
    const double m = element(golden.at(master + ".exp_avg.new"), i);
    const double v = element(golden.at(master + ".exp_avg_sq.new"), i);
    const double p = element(golden.at(master + ".new"), i);
    const double dm = (1 - adamw.beta1) * std::fabs(g1 - g2) +
                      kRounding * (std::fabs(m0) + std::fabs(g1) + std::fabs(g2));
    const double dv = (1 - adamw.beta2) * std::fabs(g1 * g1 - g2 * g2) +
                      kRounding * (v0 + (g1 * g1 + g2 * g2) * (1 - adamw.beta2));
    double dp = 0;
    for (const double m_corner : {m - dm, m + dm}) {
      for (const double v_corner : {v - dv, v + dv}) {
        dp = std::max(dp, std::fabs(adamw.update(m_corner, v_corner) - adamw.update(m, v)));
      }
    }
    dp += kRounding * std::fabs(adamw.update(m, v)) + 2 * kUlp * std::fabs(p);
    INFO(master << " " << i << ": gradient " << g1 << ", torch's " << g2);
    REQUIRE(std::fabs(element(written.at(master + ".exp_avg"), i) - m) <= dm);
    REQUIRE(std::fabs(element(written.at(master + ".exp_avg_sq"), i) - v) <= dv);
    REQUIRE(std::fabs(element(written.at(master), i) - p) <= dp);
    bound_norm += dp * dp;
    update_norm += std::pow(adamw.update(m, v), 2);
  }
  INFO(master);
  // The bounds would notice an update that is a few per cent off.
  CHECK(std::sqrt(bound_norm / update_norm) < 0.05);
}

void check_golden(const TensorMap& written, const std::string& name) {
  const SafetensorsFile capture = read_safetensors(fixture(name));
  const TensorMap golden = read_safetensors(fixture(name + ".expected")).tensors;
  // y and dx are rounded to BF16 (2^-9 of each element at most) and so are U, dU and the operands
  // A, B of the low-rank part, each 2^-9 on its own: four of them make 2^-7.
  for (const char* tensor : {"y", "dx", "lora_A_grad", "lora_B_grad"}) {
    INFO(tensor);
    CHECK(relative_frobenius(written.at(tensor), golden.at(tensor)) <= 1.0 / 128);
  }
  const auto number = [&](const char* key) { return std::stod(capture.metadata.at(key)); };
  const AdamWOptions used = load_config(kQuickstart, {}).optimizer.adamw;
  REQUIRE(used.lr == number("lr"));
  REQUIRE(used.beta1 == number("beta1"));
  REQUIRE(used.beta2 == number("beta2"));
  REQUIRE(used.eps == number("eps"));
  REQUIRE(used.weight_decay == number("weight_decay"));
  const AdamWStep adamw{used.lr, used.beta1, used.beta2, used.eps, number("step")};
  for (const char* master : {"lora_A", "lora_B"})
    check_update(written, capture.tensors, golden, master, adamw);
}

}  // namespace

TEST_CASE("a real step on 8 x 8 is bit-exact and close to torch", "[program]") {
  const TemporaryFolder folder;
  const std::string out = run_fixture(folder, "minilm_query", {});
  const TensorMap written = read_safetensors(out + "/tensors.safetensors").tensors;
  check_bits(written, "minilm_query");
  check_golden(written, "minilm_query");
  CHECK(report_in(out)["machine"]["array_rows"] == 8);
}

TEST_CASE("a real step with rsLoRA gives the same file on 4 x 4 as on 8 x 8", "[program]") {
  const TemporaryFolder small, large;
  const std::string out = run_fixture(small, "minilm_value_small", small_machine());
  const TensorMap written = read_safetensors(out + "/tensors.safetensors").tensors;
  check_bits(written, "minilm_value_small");
  check_golden(written, "minilm_value_small");

  const auto report = report_in(out);
  CHECK(report["machine"]["array_rows"] == 4);
  CHECK(report["machine"]["array_columns"] == 4);
  CHECK(report["workload"]["layers"][0]["tokens"] == 33);
  CHECK(report["workload"]["layers"][0]["rank"] == 4);
  CHECK(report["workload"]["layers"][0]["scale"] == 4.0);  // 8 / sqrt(4)
  // x . W^T and dy . W, whatever the machine
  CHECK(report["gemms"][0]["macs"] == 33 * 384 * 384);
  CHECK(report["gemms"][1]["macs"] == 33 * 384 * 384);

  const std::string other = run_fixture(large, "minilm_value_small", {});
  CHECK(content_of(out + "/tensors.safetensors") == content_of(other + "/tensors.safetensors"));
}
