// The scales of packed weights: of the record of a panel row, what its codes become elements with.
//
// Function: a record has one entry, or two (two_scales), the first one lowest. An entry is a scale,
//   and beside it a minimum or a zero:
//     NESTED      1 byte: the code c of a scale  map[c] * nested[n] + offset,  each rounded to FP32
//     FP16, BF16  2 bytes; with minimums or zeros 4, of which the upper two are the minimum, or the
//                 third one is the zero
//     FP32        4 bytes; with zeros 8, of which the fifth one is the zero
//   n is the position of the entry's first element, modulo 2^32, / NestedElements, modulo the words
//   of the table; the second entry's is a block of 64 elements further on. Where no scale is nested
//   it takes the same way: it is multiplied by 1, and -0 is added to it.
//   Map and nested scales are tables, written beat by beat as a beat_memory is.
// Latency, of a row in cycle u (and its second entry a cycle later):
//   u      the tables are read
//   u + 1  what they gave, or the scale as FP32, goes into the operands' registers
//   u + 2  the product begins
//   u + 3  the product is rounded
//   u + 4  the sum begins
//   u + 5  the sum is rounded
//   u + 7  the pair is at pair_o (ScaleLatency), and stays until that of the next row
// Flow control: none. Rows come two cycles apart at least; format_i holds still from the first one
//   until the last one's pair is there. No table is read in the cycle in which it is written.
// Nothing toggles that no row needs.

`default_nettype none

module decoder_scales #(
  parameter int unsigned AxiDataBits = 128
) (
  input  wire logic                        clk_i,
  input  wire logic                        rst_ni,

  input  wire decoder_pkg::decode_format_t format_i,
  input  wire logic                        row_valid_i,
  input  wire logic [127:0]                record_i,
  input  wire logic [31:0]                 position_i,

  input  wire logic                        map_write_valid_i,
  input  wire logic [15:0]                 map_write_word_i,
  input  wire logic                        nested_write_valid_i,
  input  wire logic [15:0]                 nested_write_word_i,
  input  wire logic [AxiDataBits-1:0]      table_write_data_i,

  output decoder_pkg::decoded_pair_t       pair_o
);

  import decoder_pkg::*;
  import interface_pkg::*;

  localparam int unsigned CodeBits    = $clog2(DecoderMapWords);
  localparam int unsigned NestedShift = $clog2(NestedElements);
  localparam int unsigned NestedBits  = $clog2(DecoderNestedWords);
  localparam int unsigned NestedBlock = 64;  // elements that share a scale, if scales are nested

  localparam logic [31:0] One           = 32'h3F80_0000;
  localparam logic [31:0] MinusZero     = 32'h8000_0000;
  localparam logic [15:0] MinusZeroFp16 = 16'h8000;

  logic nested;  // the scales of this format are
  logic beside;  // something stands beside a scale
  assign nested = (format_i.scale == 2'(NumberNested));
  assign beside = format_i.zeros || format_i.minimums;

  // ------------------------------------------------------------------ the order of things
  // row_q[k]: a row came k cycles ago. Rows are two cycles apart, so that in each stage there is
  // its first entry, or the second one of the row before.
  logic [ScaleLatency-1:1] row_q;
  logic [5:0]              entry;  // one is k cycles behind its beginning

  always_ff @(posedge clk_i) begin : p_rows
    if (!rst_ni) row_q <= '0;
    else row_q <= {row_q[ScaleLatency-2:1], row_valid_i};
  end

  assign entry = {row_q[5:1], row_valid_i} | (row_q[6:1] & {6{format_i.two_scales}});

  // ------------------------------------------------------------------ u: an entry
  logic [127:0]          rest;  // of the record, behind the first entry
  logic [47:0]           second_q, bits;
  logic [NestedBits-1:0] second_index_q, index;
  logic [31:0]           map_number, nested_number;

  assign rest  = record_i >> (8'd8 << entry_bytes_log2(format_i));
  assign bits  = row_q[1] ? second_q : record_i[47:0];
  assign index = row_q[1] ? second_index_q : position_i[NestedShift+:NestedBits];

  beat_memory #(.AxiDataBits(AxiDataBits), .WordBits(32), .Words(DecoderMapWords)) u_map (
    .clk_i,
    .write_valid_i(map_write_valid_i),
    .write_word_i (map_write_word_i),
    .write_data_i (table_write_data_i),
    .read_enable_i(entry[0] && nested),
    .read_index_i (bits[CodeBits-1:0]),
    .read_data_o  (map_number)
  );
  beat_memory #(.AxiDataBits(AxiDataBits), .WordBits(32), .Words(DecoderNestedWords)) u_nested (
    .clk_i,
    .write_valid_i(nested_write_valid_i),
    .write_word_i (nested_write_word_i),
    .write_data_i (table_write_data_i),
    .read_enable_i(entry[0] && nested),
    .read_index_i (index),
    .read_data_o  (nested_number)
  );

  // ------------------------------------------------------------------ stages
  logic [31:0]             scale_q, scale;  // as it is stored; as FP32
  logic [31:0]             a_q, b_q, rounded_q;
  fp32_pkg::fp32_product_t product_q;
  fp32_pkg::fp32_sum_t     sum_q;
  logic [5:1][15:0]        beside_q;  // of the entry k cycles behind its beginning
  decoded_entry_t          first_q;
  decoded_pair_t           pair_q;

  always_comb begin : p_scale
    unique case (format_i.scale)
      2'(NumberFp16): scale = fp32_from_fp16(scale_q[15:0]);
      2'(NumberBf16): scale = fp32_pkg::fp32_from_bf16(scale_q[15:0]);
      default:        scale = scale_q;
    endcase
  end

  always_ff @(posedge clk_i) begin : p_stages
    if (row_valid_i && format_i.two_scales) begin
      second_q       <= rest[47:0];
      second_index_q <= NestedBits'((position_i + 32'(NestedBlock)) >> NestedShift);
    end
    if (entry[0] && !nested) scale_q <= bits[31:0];
    if (entry[1]) begin
      a_q <= nested ? map_number : scale;
      b_q <= nested ? nested_number : One;
    end
    if (entry[2]) product_q <= fp32_pkg::fp32_multiply(a_q, b_q);
    if (entry[3]) rounded_q <= fp32_pkg::fp32_round_product(product_q);
    if (entry[4]) sum_q     <= fp32_pkg::fp32_add(rounded_q, nested ? format_i.offset : MinusZero);

    if (entry[0] && beside) begin
      beside_q[1] <= (format_i.scale == 2'(NumberFp32)) ? bits[47:32] : bits[31:16];
    end
    for (int unsigned k = 1; k < 5; k++) begin
      if (entry[k] && beside) beside_q[k+1] <= beside_q[k];
    end

    if (entry[5]) begin
      automatic decoded_entry_t last;
      last.scale   = fp32_pkg::fp32_normalise(sum_q);
      last.minimum = format_i.minimums ? beside_q[5] : MinusZeroFp16;
      last.zero    = format_i.zeros ? beside_q[5][7:0] : format_i.zero;
      if (row_q[5]) first_q <= last;
      else pair_q.second <= last;
    end
    if (row_q[6]) pair_q.first <= first_q;
  end

  assign pair_o = pair_q;

  // Neither the end of a record nor the places below a nested scale's play a part.
  logic unused;
  assign unused = ^{rest, position_i};

`ifndef SYNTHESIS
  always_ff @(posedge clk_i) begin : p_check
    if (rst_ni && row_valid_i) begin
      Apart: assert (!row_q[1])
      else $error("decoder_scales: a row comes a cycle after another one");
      Decodable: assert (is_decodable(format_i))
      else $error("decoder_scales: a row of a format that is not decoded");
    end
  end

  decode_format_t format_q;
  always_ff @(posedge clk_i) begin : p_check_format
    format_q <= format_i;
    if (rst_ni && (row_q != '0)) begin
      FormatStable: assert (format_i == format_q)
      else $error("decoder_scales: the format changes below a row");
    end
  end
`endif

endmodule

`default_nettype wire
