// Test wrapper: the three stages of the MAC without registers, Lanes of them side by side.
//
// Function: sum_o[n] = addend_i[n] + a[n] * b[n]; operands_i[n] is {a, b}.
// Latency: none. Flow control: none.

`default_nettype none

module mac_lanes #(
  parameter int unsigned Lanes = 16
) (
  input  logic [Lanes*32-1:0] operands_i,
  input  logic [Lanes*32-1:0] addend_i,
  output logic [Lanes*32-1:0] sum_o
);

  import mac_pkg::*;

  always_comb begin : p_mac
    for (int unsigned n = 0; n < Lanes; n++) begin
      sum_o[n*32+:32] = mac_normalise(
          mac_add(addend_i[n*32+:32],
                  mac_multiply(operands_i[n*32+16+:16], operands_i[n*32+:16])));
    end
  end

endmodule

`default_nettype wire
