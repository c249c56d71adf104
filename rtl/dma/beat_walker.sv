// Says where the beats of a block lie in a local memory. The beats come in memory order: panel by
// panel of 128 bytes a row, in a panel row by row, in a row beat by beat; or (row_by_row_i) row by
// row, in a row panel by panel. Element (i, j) of the block is at column j % Lanes of line
// line_i + (j / Lanes) * line_stride_i + i. A beat has AxiDataBits / 16 elements of BF16 or
// AxiDataBits / 32 of FP32; they are consecutive elements of one local line, because both counts
// divide Lanes.
//
// Latency:      none: the outputs belong to the beat at hand; advance_i goes on to the next beat at
//               the end of its cycle.
// Flow control: the description (row_by_row_i .. line_stride_i) must hold still from the first beat
//               until advance_i of the last one; the beat after that is the first one of whatever
//               is described then. clear_i goes back to the first beat at the end of its cycle.

`default_nettype none

module beat_walker #(
  parameter int unsigned AxiDataBits = 128,
  parameter int unsigned Lanes       = 8
) (
  input  wire logic                             clk_i,
  input  wire logic                             rst_ni,
  input  wire logic                             clear_i,

  input  wire logic                             row_by_row_i,
  input  wire logic                             wide_i,  // FP32 instead of BF16
  input  wire logic [23:0]                      rows_i,
  input  wire logic [23:0]                      columns_i,
  input  wire logic [23:0]                      line_i,
  input  wire logic [23:0]                      line_stride_i,

  input  wire logic                             advance_i,
  // With a count of 0 the beat is all beyond the last column.
  output accelerator_pkg::tile_request_t        request_o,
  output logic [23:0]                           row_o,
  output logic [24:0]                           column_o,   // of the block, of the first element
  output logic                                  last_o
);

  localparam int unsigned NarrowElements = AxiDataBits / 16;
  localparam int unsigned WideElements   = AxiDataBits / 32;
  localparam int unsigned NarrowColumns  = interface_pkg::PanelColumnsBf16;  // of a memory panel
  localparam int unsigned WideColumns    = interface_pkg::PanelColumnsFp32;

  // Else a beat would be in two lines or panels.
  if ((Lanes < NarrowElements) || (Lanes > WideColumns)) begin : gen_bad_lanes
    $error("beat_walker: Lanes must be AxiDataBits / 16 .. 32");
  end

  // Columns end at the next full panel, so they need a bit more than columns_i. Lines may run far
  // beyond the memory before somebody notices; 32 bits do not wrap until the memory has seen a line
  // beyond its end.
  logic [23:0] row_q, row_d;
  logic [24:0] column_q, column_d;
  // First column of the memory panel at hand; row by row, of the block.
  logic [24:0] panel_column_q, panel_column_d;
  logic [31:0] offset_q, offset_d;              // (column / Lanes) * line_stride
  logic [31:0] panel_offset_q, panel_offset_d;  // the same at the first column of the memory panel

  logic [24:0] elements, columns_left, next_column;
  logic [31:0] next_offset;
  logic        line_ends, row_ends, panel_ends, columns_end, last_row;

  assign elements     = wide_i ? 25'(WideElements) : 25'(NarrowElements);
  assign columns_left = (column_q < 25'(columns_i)) ? 25'(columns_i) - column_q : 25'd0;
  assign next_column  = column_q + elements;
  assign line_ends    = (next_column & 25'(Lanes - 1)) == 25'd0;
  assign row_ends     =
      (next_column & (wide_i ? 25'(WideColumns - 1) : 25'(NarrowColumns - 1))) == 25'd0;
  assign last_row     = row_q == rows_i - 24'd1;
  assign panel_ends   = row_ends && last_row;
  assign columns_end  = next_column >= 25'(columns_i);
  assign next_offset  = line_ends ? offset_q + 32'(line_stride_i) : offset_q;

  assign request_o.transposed = 1'b0;
  assign request_o.count      = 8'((columns_left < elements) ? columns_left : elements);
  assign request_o.column     = 8'(column_q & 25'(Lanes - 1));
  assign request_o.line       = 32'(line_i) + offset_q + 32'(row_q);
  assign row_o                = row_q;
  assign column_o             = column_q;
  assign last_o               = panel_ends && columns_end;

  always_comb begin
    row_d          = row_q;
    column_d       = next_column;
    panel_column_d = panel_column_q;
    offset_d       = next_offset;
    panel_offset_d = panel_offset_q;
    if (panel_ends && !row_by_row_i) begin
      row_d          = 24'd0;
      panel_column_d = next_column;
      panel_offset_d = next_offset;
    end else if (row_ends && (columns_end || !row_by_row_i)) begin
      row_d    = row_q + 24'd1;
      column_d = panel_column_q;
      offset_d = panel_offset_q;
    end
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      row_q          <= '0;
      column_q       <= '0;
      panel_column_q <= '0;
      offset_q       <= '0;
      panel_offset_q <= '0;
    end else if (clear_i || (advance_i && last_o)) begin
      row_q          <= '0;
      column_q       <= '0;
      panel_column_q <= '0;
      offset_q       <= '0;
      panel_offset_q <= '0;
    end else if (advance_i) begin
      row_q          <= row_d;
      column_q       <= column_d;
      panel_column_q <= panel_column_d;
      offset_q       <= offset_d;
      panel_offset_q <= panel_offset_d;
    end
  end

endmodule

`default_nettype wire
