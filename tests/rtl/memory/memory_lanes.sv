// accelerator_pkg::memory_lanes as a module.

`default_nettype none

module memory_lanes (
  input  wire logic [31:0] rows_i,
  input  wire logic [31:0] columns_i,
  input  wire logic [31:0] vector_lanes_i,
  input  wire logic [31:0] axi_data_bits_i,
  output logic      [31:0] lanes_o
);
  assign lanes_o =
      accelerator_pkg::memory_lanes(rows_i, columns_i, vector_lanes_i, axi_data_bits_i);
endmodule

`default_nettype wire
