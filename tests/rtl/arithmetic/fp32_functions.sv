// Test wrapper: every function of fp32_pkg without registers.
//
// Latency: none. Flow control: none.

`default_nettype none

module fp32_functions (
  input  logic [31:0] a_i,
  input  logic [31:0] b_i,
  output logic [31:0] sum_o,
  output logic [31:0] product_o,
  output logic [15:0] bf16_o,    // a_i rounded
  output logic [31:0] widened_o  // the upper half of a_i
);

  import fp32_pkg::*;

  assign sum_o     = fp32_normalise(fp32_add(a_i, b_i));
  assign product_o = fp32_round_product(fp32_multiply(a_i, b_i));
  assign bf16_o    = fp32_to_bf16(a_i);
  assign widened_o = fp32_from_bf16(a_i[31:16]);

endmodule

`default_nettype wire
