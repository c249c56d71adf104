// Decodes packed weights: beats of a load_quantized in, lines of BF16 elements out.
//
// A block comes panel by panel of 64 columns; in a panel there are groups of rows, of each a unit
// of 64 bytes with the scales of its rows, then the codes of the rows, 32 bytes (codes of 4 bits)
// or 64 each. A row's scales take 2^n bytes (record_bytes_log2 of decoder_pkg), and a group has as
// many rows as a unit has scales for. A panel's last group may have fewer rows; what is left of its
// last unit is dropped.
//
// Timing, in cycles:
//   r       a beat is given (beat_valid_i); it may be looked at from r + 2 on.
//   u       a line of codes is taken: one a cycle, of Lanes elements, as soon as the beats that it
//           lies in may be looked at; or a beat of scales, or one that is dropped. taken_o.
//   u + 7   its row's scales are decoded (decoder_scales), the line goes to decoder_lanes.
//   u + 14  write_valid_o with its elements, if any of them is within the columns.
//   u + 13  of the last line: done_o, or later, when the rest of its unit has been dropped.
//
// Flow control: whoever gives beats counts those that are held: room for DecoderBeats, from
//   beat_valid_i to leaves_o. active_i: the description (rows_i .. format_i) is of the oldest
//   command that is not done, and holds still until done_o. Lines are written without asking.
//   clear_i forgets everything but the tables.

`default_nettype none

module weight_decoder #(
  parameter int unsigned AxiDataBits = 128,
  parameter int unsigned Lanes       = 8
) (
  input  wire logic                         clk_i,
  input  wire logic                         rst_ni,
  input  wire logic                         clear_i,

  // The map and the nested scales of double quantization.
  input  wire logic                         levels_write_valid_i,
  input  wire logic                         nested_write_valid_i,
  input  wire logic [15:0]                  table_write_word_i,
  input  wire logic [AxiDataBits-1:0]       table_write_data_i,

  input  wire logic                         active_i,
  input  wire logic [23:0]                  rows_i,
  input  wire logic [23:0]                  columns_i,
  input  wire logic [23:0]                  line_i,
  input  wire logic [23:0]                  line_stride_i,
  input  wire logic [31:0]                  position_i,
  input  wire logic [31:0]                  row_elements_i,
  input  wire decoder_pkg::decode_format_t  format_i,

  input  wire logic                         beat_valid_i,
  input  wire logic [AxiDataBits-1:0]       beat_data_i,
  output logic                              leaves_o,

  output logic                              write_valid_o,
  output accelerator_pkg::tile_request_t    write_request_o,
  output logic [Lanes*16-1:0]               write_data_o,
  output logic                              taken_o,
  output logic                              done_o
);

  import accelerator_pkg::*;
  import decoder_pkg::*;
  import interface_pkg::*;

  localparam int unsigned UnitBits  = 8 * PackedUnitBytes;
  localparam int unsigned UnitBeats = UnitBits / AxiDataBits;
  localparam int unsigned BeatBits  = (UnitBeats > 1) ? $clog2(UnitBeats) : 1;
  localparam int unsigned Latency   = ScaleLatency + ElementLatency;
  localparam int unsigned PanelColumns = PanelColumnsBf16;

  // Lines of a beat, or beats of a line, by the bits of a code.
  localparam int unsigned NarrowBits   = 4 * Lanes;
  localparam int unsigned WideBits     = 8 * Lanes;
  localparam int unsigned NarrowPieces = (AxiDataBits < NarrowBits) ? NarrowBits / AxiDataBits : 1;
  localparam int unsigned WidePieces   = (AxiDataBits < WideBits) ? WideBits / AxiDataBits : 1;
  localparam int unsigned NarrowParts  = (AxiDataBits < NarrowBits) ? 1 : AxiDataBits / NarrowBits;
  localparam int unsigned WideParts    = (AxiDataBits < WideBits) ? 1 : AxiDataBits / WideBits;

  // ------------------------------------------------------------------ the buffer of beats
  localparam int unsigned PlaceBits = $clog2(DecoderBeats);
  localparam int unsigned CountBits = $clog2(DecoderBeats + 1);
  logic [PlaceBits-1:0]   write_place_q, read_place_q;
  logic [CountBits-1:0]   count_q;       // in the memory, without the one that is looked at
  logic                   head_valid_q;
  logic [AxiDataBits-1:0] head;
  logic                   read, leaves;

  assign read     = (count_q != '0) && (!head_valid_q || leaves);
  assign leaves_o = leaves;

  ram_1r1w #(.Width(AxiDataBits), .Words(DecoderBeats)) u_beats (
    .clk_i,
    .read_enable_i  (read),
    .read_address_i (read_place_q),
    .read_data_o    (head),
    .write_enable_i (beat_valid_i),
    .write_address_i(write_place_q),
    .write_data_i   (beat_data_i)
  );

  always_ff @(posedge clk_i) begin : p_buffer
    if (!rst_ni || clear_i) begin
      write_place_q <= '0;
      read_place_q  <= '0;
      count_q       <= '0;
      head_valid_q  <= 1'b0;
    end else begin
      if (beat_valid_i) write_place_q <= write_place_q + 1'b1;
      if (read) read_place_q <= read_place_q + 1'b1;
      count_q      <= count_q + CountBits'(beat_valid_i) - CountBits'(read);
      head_valid_q <= read || (head_valid_q && !leaves);
    end
  end

  // ------------------------------------------------------------------ what a beat is
  typedef enum logic [1:0] {
    StateScales,
    StateCodes,
    StateDrop     // what is left of the unit
  } state_e;

  state_e              state_q, state_d;
  logic                finished_q;  // every line of the command has been taken
  logic [BeatBits-1:0] unit_beat_q; // of its unit
  logic [1:0]          part_q;      // line of the beat, or beat of the line
  logic                wide, working, collects, issues, unit_ends, last_part;
  logic                row_begins, row_ends, group_ends, panel_ends, block_ends;
  logic [2:0]          record_bits;
  logic [5:0]          group_mask;  // rows of a group - 1
  tile_request_t       place;
  logic [23:0]         row;
  logic [24:0]         column;

  assign wide        = format_i.element == 2'(ElementSigned8);
  assign record_bits = record_bytes_log2(format_i);
  assign group_mask  = 6'h3F >> record_bits;
  assign unit_ends   = (UnitBeats == 1) || (unit_beat_q == BeatBits'(UnitBeats - 1));
  assign working     = active_i && !finished_q && head_valid_q;
  assign last_part   = part_q == (wide ? 2'((WidePieces * WideParts) - 1) :
                                         2'((NarrowPieces * NarrowParts) - 1));
  assign collects    = working && (state_q == StateCodes) && !last_part &&
      ((wide ? WidePieces : NarrowPieces) != 1);
  assign issues      = working && (state_q == StateCodes) && !collects;
  assign taken_o     = issues || leaves;

  beat_walker #(.AxiDataBits(Lanes * 16), .Lanes(Lanes)) u_walker (
    .clk_i,
    .rst_ni,
    .clear_i,
    .row_by_row_i (1'b0),
    .wide_i       (1'b0),
    .rows_i,
    .columns_i,
    .line_i,
    .line_stride_i,
    .advance_i    (issues),
    .request_o    (place),
    .row_o        (row),
    .column_o     (column),
    .last_o       (block_ends)
  );

  assign row_begins = (column & 25'(PanelColumns - 1)) == 25'd0;
  assign row_ends   = ((column + 25'(Lanes)) & 25'(PanelColumns - 1)) == 25'd0;
  assign group_ends = row_ends && ((row[5:0] & group_mask) == group_mask);
  assign panel_ends = row_ends && (row == rows_i - 24'd1);

  always_comb begin : p_state
    state_d = state_q;
    leaves  = 1'b0;
    unique case (state_q)
      StateScales: begin
        leaves = working;
        if (working && unit_ends) state_d = StateCodes;
      end
      StateCodes: begin
        leaves = collects || (issues && (last_part || panel_ends));
        if (issues && panel_ends && !unit_ends) state_d = StateDrop;
        else if (issues && (panel_ends || group_ends)) state_d = StateScales;
      end
      default: begin  // StateDrop
        leaves = head_valid_q;
        if (head_valid_q && unit_ends) state_d = StateScales;
      end
    endcase
  end

  always_ff @(posedge clk_i) begin : p_walk
    if (!rst_ni || clear_i) begin
      state_q     <= StateScales;
      unit_beat_q <= '0;
      part_q      <= '0;
      finished_q  <= 1'b0;
    end else begin
      state_q <= state_d;
      if (leaves) unit_beat_q <= unit_ends ? '0 : unit_beat_q + 1'b1;
      if (collects || issues) part_q <= (last_part || (issues && panel_ends)) ? '0 : part_q + 2'd1;
      finished_q <= (issues && block_ends) || (finished_q && !done_o);
    end
  end

  // ------------------------------------------------------------------ codes
  logic [WideBits-1:0] codes;

  if (WidePieces > 1) begin : gen_collect
    logic [WideBits-AxiDataBits-1:0] collect_q;
    logic [WideBits-1:0]             all;
    logic [NarrowBits-1:0]           narrow;
    assign all = {head, collect_q};
    always_ff @(posedge clk_i) begin : p_collect
      if (collects) collect_q <= (WideBits - AxiDataBits)'(all >> AxiDataBits);
    end
    if (NarrowPieces > 1) begin : gen_pieces
      assign narrow = all[WideBits-1-:NarrowBits];
    end else begin : gen_parts
      assign narrow = head[NarrowBits*(32'(part_q)%NarrowParts)+:NarrowBits];
    end
    assign codes = wide ? all : WideBits'(narrow);
  end else begin : gen_parts
    logic [WideBits-1:0]   all;
    logic [NarrowBits-1:0] narrow;
    assign all    = head[WideBits*(32'(part_q)%WideParts)+:WideBits];
    assign narrow = head[NarrowBits*(32'(part_q)%NarrowParts)+:NarrowBits];
    assign codes  = wide ? all : WideBits'(narrow);
  end

  // ------------------------------------------------------------------ scales
  logic [UnitBits-1:0] scales_q;  // those of the rows to come lowest
  logic [31:0]         panel_position_q, row_position_q;
  logic [15:0]         block_elements, to_next;
  logic [15:0]         first_columns;  // of the row of the panel that have its first scale
  logic [5:0]          first_lanes;    // the same of the line

  always_ff @(posedge clk_i) begin : p_scales
    if (working && (state_q == StateScales)) begin
      scales_q <= UnitBits'({head, scales_q} >> AxiDataBits);
    end else if (issues && row_ends) begin
      scales_q <= scales_q >> (32'd8 << record_bits);
    end
  end

  // Positions begin with the command: they are not looked at before its first scales have come.
  always_ff @(posedge clk_i) begin : p_positions
    if (!active_i || done_o || clear_i) begin
      panel_position_q <= '0;
      row_position_q   <= '0;
    end else if (issues && panel_ends) begin
      panel_position_q <= panel_position_q + 32'(PanelColumns);
      row_position_q   <= panel_position_q + 32'(PanelColumns);
    end else if (issues && row_ends) begin
      row_position_q <= row_position_q + row_elements_i;
    end
  end

  logic [31:0] position;
  assign position       = position_i + row_position_q;
  assign block_elements = 16'd1 << format_i.block_bits;
  assign to_next        = block_elements - (position[15:0] & (block_elements - 16'd1));
  assign first_columns  = format_i.two_scales ? to_next : 16'(PanelColumns);

  always_comb begin : p_first_lanes
    first_lanes = 6'(Lanes);
    if (first_columns <= 16'(column[5:0])) first_lanes = '0;
    else if (first_columns - 16'(column[5:0]) < 16'(Lanes)) begin
      first_lanes = 6'(first_columns - 16'(column[5:0]));
    end
  end

  // What is cleared must not see the format of another command.
  logic clear_n;
  assign clear_n = rst_ni && !clear_i;

  decoded_pair_t pair;
  decoder_scales #(.AxiDataBits(AxiDataBits)) u_scales (
    .clk_i,
    .rst_ni              (clear_n),
    .format_i,
    .row_valid_i         (issues && row_begins),
    .record_i            (scales_q[127:0]),
    .position_i          (position),
    .map_write_valid_i   (levels_write_valid_i),
    .map_write_word_i    (table_write_word_i),
    .nested_write_valid_i(nested_write_valid_i),
    .nested_write_word_i (table_write_word_i),
    .table_write_data_i  (table_write_data_i),
    .pair_o              (pair)
  );

  // ------------------------------------------------------------------ lines on their way
  logic [Latency-1:0]  valid_q;  // [n]: n + 1 cycles after it was taken
  logic [Latency-2:0]  last_q;
  logic                done_q;   // but for what is dropped
  logic                last_comes;
  logic [WideBits-1:0] lane_codes;
  logic [5:0]          lane_first;
  logic [Lanes-1:0]    lane_second;

  always_ff @(posedge clk_i) begin : p_lines
    if (!rst_ni || clear_i) begin
      valid_q <= '0;
      last_q  <= '0;
      done_q  <= 1'b0;
    end else begin
      valid_q <= {valid_q[Latency-2:0], issues};
      last_q  <= {last_q[Latency-3:0], issues && block_ends};
      done_q  <= last_comes && !done_o;
    end
  end
  assign last_comes = last_q[Latency-2] || done_q;
  assign done_o     = last_comes && (state_q != StateDrop);

  delay_line #(.Width(WideBits + 6), .Cycles(ScaleLatency)) u_codes (
    .clk_i, .rst_ni, .advance_i(active_i), .data_i({codes, first_lanes}),
    .data_o({lane_codes, lane_first})
  );
  delay_line #(.Width($bits(tile_request_t)), .Cycles(Latency)) u_places (
    .clk_i, .rst_ni, .advance_i(active_i), .data_i(place), .data_o(write_request_o)
  );

  for (genvar l = 0; l < Lanes; l++) begin : gen_second
    assign lane_second[l] = 6'(l) >= lane_first;
  end

  decoder_lanes #(.Lanes(Lanes)) u_lanes (
    .clk_i,
    .rst_ni  (clear_n),
    .format_i,
    .valid_i (valid_q[ScaleLatency-1]),
    .codes_i (lane_codes),
    .second_i(lane_second),
    .pair_i  (pair),
    .data_o  (write_data_o)
  );

  assign write_valid_o = valid_q[Latency-1] && (write_request_o.count != 8'd0);

`ifndef SYNTHESIS
  always_ff @(posedge clk_i) begin : p_check
    if (rst_ni && !clear_i) begin
      BufferHasRoom: assert (!beat_valid_i || (32'(count_q) < DecoderBeats))
      else $error("weight_decoder: a beat has no place");
      DoneHasCommand: assert (!done_o || active_i)
      else $error("weight_decoder: a command ended that is not there");
    end
  end
`endif

endmodule

`default_nettype wire
