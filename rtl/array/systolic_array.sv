// The weight-stationary array: Rows x Columns multiply-accumulate PEs. Row r holds contraction
// element r of a tile, column c output c. A streamed row x[Rows] is broadcast along the rows of the
// array, skewed by two cycles a row; the partial sums enter at the top, pass one PE after another
// and leave at the bottom, so that the sum over a tile is one sequential FP32 chain in ascending
// order.
//
// Function:     psum_o[c] = (((psum_i[c] + x[0] w[0][c]) + x[1] w[1][c]) + ...), over the first
//               `row_depth_i` rows; the PEs below pass the sum through untouched.
// Latency:      x_i at t, psum_i at t + 1, psum_o at t + 1 + 2 Rows. One row a cycle, no gaps
//               needed.
// Flow control: none; whoever streams knows the latency.
// Weights:      weight_i is written into the shadow weights of row weight_row_i at the end of its
//               cycle. A streamed row with row_first_i makes the shadow weights active: row r of
//               the array switches at t + 2 r, together with the data. Hence the first row of a
//               tile may be streamed at t as soon as shadow row 0 was written before t (row r
//               before t + 2 r), and shadow row r may be written again from t + 2 r on.
//
// Each PE has three stages: product, align and add, normalise (mac_pkg). Only the last two lie in
// the chain.
//
// The array is written as loops over state in one clocked process with blocking assignments, the
// last stage first, so that every stage reads what its predecessor held before the clock edge:
// simulators keep it as loops, which is several times faster than one module a PE. Nothing but
// psum_o and registers of this process reads that state.
//
// CORANK_HOST_FLOAT, for simulation only: the stages product and add call the host's own float
// arithmetic, a row of PEs at a time (sim/machine/host_float.h); the sum is then rounded one stage
// early, and the stage normalise moves it on. What the process holds, when, and what leaves it at
// psum_o is the same.

`default_nettype none

module systolic_array #(
  parameter  int unsigned Rows    = 8,
  parameter  int unsigned Columns = 8,
  localparam int unsigned RowBits = (Rows > 1) ? $clog2(Rows) : 1
) (
  input  wire logic                          clk_i,
  input  wire logic                          rst_ni,

  input  wire logic                          row_valid_i,
  input  wire logic                          row_first_i,
  input  wire logic [7:0]                    row_depth_i,  // rows of the array in use, 1..Rows
  input  wire logic [Rows-1:0][15:0]         x_i,
  input  wire logic [Columns-1:0][31:0]      psum_i,
  output logic      [Columns-1:0][31:0]      psum_o,

  input  wire logic                          weight_valid_i,
  input  wire logic [RowBits-1:0]            weight_row_i,
  input  wire logic [Columns-1:0][15:0]      weight_i
);

`ifndef CORANK_HOST_FLOAT
  import mac_pkg::*;
`endif

  // valid_q[d]: a row entered d + 1 cycles ago.
  logic [2*Rows-1:0] valid_q, first_q;
  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      valid_q <= '0;
      first_q <= '0;
    end else begin
      valid_q <= {valid_q[2*Rows-2:0], row_valid_i};
      first_q <= {first_q[2*Rows-2:0], row_valid_i & row_first_i};
    end
  end

  // Skew: row r sees the streamed row 2 r cycles later, and whether it takes part in it.
  logic [Rows-1:0][15:0] x_row;
  logic [Rows-1:0]       active_row, valid_row, first_row;
  for (genvar r = 0; r < Rows; r++) begin : gen_skew
    delay_line #(.Width(17), .Cycles(2 * r)) u_skew (
      .clk_i,
      .rst_ni,
      .advance_i(row_valid_i || (valid_q != '0)),
      .data_i   ({8'(r) < row_depth_i, x_i[r]}),
      .data_o   ({active_row[r], x_row[r]})
    );
    if (r == 0) begin : gen_top
      assign valid_row[r] = row_valid_i;
      assign first_row[r] = row_valid_i & row_first_i;
    end else begin : gen_below
      assign valid_row[r] = valid_q[2*r-1];
      assign first_row[r] = first_q[2*r-1];
    end
  end

  logic [15:0] weight_active[Rows][Columns];
  logic [15:0] weight_shadow[Rows][Columns];
`ifdef CORANK_HOST_FLOAT
  // verilator lint_off UNDRIVEN
  logic [31:0] product      [Rows][Columns];  // written by $c
  // verilator lint_on UNDRIVEN
  logic [31:0] sum          [Rows][Columns];
  logic [31:0] psum_top     [Columns];        // a row of words, as $c takes them
`else
  product_t    product      [Rows][Columns];
  sum_t        sum          [Rows][Columns];
`endif
  logic [31:0] psum         [Rows][Columns];
  logic        product_active[Rows];  // the PE row took part in the product stage's row
`ifndef CORANK_HOST_FLOAT
  logic        sum_active    [Rows];
`endif

  // verilator lint_off BLKSEQ
  // Blocking on purpose, see the header: stages in reverse order inside one process.
  always_ff @(posedge clk_i) begin : p_array
`ifdef CORANK_HOST_FLOAT
    if (valid_q[0]) begin
      for (int unsigned c = 0; c < Columns; c++) psum_top[c] = psum_i[c];
    end
`endif
    for (int r = Rows - 1; r >= 0; r--) begin
      if (valid_q[2*r+1]) begin
        for (int unsigned c = 0; c < Columns; c++) begin
`ifdef CORANK_HOST_FLOAT
          psum[r][c] = sum[r][c];
`else
          psum[r][c] = sum_active[r] ? mac_normalise(sum[r][c]) : sum[r][c][31:0];
`endif
        end
      end
      if (valid_q[2*r]) begin
`ifdef CORANK_HOST_FLOAT
        if (product_active[r]) begin
          if (r == 0) $c("host_float_add(", sum[r], ",", psum_top, ",", product[r], ");");
          else $c("host_float_add(", sum[r], ",", psum[r-1], ",", product[r], ");");
        end else begin
          for (int unsigned c = 0; c < Columns; c++) begin
            sum[r][c] = (r == 0) ? psum_top[c] : psum[r-1][c];
          end
        end
`else
        sum_active[r] = product_active[r];
        for (int unsigned c = 0; c < Columns; c++) begin
          if (product_active[r]) begin
            sum[r][c] = mac_add((r == 0) ? psum_i[c] : psum[r-1][c], product[r][c]);
          end else begin
            sum[r][c] = $bits(sum_t)'({(r == 0) ? psum_i[c] : psum[r-1][c]});
          end
        end
`endif
      end
      if (valid_row[r]) begin
        product_active[r] = active_row[r];
        if (first_row[r]) begin
          for (int unsigned c = 0; c < Columns; c++) weight_active[r][c] = weight_shadow[r][c];
        end
        if (active_row[r]) begin
`ifdef CORANK_HOST_FLOAT
          $c("host_float_multiply(", product[r], ",", x_row[r], ",", weight_active[r], ");");
`else
          for (int unsigned c = 0; c < Columns; c++) begin
            product[r][c] = mac_multiply(x_row[r], weight_active[r][c]);
          end
`endif
        end
      end
    end
    if (weight_valid_i) begin
      for (int unsigned c = 0; c < Columns; c++) weight_shadow[weight_row_i][c] = weight_i[c];
    end
  end

  always_comb begin
    for (int unsigned c = 0; c < Columns; c++) psum_o[c] = psum[Rows-1][c];
  end
  // verilator lint_on BLKSEQ

  logic unused;
  assign unused = first_q[2*Rows-1];  // the last row starts its pass before the end of the line

endmodule

`default_nettype wire
