// The elements of packed weights: codes and what belongs to their blocks become BF16.
//
// Function: of each lane,  level = the code's in a table, or code - zero;
//   product = level * scale, rounded to FP32, and then to the format's arithmetic;
//   element = product + minimum, rounded to FP32, and then to BF16. There is an addition in every
//   format: a pair's minimum is -0 if the format has none.
//   Codes of 4 bits lie in the lower half of codes_i, the first one lowest. second_i: this lane's
//   element is of the pair's second entry.
// Latency, of elements in cycle v:
//   v      level and scale
//   v + 1  the product begins
//   v + 2  the product is rounded
//   v + 3  it is rounded to the arithmetic
//   v + 4  the sum begins
//   v + 5  the sum is rounded
//   v + 6  it is rounded to BF16
//   v + 7  the elements are at data_o (ElementLatency), and stay until the next ones
// Flow control: none; elements in every cycle, if need be, and those of any cycle of any format.
// Nothing toggles that no element needs.

`default_nettype none

module decoder_lanes #(
  parameter int unsigned Lanes = 8
) (
  input  wire logic                        clk_i,
  input  wire logic                        rst_ni,
  input  wire decoder_pkg::decode_format_t format_i,
  input  wire logic                        valid_i,
  input  wire logic [Lanes*8-1:0]          codes_i,
  input  wire logic [Lanes-1:0]            second_i,
  input  wire decoder_pkg::decoded_pair_t  pair_i,
  output logic [Lanes*16-1:0]              data_o
);

  import decoder_pkg::*;
  import interface_pkg::*;

  // valid_q[k]: elements came k cycles ago. What is not a lane's goes along as far as it is needed.
  logic [ElementLatency-1:1]   valid_q;
  logic [3:1][1:0]             arithmetic_q;
  logic [3:1][1:0][15:0]       minimums_q;  // of the pair
  logic [1:0][31:0]            addends_q;   // the same, widened
  logic [4:1][Lanes-1:0]       second_q;
  // Of the lanes.
  logic [31:0]                 level_q[Lanes];
  logic [31:0]                 scale_q[Lanes];
  fp32_pkg::fp32_product_t     product_q[Lanes];
  logic [31:0]                 rounded_q[Lanes];
  logic [31:0]                 narrow_q[Lanes];  // in the format's arithmetic
  fp32_pkg::fp32_sum_t         sum_q[Lanes];
  logic [31:0]                 element_q[Lanes];
  logic [Lanes-1:0][15:0]      data, data_q;

  always_ff @(posedge clk_i) begin : p_valid
    if (!rst_ni) valid_q <= '0;
    else valid_q <= {valid_q[ElementLatency-2:1], valid_i};
  end

  // The last stage first: each reads what the one before it left in the last cycle.
  always_ff @(posedge clk_i) begin : p_lanes
    // Blocking assignments to stage registers let the loops over the lanes stay loops in a
    // simulator; no other process reads these registers.
    // verilator lint_off BLKSEQ
    if (valid_q[6]) begin
      for (int unsigned lane = 0; lane < Lanes; lane++) begin
        data[lane] = fp32_pkg::fp32_to_bf16(element_q[lane]);
      end
      data_q <= data;
    end
    if (valid_q[5]) begin
      for (int unsigned lane = 0; lane < Lanes; lane++) begin
        element_q[lane] = fp32_pkg::fp32_normalise(sum_q[lane]);
      end
    end
    if (valid_q[4]) begin
      for (int unsigned lane = 0; lane < Lanes; lane++) begin
        sum_q[lane] = fp32_pkg::fp32_add(narrow_q[lane], addends_q[second_q[4][lane]]);
      end
    end
    if (valid_q[3]) begin
      for (int unsigned lane = 0; lane < Lanes; lane++) begin
        narrow_q[lane] = round_to(arithmetic_q[3], rounded_q[lane]);
      end
    end
    if (valid_q[2]) begin
      for (int unsigned lane = 0; lane < Lanes; lane++) begin
        rounded_q[lane] = fp32_pkg::fp32_round_product(product_q[lane]);
      end
    end
    if (valid_q[1]) begin
      for (int unsigned lane = 0; lane < Lanes; lane++) begin
        product_q[lane] = fp32_pkg::fp32_multiply(level_q[lane], scale_q[lane]);
      end
    end
    if (valid_i) begin
      for (int unsigned lane = 0; lane < Lanes; lane++) begin
        level_q[lane] = level_of(format_i.element,
                                 (format_i.element == 2'(ElementSigned8)) ?
                                     codes_i[8*lane+:8] : {4'd0, codes_i[4*lane+:4]},
                                 second_i[lane] ? pair_i.second.zero : pair_i.first.zero);
        scale_q[lane] = second_i[lane] ? pair_i.second.scale : pair_i.first.scale;
      end
    end
    // verilator lint_on BLKSEQ
  end

  always_ff @(posedge clk_i) begin : p_common
    if (valid_i) begin
      arithmetic_q[1] <= format_i.arithmetic;
      minimums_q[1]   <= {pair_i.second.minimum, pair_i.first.minimum};
      second_q[1]     <= second_i;
    end
    for (int unsigned k = 1; k < 3; k++) begin
      if (valid_q[k]) begin
        arithmetic_q[k+1] <= arithmetic_q[k];
        minimums_q[k+1]   <= minimums_q[k];
      end
    end
    for (int unsigned k = 1; k < 4; k++) begin
      if (valid_q[k]) second_q[k+1] <= second_q[k];
    end
    if (valid_q[3]) begin
      addends_q <= {fp32_from_fp16(minimums_q[3][1]), fp32_from_fp16(minimums_q[3][0])};
    end
  end

  assign data_o = data_q;

  // What else a format says has gone into the pair.
  logic unused;
  assign unused = ^format_i;

`ifndef SYNTHESIS
  always_ff @(posedge clk_i) begin : p_check
    if (rst_ni && valid_i) begin
      Decodable: assert (is_decodable(format_i))
      else $error("decoder_lanes: elements of a format that is not decoded");
      SecondThere: assert (format_i.two_scales || (second_i == '0))
      else $error("decoder_lanes: an element is of an entry that there is not");
    end
  end
`endif

endmodule

`default_nettype wire
