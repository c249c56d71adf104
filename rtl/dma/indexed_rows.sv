// The blocks of a command for burst_generator: that of a load or store as it is, those of a gather
// or scatter, one a row, by their indices.
//
// Row k of a gather or scatter is row v of a matrix in memory, of which v is the index at
// first_index + k. It begins at address + v * row_pitch, modulo 2^48, and has `panels` panels of
// 128 bytes, panel_stride bytes apart. Where that is 128 the row is one contiguous piece, a block
// of `panels` rows of one panel; else each panel is a piece of its own, a block of one row. Indices
// lie in an index memory, of which each unit has a copy that is written by the loads of target 3.
//
// Product: two bits of row_pitch / 128 a cycle, the lowest ones first, until none is left: in
//   S = ceil(bits / 2) cycles, at least one, at most 13. Meanwhile the next index is read, and the
//   bursts of the row before are cut. S depends on the command alone.
// Latency:      a command comes in cycle t (command_valid_i). Its block is there in t, or, if
//               indexed_i, its first index is read in t + 1 and its first block is there in
//               t + 3 + S. One that is taken in u (block_valid_o && block_ready_i) is followed by
//               the next one in u + 1 + S.
// Flow control: valid/ready to burst_generator. command_valid_i only while busy_o is low, and, if
//               not indexed_i, block_ready_i high; busy_o: there are rows that have not been given.
//               clear_i makes it forget them at the end of its cycle. An index that is not below
//               limit (an unsigned number), or whose place is not in the index memory, is not
//               given: index_fault_o is high instead, in the first cycle with block_ready_i from
//               that of its block (S = 1) on, so when every burst of the rows before has been cut;
//               fault_address_o is the index, or the place. It stays there until clear_i.
// No index is read in the cycle in which it is written: a token says when it is there.

`default_nettype none

module indexed_rows #(
  parameter int unsigned AxiDataBits = 128
) (
  input  wire logic                           clk_i,
  input  wire logic                           rst_ni,
  input  wire logic                           clear_i,

  input  wire logic                           index_write_valid_i,
  input  wire logic [15:0]                    index_write_word_i,
  input  wire logic [AxiDataBits-1:0]         index_write_data_i,

  input  wire logic                           command_valid_i,
  input  wire logic                           indexed_i,
  input  wire interface_pkg::gather_command_t command_i,
  input  wire logic [23:0]                    command_panels_i,

  output logic                                block_valid_o,
  input  wire logic                           block_ready_i,
  output logic [47:0]                         block_address_o,
  output logic [23:0]                         block_rows_o,
  output logic [23:0]                         block_panels_o,
  output logic [31:0]                         block_panel_stride_o,

  output logic                                index_fault_o,
  output logic [47:0]                         fault_address_o,
  output logic                                busy_o
);

  import interface_pkg::*;

  localparam int unsigned RowShift  = $clog2(PanelRowBytes);
  localparam int unsigned IndexBits = $clog2(IndexWords);
  localparam int unsigned CountBits = $clog2(IndexWords + 1);

  // In units of a panel's row.
  typedef logic [47:RowShift] address_t;
  typedef logic [31:RowShift] pitch_t;

  // ------------------------------------------------------------------ the command
  address_t    address_q;
  pitch_t      pitch_q, panel_stride_q;
  logic [23:0] panels_q;
  logic [31:0] limit_q;
  logic        contiguous, indexed_valid;

  assign indexed_valid = command_valid_i && indexed_i;

  always_ff @(posedge clk_i) begin : p_command
    if (indexed_valid) begin
      address_q      <= {command_i.address_hi, command_i.address_lo[31:RowShift]};
      pitch_q        <= command_i.row_pitch[31:RowShift];
      panel_stride_q <= command_i.panel_stride[31:RowShift];
      panels_q       <= command_panels_i;
      limit_q        <= command_i.limit;
    end
  end

  // ------------------------------------------------------------------ indices
  // Read ahead of the product, one.
  logic [CountBits-1:0] unread_q;  // rows whose index has not been read
  logic [15:0]          place_q;   // of the next index
  logic                 there_q;   // an index has been read
  logic                 beyond_q;  // its place is not in the memory
  logic                 beyond, read, load;
  logic [15:0]          read_place;  // of the index that has been read
  logic [31:0]          index, found;

  assign beyond = place_q >= 16'(IndexWords);
  assign read   = (unread_q != '0) && (!there_q || load);

  assign read_place = place_q - 16'd1;
  assign found      = beyond_q ? 32'(read_place) : index;

  beat_memory #(
    .AxiDataBits(AxiDataBits),
    .WordBits   (32),
    .Words      (IndexWords)
  ) u_indices (
    .clk_i,
    .write_valid_i(index_write_valid_i),
    .write_word_i (index_write_word_i),
    .write_data_i (index_write_data_i),
    .read_enable_i(read && !beyond),
    .read_index_i (place_q[IndexBits-1:0]),
    .read_data_o  (index)
  );

  always_ff @(posedge clk_i) begin : p_indices
    if (!rst_ni || clear_i) begin
      unread_q <= '0;
      there_q  <= 1'b0;
    end else begin
      there_q <= read || (there_q && !load);
      if (indexed_valid) unread_q <= command_i.rows[CountBits-1:0];
      else if (read)     unread_q <= unread_q - CountBits'(1);
    end
    if (indexed_valid) place_q  <= command_i.first_index;
    else if (read)     place_q  <= place_q + 16'd1;
    if (read)          beyond_q <= beyond;
  end

  // ------------------------------------------------------------------ the product
  // sum = address + index * those bits of the pitch that are not left any more. In the first cycle
  // `multiple` is the index, or its place beyond the memory; where that is bad it is kept as the
  // sum, and no bit is left.
  logic     busy_q;  // rows are left to give
  logic     working_q, first_q, bad_q;
  address_t sum_q, multiple_q;
  pitch_t   left_q;
  logic     outside_q;
  logic     done, bad, take;

  assign bad  = first_q && (outside_q || (multiple_q[RowShift+:32] >= limit_q));
  assign done = working_q && !first_q && (left_q == '0);
  assign take = block_valid_o && block_ready_i;
  assign load = there_q && (!working_q || take);

  always_ff @(posedge clk_i) begin : p_state
    if (!rst_ni || clear_i) begin
      busy_q    <= 1'b0;
      working_q <= 1'b0;
    end else begin
      busy_q    <= indexed_valid || (busy_q && !(take && !there_q && (unread_q == '0)));
      working_q <= load || (working_q && !take);
    end
    first_q <= load;
    if (load) bad_q <= 1'b0;
    else if (bad) bad_q <= 1'b1;
  end

  always_ff @(posedge clk_i) begin : p_product
    if (load) begin
      multiple_q <= $bits(address_t)'(found);
      outside_q  <= beyond_q;
      sum_q      <= address_q;
      left_q     <= pitch_q;
    end else if (bad) begin
      sum_q  <= multiple_q;
      left_q <= '0;
    end else if (left_q != '0) begin
      sum_q      <= sum_q + (left_q[RowShift] ? multiple_q : '0) +
                    (left_q[RowShift+1] ? multiple_q << 1 : '0);
      multiple_q <= multiple_q << 2;
      left_q     <= left_q >> 2;
    end
  end

  // ------------------------------------------------------------------ blocks
  assign contiguous      = panel_stride_q == pitch_t'(1);
  assign block_valid_o   = (done && !bad_q) || (command_valid_i && !indexed_i);
  assign index_fault_o   = done && bad_q && block_ready_i;
  assign fault_address_o = 48'(sum_q);
  assign busy_o          = busy_q;

  always_comb begin : p_block
    block_address_o      = {command_i.address_hi, command_i.address_lo};
    block_rows_o         = command_i.rows[23:0];
    block_panels_o       = command_panels_i;
    block_panel_stride_o = command_i.panel_stride;
    if (busy_q) begin
      block_address_o      = {sum_q, RowShift'(0)};
      block_rows_o         = contiguous ? panels_q : 24'd1;
      block_panels_o       = contiguous ? 24'd1 : panels_q;
      block_panel_stride_o = {panel_stride_q, RowShift'(0)};
    end
  end

  // What else a command says is the unit's business.
  logic unused;
  assign unused = ^command_i;

`ifndef SYNTHESIS
  always_ff @(posedge clk_i) begin : p_check
    if (rst_ni && command_valid_i) begin
      RowsFit: assert (!indexed_i ||
                       ((command_i.rows != 32'd0) && (command_i.rows <= 32'(IndexWords))))
      else $error("indexed_rows: no rows, or more than there are indices");
      Taken: assert (indexed_i || block_ready_i)
      else $error("indexed_rows: a block comes while none can be taken");
      NotBusy: assert (!busy_o)
      else $error("indexed_rows: a command comes before the last one's rows have been given");
    end
  end
`endif

endmodule

`default_nettype wire
