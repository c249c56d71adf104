// A module of the RTL and its netlist of cells with the same inputs, and whether an output differs.
// The netlists are made by scripts/gate-check, which has the same sizes.

`default_nettype none

module array_beside_gates #(
  parameter int unsigned Rows    = 2,
  parameter int unsigned Columns = 2
) (
  input  wire logic                     clk_i,
  input  wire logic                     rst_ni,
  input  wire logic                     row_valid_i,
  input  wire logic                     row_first_i,
  input  wire logic [7:0]               row_depth_i,
  input  wire logic [Rows-1:0][15:0]    x_i,
  input  wire logic [Columns-1:0][31:0] psum_i,
  input  wire logic                     weight_valid_i,
  input  wire logic [0:0]               weight_row_i,
  input  wire logic [Columns-1:0][15:0] weight_i,
  output logic      [Columns-1:0][31:0] output_o,
  output logic                          different_o
);
  logic [Columns-1:0][31:0] psum_o, of_gates;
  systolic_array #(.Rows(Rows), .Columns(Columns)) u_rtl (.*);
  gates_of_array u_gates (.psum_o(of_gates), .*);
  assign output_o    = psum_o;
  assign different_o = psum_o != of_gates;
endmodule

module lanes_beside_gates #(
  parameter int unsigned VectorLanes = 1
) (
  input  wire logic                         clk_i,
  input  wire logic                         rst_ni,
  input  wire logic                         issue_valid_i,
  input  wire logic [7:0]                   opcode_i,
  input  wire logic [3:0]                   destination_i,
  input  wire logic [3:0]                   a_i,
  input  wire logic [3:0]                   b_i,
  input  wire logic [3:0]                   c_i,
  input  wire logic                         b_immediate_i,
  input  wire logic                         c_immediate_i,
  input  wire logic                         exchange_i,
  input  wire logic [31:0]                  immediate_i,
  input  wire logic                         accumulator_i,
  input  wire logic                         broadcast_i,
  input  wire logic [2:0]                   beat_i,
  input  wire logic [7:0]                   count_i,
  input  wire logic [VectorLanes-1:0][15:0] read_bf16_i,
  input  wire logic [VectorLanes-1:0][31:0] read_fp32_i,
  output logic      [VectorLanes-1:0][31:0] output_o,
  output logic                              different_o
);
  logic [VectorLanes-1:0][15:0]    write_bf16_o, bf16_of_gates;
  logic [VectorLanes-1:0][31:0]    write_fp32_o, fp32_of_gates;
  accelerator_pkg::counter_event_t event_o;
  logic [$bits(event_o)-1:0]       event_of_gates;
  vector_lanes #(.VectorLanes(VectorLanes)) u_rtl (
    .opcode_i(interface_pkg::vector_opcode_e'(opcode_i)),
    .*
  );
  gates_of_lanes u_gates (
    .write_bf16_o(bf16_of_gates), .write_fp32_o(fp32_of_gates), .event_o(event_of_gates), .*
  );
  assign output_o    = write_fp32_o;
  assign different_o = {write_bf16_o, write_fp32_o, event_o} !=
      {bf16_of_gates, fp32_of_gates, event_of_gates};
endmodule

module memory_beside_gates #(
  parameter int unsigned ElementBits = 16,
  parameter int unsigned Lanes       = 4,
  parameter int unsigned Lines       = 64,
  parameter int unsigned Banks       = 4,
  parameter int unsigned Readers     = 3,
  parameter int unsigned Writers     = 2
) (
  input  wire logic                                        clk_i,
  input  wire logic                                        rst_ni,
  input  wire logic [Readers-1:0]                          read_valid_i,
  input  wire accelerator_pkg::tile_request_t [Readers-1:0] read_request_i,
  input  wire logic [Writers-1:0]                          write_valid_i,
  input  wire accelerator_pkg::tile_request_t [Writers-1:0] write_request_i,
  input  wire logic [Writers-1:0][Lanes*ElementBits-1:0]   write_data_i,
  output logic [Readers-1:0][Lanes*ElementBits-1:0]        output_o,
  output logic                                             different_o
);
  logic [Readers-1:0][Lanes*ElementBits-1:0] read_data_o, data_of_gates;
  logic [Readers-1:0][31:0] read_line_o, line_of_gates;
  logic [Readers-1:0] read_range_fault_o, read_conflict_o, range_of_gates, conflict_of_gates;
  logic [Readers-1:0] read_parity_o, parity_of_gates;
  logic [Writers-1:0] write_range_fault_o, write_conflict_o;
  logic [Writers-1:0] write_range_of_gates, write_conflict_of_gates;
  tile_memory #(
    .ElementBits(ElementBits), .Lanes(Lanes), .Lines(Lines), .Banks(Banks),
    .Readers(Readers), .Writers(Writers), .Parity(1)
  ) u_rtl (.*);
  gates_of_memory u_gates (
    .read_data_o        (data_of_gates),
    .read_line_o        (line_of_gates),
    .read_parity_o      (parity_of_gates),
    .read_range_fault_o (range_of_gates),
    .read_conflict_o    (conflict_of_gates),
    .write_range_fault_o(write_range_of_gates),
    .write_conflict_o   (write_conflict_of_gates),
    .*
  );
  assign output_o    = read_data_o;
  assign different_o =
      {read_data_o, read_line_o, read_parity_o, read_range_fault_o, read_conflict_o,
       write_range_fault_o, write_conflict_o} !=
      {data_of_gates, line_of_gates, parity_of_gates, range_of_gates, conflict_of_gates,
       write_range_of_gates, write_conflict_of_gates};
endmodule

`default_nettype wire
