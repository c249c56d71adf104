// The datapath of the decoder, scales before lanes. Ports are as wide as the widest bench needs; a
// narrower one has its part at the bottom.
//
// Latency: those of decoder_scales and decoder_lanes. Flow control: theirs.

`default_nettype none

module decoder_bench #(
  parameter int unsigned Lanes       = 8,    // at most 32
  parameter int unsigned AxiDataBits = 128   // at most 512
) (
  input  wire logic                        clk_i,
  input  wire logic                        rst_ni,

  input  wire decoder_pkg::decode_format_t row_format_i,
  input  wire logic                        row_valid_i,
  input  wire logic [127:0]                record_i,
  input  wire logic [31:0]                 position_i,

  input  wire logic                        map_write_valid_i,
  input  wire logic                        nested_write_valid_i,
  input  wire logic [15:0]                 write_word_i,
  input  wire logic [511:0]                write_data_i,

  input  wire decoder_pkg::decode_format_t format_i,
  input  wire logic                        valid_i,
  input  wire logic [255:0]                codes_i,
  input  wire logic [31:0]                 second_i,
  output logic [511:0]                     data_o
);

  decoder_pkg::decoded_pair_t pair;

  decoder_scales #(.AxiDataBits(AxiDataBits)) u_scales (
    .clk_i,
    .rst_ni,
    .format_i            (row_format_i),
    .row_valid_i,
    .record_i,
    .position_i,
    .map_write_valid_i,
    .map_write_word_i    (write_word_i),
    .nested_write_valid_i,
    .nested_write_word_i (write_word_i),
    .table_write_data_i  (write_data_i[AxiDataBits-1:0]),
    .pair_o              (pair)
  );

  logic [Lanes*16-1:0] data;
  assign data_o = 512'(data);

  decoder_lanes #(.Lanes(Lanes)) u_lanes (
    .clk_i,
    .rst_ni,
    .format_i,
    .valid_i,
    .codes_i (codes_i[Lanes*8-1:0]),
    .second_i(second_i[Lanes-1:0]),
    .pair_i  (pair),
    .data_o  (data)
  );

  logic unused;
  assign unused = ^{write_data_i, codes_i, second_i};

endmodule

`default_nettype wire
