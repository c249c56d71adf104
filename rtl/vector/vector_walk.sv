// Where the beats of a vector command lie: in the region, and in the panels of its streams.
//
// Function: two places, of the first beat of the strip at hand and of the beat at hand. A place is
//   a row, a column, and for a stream the sum of its line and the strides of the panels to the
//   left: of all four streams for the strip, of the instruction's own for the beat.
//   Of a beat that follows in the same slot (beat_i), with `last_in_row` of the beat at hand:
//     WalkRows     the next columns, after the last ones the next row; done once: the same place
//     WalkDown     the next row
//     WalkAcross   the next columns
//   The strip begins at row 0, column 0 (start_i) and gets on
//     with each beat of WalkRows while follow_i is high,
//     else, when next_strip_i, first_strip_i or next_group_i say so, by 8 rows (WalkDown) or a row
//     (WalkAcross); to row 0; by a beat (WalkDown) or 8 beats (WalkAcross) of columns.
//   Steps are powers of two as lines are, so that a stream gets on by no panel, or by as many as a
//   step has lines, at least one.
// Latency: every input takes effect at the end of its cycle; load_i, which makes the strip's first
//   beat the one at hand, knows of what the strip does in its cycle.
// Flow control: none.

`default_nettype none

module vector_walk #(
  parameter int unsigned VectorLanes = 8,
  parameter int unsigned Lanes       = 8
) (
  input  wire logic                       clk_i,
  input  wire logic                       rst_ni,

  input  wire logic [1:0]                 walk_i,
  input  wire logic [23:0]                last_row_i,
  input  wire logic [23:0]                last_column_i,  // of the last beat of a row
  input  wire vector_pkg::stream_t [3:0]  streams_i,

  input  wire logic                       start_i,
  input  wire logic                       follow_i,
  input  wire logic                       next_strip_i,
  input  wire logic                       first_strip_i,
  input  wire logic                       next_group_i,
  output logic                            last_strip_o,   // of the group; of WalkRows never
  output logic                            last_group_o,

  input  wire logic                       load_i,
  input  wire logic [1:0]                 load_stream_i,  // of the instruction that begins
  input  wire logic [1:0]                 stream_i,       // of the one at hand
  input  wire logic                       once_i,
  input  wire logic                       beat_i,
  output logic [23:0]                     row_o,
  output logic [23:0]                     column_o,
  output logic [31:0]                     panel_o,
  output logic                            last_in_row_o,
  output logic                            last_row_o
);

  import interface_pkg::*;
  import vector_pkg::*;

  localparam int unsigned LaneBits = $clog2(Lanes);

  typedef struct packed {
    logic [23:0]      row;
    logic [23:0]      column;
    logic [3:0][31:0] panels;
  } strip_t;

  strip_t      strip_d, strip_q;
  logic [23:0] row_q, column_q;
  logic [31:0] panel_q;
  logic        rows, down, across;

  assign rows   = (walk_i == 2'(WalkRows));
  assign down   = (walk_i == 2'(WalkDown));
  assign across = (walk_i == 2'(WalkAcross));

  typedef logic [LaneBits-1:0] lane_t;

  // Lines to the panel of a stream `amount` columns, or rows of a transposed stream, after the one
  // that lies in `lane`.
  function automatic logic [31:0] lines_to(lane_t lane, int unsigned amount, logic [23:0] stride);
    int unsigned panels;
    panels = (amount > Lanes) ? amount / Lanes : 1;
    return (9'(lane) + 9'(amount) >= 9'(Lanes)) ? 32'(stride) * panels : '0;
  endfunction

  // ------------------------------------------------------------------ strip
  logic             row_step, row_reset, column_step, column_reset;
  logic [3:0][31:0] lines;  // that the streams' panels get on by

  assign row_step     = rows ? follow_i && beat_i && last_in_row_o : next_strip_i;
  assign column_step  = rows ? follow_i && beat_i && !last_in_row_o : next_group_i;
  assign row_reset    = !rows && first_strip_i;
  assign column_reset = rows && row_step;

  always_comb begin : p_strip
    lane_t first;  // lane of a stream that is not broadcast
    strip_d = strip_q;
    if (start_i || row_reset) strip_d.row = '0;
    else if (row_step) strip_d.row = strip_q.row + (down ? 24'(StripBeats) : 24'd1);
    if (start_i || column_reset) strip_d.column = '0;
    else if (column_step) begin
      strip_d.column = strip_q.column + (across ? 24'(StripBeats * VectorLanes) : 24'(VectorLanes));
    end
    for (int unsigned s = 0; s < 4; s++) begin
      first    = LaneBits'(streams_i[s].column) +
          LaneBits'(streams_i[s].transposed ? strip_q.row : strip_q.column);
      lines[s] = '0;
      if (streams_i[s].transposed) begin
        if (row_step && !streams_i[s].broadcast_row) begin
          lines[s] = down ? lines_to(first, StripBeats, streams_i[s].stride) :
                            lines_to(first, 1, streams_i[s].stride);
        end
      end else if (column_step && !streams_i[s].broadcast_column) begin
        lines[s] = across ? lines_to(first, StripBeats * VectorLanes, streams_i[s].stride) :
                            lines_to(first, VectorLanes, streams_i[s].stride);
      end
      strip_d.panels[s] = strip_q.panels[s] + lines[s];
      if (start_i || (streams_i[s].transposed ? row_reset : column_reset)) begin
        strip_d.panels[s] = 32'(streams_i[s].line);
      end
    end
  end

  // A strip of WalkDown begins at a multiple of 8 rows, a group of WalkAcross at one of 8 beats.
  localparam int unsigned RowShift   = $clog2(StripBeats);
  localparam int unsigned GroupShift = $clog2(StripBeats * VectorLanes);
  assign last_strip_o = down ? (strip_q.row[23:RowShift] == last_row_i[23:RowShift]) :
      across && (strip_q.row == last_row_i);
  assign last_group_o = down ? (strip_q.column == last_column_i) :
      rows || (strip_q.column[23:GroupShift] == last_column_i[23:GroupShift]);

  // ------------------------------------------------------------------ beat
  stream_t     stream;
  lane_t       lane;      // of a stream that is not broadcast
  logic        next_row;  // the beat that follows is in it
  logic [23:0] row_d, column_d;
  logic [31:0] panel_d, beat_lines;

  assign stream        = streams_i[stream_i];
  assign last_in_row_o = (column_q == last_column_i);
  assign last_row_o    = (row_q == last_row_i);
  assign next_row      = down || (rows && last_in_row_o);

  assign lane = LaneBits'(stream.column) + LaneBits'(stream.transposed ? row_q : column_q);

  always_comb begin : p_beat
    row_d      = row_q;
    column_d   = column_q;
    beat_lines = '0;
    if (beat_i && !(rows && once_i)) begin
      if (next_row) begin
        row_d = row_q + 24'd1;
        if (rows) column_d = '0;
        if (stream.transposed && !stream.broadcast_row) begin
          beat_lines = lines_to(lane, 1, stream.stride);
        end
      end else begin
        column_d = column_q + 24'(VectorLanes);
        if (!stream.transposed && !stream.broadcast_column) begin
          beat_lines = lines_to(lane, VectorLanes, stream.stride);
        end
      end
    end
    panel_d = panel_q + beat_lines;
    if (beat_i && rows && !once_i && last_in_row_o && !stream.transposed) begin
      panel_d = 32'(stream.line);
    end
    if (load_i) begin
      row_d    = strip_d.row;
      column_d = strip_d.column;
      panel_d  = strip_d.panels[load_stream_i];
    end
  end

  always_ff @(posedge clk_i) begin : p_place
    if (!rst_ni) begin
      strip_q  <= '0;
      row_q    <= '0;
      column_q <= '0;
      panel_q  <= '0;
    end else begin
      strip_q  <= strip_d;
      row_q    <= row_d;
      column_q <= column_d;
      panel_q  <= panel_d;
    end
  end

  assign row_o    = row_q;
  assign column_o = column_q;
  assign panel_o  = panel_q;

  logic unused;  // what a stream is beside its place
  assign unused = ^{streams_i, stream};

endmodule

`default_nettype wire
