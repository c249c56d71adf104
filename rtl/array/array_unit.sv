// The array unit: turns a gemm command into passes over the systolic array.
//
//   accumulator[rows, columns] =
//       (accumulator or +0) + stream[rows, depth] . stationary[depth, columns]
//
// A pass holds one tile of the stationary operand (at most Rows x Columns, never across a panel of
// the local memory) and streams all rows past it. Passes go through the column tiles of one depth
// slice before the next depth slice, so that an accumulator row comes back as late as possible. A
// loader reads tiles one pass ahead of the streamer, also across commands.
//
// Timing, in cycles. R = Rows. Let P(i) be the cycle in which the first read of tile i is
// requested, d(i) its depth, S(i) the cycle in which the first row of pass i is requested, M its
// rows.
//   The loader takes the next command in the cycle of the last read of the present one (or any
//   later one); the cycle after is the first one for its first P.
//   P(i+1) >= P(i) + d(i)        one stationary row is read a cycle
//   P(i+1) >= S(i) + max(R-1, 1) the shadow weights are free from there on
//   S(i)   >= P(i) + 1
//   S(i+1) >= S(i) + M           one row is streamed a cycle
//   Where sums come back: D = 2 R + 3 is the time from a row's request to the first request that
//   may read its sums (the sums' own request comes a cycle after the row's).
//     A first pass of a depth slice (not the first one of a command that starts from +0) starts >=
//     D after the first pass of the slice before; the same holds from a command to an accumulating
//     one of the same rows, columns, and accumulator place; any other accumulating command waits
//     until D after the last row of the command before.
//   Everything happens at the first cycle that fulfils these. A row requested at s is read from the
//   scratchpad (data s + 3), meets its partial sum (requested at s + 1, data s + 4), and is written
//   at s + 4 + 2 R. The completion pulse of a command comes at s + 5 + 2 R of its last row.
//
//   A cycle counts (slot_valid_o) for the kind of the pass that streams, else of the pass that
//   waits for its turn (from P + 1 on), else of the command whose tiles are being read (from the
//   cycle after its acceptance to its last read).
//   From the first cycle with stop_i on nothing is read, streamed or written, and no command
//   completes but one whose pulse is due in that very cycle; the commands that are under way leave
//   one a cycle, then idle_o.
//
// Flow control: the unit protocol (accelerator_pkg); the array itself never stalls.

`default_nettype none

module array_unit #(
  parameter int unsigned Rows    = 8,
  parameter int unsigned Columns = 8,
  parameter int unsigned Lanes   = 8
) (
  input  wire logic                              clk_i,
  input  wire logic                              rst_ni,

  input  wire logic                              command_valid_i,
  output logic                                   command_ready_o,
  input  wire accelerator_pkg::queued_command_t  command_i,
  output accelerator_pkg::completion_t           completion_o,
  output interface_pkg::activity_e               activity_o,
  output logic [31:0]                            current_index_o,
  input  wire logic                              stop_i,
  output logic                                   idle_o,

  output logic                                   stream_read_valid_o,
  output accelerator_pkg::tile_request_t         stream_read_request_o,
  input  wire logic [Lanes*16-1:0]               stream_read_data_i,
  output logic                                   stationary_read_valid_o,
  output accelerator_pkg::tile_request_t         stationary_read_request_o,
  input  wire logic [Lanes*16-1:0]               stationary_read_data_i,
  output logic                                   accumulator_read_valid_o,
  output accelerator_pkg::tile_request_t         accumulator_read_request_o,
  input  wire logic [Lanes*32-1:0]               accumulator_read_data_i,
  output logic                                   accumulator_write_valid_o,
  output accelerator_pkg::tile_request_t         accumulator_write_request_o,
  output logic [Lanes*32-1:0]                    accumulator_write_data_o,

  // For the counters: a cycle that belongs to a kind of gemm; a row is streamed in it; the useful
  // multiply-accumulates of the row that was streamed in the cycle before.
  output logic                                   slot_valid_o,
  output logic [3:0]                             slot_kind_o,
  output logic                                   row_o,
  output logic [15:0]                            macs_o
);

  import accelerator_pkg::*;
  import interface_pkg::*;

  localparam int unsigned LaneBits     = $clog2(Lanes);
  localparam int unsigned RowBits      = (Rows > 1) ? $clog2(Rows) : 1;
  localparam int unsigned PassLatency  = pass_latency(Rows);  // D of the header
  localparam int unsigned SumLatency   = TileReadLatency + 1 + 2 * Rows;  // from a row to its sums

  typedef enum logic [1:0] {
    OrderFree,   // starts from +0: nothing to wait for
    OrderRound,  // D after the first pass of the slice before
    OrderDrain   // D after the last row before
  } order_e;

  // What the streamer must know of a pass.
  typedef struct packed {
    logic [23:0] rows;
    logic        transposed;
    logic [31:0] stream_line;
    logic [31:0] stream_stride;
    logic [7:0]  stream_column;
    logic [31:0] accumulator_line;
    logic [7:0]  accumulator_column;
    logic [7:0]  depth;    // rows of the array in use
    logic [7:0]  columns;  // columns of the array in use
    logic        from_zero;
    logic        round_start;
    order_e      order;
    logic        last;  // of its command
    logic [3:0]  kind;
  } pass_t;

  // Of a tile in one direction.
  typedef struct packed {
    logic [23:0] left;  // from its first element to the end of the matrix
    logic [7:0]  size;
    logic        last;
  } extent_t;

  // At most the array, never across a panel of the local memory.
  function automatic extent_t extent(logic [23:0] left, logic [7:0] offset, logic [7:0] limit);
    logic [7:0] to_panel_end;
    to_panel_end = 8'(Lanes) - offset;
    extent.left  = left;
    extent.size  = (to_panel_end < limit) ? to_panel_end : limit;
    extent.last  = left <= 24'(extent.size);
    if (extent.last) extent.size = left[7:0];
  endfunction

  // The one that follows.
  function automatic extent_t following(logic [23:0] left, logic [7:0] size, logic [7:0] offset,
                                        logic [7:0] limit);
    return extent(left - 24'(size), 8'(LaneBits'(offset + size)), limit);
  endfunction

  // ------------------------------------------------------------------ loader
  logic            loading_q, loading_d;
  gemm_command_t   command_q, command_d;
  logic [23:0]     depth_done_q, depth_done_d;      // first contraction index of the present tile
  logic [23:0]     columns_done_q, columns_done_d;  // first output column of it
  extent_t         depth_q, depth_d;                // of the tile, worked out a tile ahead
  extent_t         columns_q, columns_d;
  // Lines of panels: the one of the stream that holds depth_done, the same of a transposed
  // stationary operand, and that of the accumulator that holds columns_done.
  logic [31:0]     stream_panel_q, stream_panel_d;
  logic [31:0]     stationary_depth_q, stationary_depth_d;
  logic [31:0]     accumulator_panel_q, accumulator_panel_d;
  // The first line of the tile in the stationary operand, and that of the row to be read.
  logic [31:0]     stationary_first_q, stationary_first_d;
  logic [31:0]     stationary_line_q, stationary_line_d;
  logic [7:0]      tile_row_q, tile_row_d;  // next row of the tile to read
  // The command has the rows, columns and accumulator place of the one before.
  logic            chained_q, chained_d;

  pass_t           next_q, next_d;  // the pass that the streamer takes next
  logic            next_valid_q, next_valid_d;

  logic            pass_start;  // the streamer starts next_q in this cycle
  logic [15:0]     since_start_q;
  logic            accept;

  logic [7:0]      depth_offset, column_offset;
  logic            read_now, tile_last_row;

  assign depth_offset  = 8'(depth_done_q[LaneBits-1:0]);
  assign column_offset = 8'(columns_done_q[LaneBits-1:0]);

  localparam int unsigned ShadowFree = (Rows > 2) ? Rows - 1 : 1;
  assign read_now = loading_q && !stop_i &&
                    ((tile_row_q != 8'd0) || (!next_valid_q && (since_start_q >= 16'(ShadowFree))));
  assign tile_last_row = tile_row_q + 8'd1 == depth_q.size;

  logic pending_full, loader_ends;
  // The next command is taken while the last row of the present one's last tile is read.
  assign loader_ends     = read_now && tile_last_row && columns_q.last && depth_q.last;
  assign command_ready_o = (!loading_q || loader_ends) && !pending_full && !stop_i;
  assign accept          = command_valid_i && command_ready_o;

  gemm_command_t incoming;
  assign incoming = gemm_command_t'(command_i.bits);

  always_comb begin : p_loader
    loading_d           = loading_q;
    command_d           = command_q;
    depth_done_d        = depth_done_q;
    columns_done_d      = columns_done_q;
    depth_d             = depth_q;
    columns_d           = columns_q;
    stream_panel_d      = stream_panel_q;
    stationary_depth_d  = stationary_depth_q;
    accumulator_panel_d = accumulator_panel_q;
    stationary_first_d  = stationary_first_q;
    stationary_line_d   = stationary_line_q;
    tile_row_d          = tile_row_q;
    chained_d           = chained_q;

    if (accept) begin
      loading_d           = 1'b1;
      command_d           = incoming;
      depth_done_d        = '0;
      columns_done_d      = '0;
      depth_d             = extent(incoming.depth[23:0], 8'd0, 8'(Rows));
      columns_d           = extent(incoming.columns[23:0], 8'd0, 8'(Columns));
      stream_panel_d      = incoming.stream_line;
      stationary_depth_d  = incoming.stationary_line;
      accumulator_panel_d = incoming.accumulator_line;
      stationary_first_d  = incoming.stationary_line;
      stationary_line_d   = incoming.stationary_line;
      tile_row_d          = '0;
      chained_d = (incoming.rows == command_q.rows) && (incoming.columns == command_q.columns) &&
                  (incoming.accumulator_line == command_q.accumulator_line) &&
                  (incoming.accumulator_stride == command_q.accumulator_stride);
    end else if (read_now) begin
      tile_row_d = tile_row_q + 8'd1;
      if (!command_q.stationary_transposed) stationary_line_d = stationary_line_q + 32'd1;
      if (tile_last_row) begin
        tile_row_d = '0;
        if (!columns_q.last) begin
          columns_done_d = columns_done_q + 24'(columns_q.size);
          columns_d      = following(columns_q.left, columns_q.size, column_offset, 8'(Columns));
          if (command_q.stationary_transposed) begin
            stationary_first_d = stationary_first_q + 32'(columns_q.size);
          end
          if (column_offset + columns_q.size == 8'(Lanes)) begin
            if (!command_q.stationary_transposed) begin
              stationary_first_d = stationary_first_q + command_q.stationary_stride;
            end
            accumulator_panel_d = accumulator_panel_q + command_q.accumulator_stride;
          end
        end else begin
          columns_done_d      = '0;
          columns_d           = extent(command_q.columns[23:0], 8'd0, 8'(Columns));
          accumulator_panel_d = command_q.accumulator_line;
          depth_done_d        = depth_done_q + 24'(depth_q.size);
          depth_d             = following(depth_q.left, depth_q.size, depth_offset, 8'(Rows));
          if (depth_offset + depth_q.size == 8'(Lanes)) begin
            stream_panel_d     = stream_panel_q + command_q.stream_stride;
            stationary_depth_d = stationary_depth_q + command_q.stationary_stride;
          end
          stationary_first_d = command_q.stationary_transposed ?
              stationary_depth_d : command_q.stationary_line + 32'(depth_done_d);
          if (depth_q.last) loading_d = 1'b0;
        end
        stationary_line_d = stationary_first_d;
      end
    end
    if (stop_i) loading_d = 1'b0;
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      loading_q  <= 1'b0;
      tile_row_q <= '0;
    end else begin
      loading_q  <= loading_d;
      tile_row_q <= tile_row_d;
    end
  end
  always_ff @(posedge clk_i) begin
    command_q           <= command_d;
    depth_done_q        <= depth_done_d;
    columns_done_q      <= columns_done_d;
    depth_q             <= depth_d;
    columns_q           <= columns_d;
    stream_panel_q      <= stream_panel_d;
    stationary_depth_q  <= stationary_depth_d;
    accumulator_panel_q <= accumulator_panel_d;
    stationary_first_q  <= stationary_first_d;
    stationary_line_q   <= stationary_line_d;
    chained_q           <= chained_d;
  end

  // Read a row of the tile: along a line, or (transposed) down as many lines as it has columns.
  assign stationary_read_valid_o = read_now;
  always_comb begin
    stationary_read_request_o.transposed = command_q.stationary_transposed;
    stationary_read_request_o.count      = columns_q.size;
    stationary_read_request_o.line       = stationary_line_q;
    stationary_read_request_o.column     = command_q.stationary_transposed ?
        depth_offset + tile_row_q : column_offset;
  end

  // The pass is handed to the streamer with the first read of its tile.
  always_comb begin : p_next
    next_d       = next_q;
    next_valid_d = next_valid_q && !pass_start;
    if (read_now && (tile_row_q == 8'd0)) begin
      next_valid_d              = 1'b1;
      next_d.rows               = command_q.rows[23:0];
      next_d.transposed         = command_q.stream_transposed;
      next_d.stream_stride      = command_q.stream_stride;
      next_d.stream_line        = command_q.stream_transposed ?
          command_q.stream_line + 32'(depth_done_q) : stream_panel_q;
      next_d.stream_column      = command_q.stream_transposed ? 8'd0 : depth_offset;
      next_d.accumulator_line   = accumulator_panel_q;
      next_d.accumulator_column = column_offset;
      next_d.depth              = depth_q.size;
      next_d.columns            = columns_q.size;
      next_d.from_zero          = (depth_done_q == '0) && !command_q.accumulate;
      next_d.round_start        = columns_done_q == '0;
      next_d.last               = columns_q.last && depth_q.last;
      next_d.kind               = command_q.kind;
      if (next_d.from_zero || !next_d.round_start) next_d.order = OrderFree;
      else if ((depth_done_q != '0) || chained_q) next_d.order = OrderRound;
      else next_d.order = OrderDrain;
    end
    if (stop_i) next_valid_d = 1'b0;
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      next_valid_q <= 1'b0;
    end else begin
      next_valid_q <= next_valid_d;
    end
  end
  always_ff @(posedge clk_i) next_q <= next_d;

  // The tile's rows reach the shadow weights TileReadLatency later.
  logic [TileReadLatency-1:0]      weight_valid_q;
  logic [TileReadLatency-1:0][RowBits-1:0] weight_row_q;
  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      weight_valid_q <= '0;
      weight_row_q   <= '0;
    end else begin
      weight_valid_q <= {weight_valid_q[TileReadLatency-2:0], read_now};
      weight_row_q   <= {weight_row_q[TileReadLatency-2:0], tile_row_q[RowBits-1:0]};
    end
  end

  // ------------------------------------------------------------------ streamer
  logic        streaming_q, streaming_d;
  pass_t       pass_q, pass;         // the pass being streamed
  logic [23:0] row_q, row;           // its row
  logic [31:0] line_q, line;         // where that row lies
  logic [7:0]  column_q, column;
  logic        row_issue, row_last;
  logic [15:0] since_round_q, since_row_q;
  logic        order_kept;

  always_comb begin
    unique case (next_q.order)
      OrderRound: order_kept = since_round_q >= 16'(PassLatency);
      OrderDrain: order_kept = since_row_q >= 16'(PassLatency);
      default:    order_kept = 1'b1;
    endcase
  end

  assign pass_start = !streaming_q && next_valid_q && order_kept && !stop_i;
  assign row_issue  = (streaming_q && !stop_i) || pass_start;
  assign pass       = streaming_q ? pass_q : next_q;
  assign row        = streaming_q ? row_q : '0;
  assign line       = streaming_q ? line_q : next_q.stream_line;
  assign column     = streaming_q ? column_q : next_q.stream_column;
  assign row_last   = row + 24'd1 == pass.rows;
  assign streaming_d = row_issue && !row_last;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      streaming_q   <= 1'b0;
      pass_q        <= '0;
      row_q         <= '0;
      line_q        <= '0;
      column_q      <= '0;
      since_start_q <= '1;
      since_round_q <= '1;
      since_row_q   <= '1;
    end else begin
      streaming_q <= streaming_d;
      if (row_issue) begin
        pass_q <= pass;
        row_q  <= row + 24'd1;
        if (!pass.transposed) begin
          line_q   <= line + 32'd1;
          column_q <= column;
        end else if (column + 8'd1 == 8'(Lanes)) begin
          line_q   <= line + pass.stream_stride;
          column_q <= '0;
        end else begin
          line_q   <= line;
          column_q <= column + 8'd1;
        end
      end
      // Cycles since ..., saturating.
      since_start_q <= pass_start ? 16'd1 : since_start_q + 16'(since_start_q != '1);
      since_round_q <= (pass_start && next_q.round_start) ?
          16'd1 : since_round_q + 16'(since_round_q != '1);
      since_row_q   <= row_issue ? 16'd1 : since_row_q + 16'(since_row_q != '1);
    end
  end

  assign stream_read_valid_o              = row_issue;
  assign stream_read_request_o.transposed = pass.transposed;
  assign stream_read_request_o.count      = pass.depth;
  assign stream_read_request_o.column     = column;
  assign stream_read_request_o.line       = line;

  // The partial sum of a row is asked for one cycle later, so that it meets the row's first
  // product.
  logic          sum_valid_q, sum_from_zero_q;
  tile_request_t sum_request_q;
  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      sum_valid_q     <= 1'b0;
      sum_from_zero_q <= 1'b0;
      sum_request_q   <= '0;
    end else begin
      sum_valid_q     <= row_issue;
      sum_from_zero_q <= pass.from_zero;
      if (row_issue) begin
        sum_request_q.transposed <= 1'b0;
        sum_request_q.count      <= pass.columns;
        sum_request_q.column     <= pass.accumulator_column;
        sum_request_q.line       <= pass.accumulator_line + 32'(row);
      end
    end
  end
  assign accumulator_read_valid_o   = sum_valid_q && !sum_from_zero_q && !stop_i;
  assign accumulator_read_request_o = sum_request_q;

  // Control that travels with the row: s + 3 into the array, s + 4 its partial sum, s + 4 + 2 R
  // out.
  logic [SumLatency:1]           row_valid_q, row_completes_q;  // index: cycles since the request
  logic [TileReadLatency+1:1]    from_zero_q;
  logic [TileReadLatency:1]      first_q;
  logic [TileReadLatency:1][7:0] row_depth_q;
  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      row_valid_q     <= '0;
      row_completes_q <= '0;
      from_zero_q     <= '0;
      first_q         <= '0;
      row_depth_q     <= '0;
    end else begin
      row_valid_q     <= stop_i ? '0 : {row_valid_q[SumLatency-1:1], row_issue};
      row_completes_q <= stop_i ?
          '0 : {row_completes_q[SumLatency-1:1], row_issue && row_last && pass.last};
      from_zero_q     <= {from_zero_q[TileReadLatency:1], pass.from_zero};
      first_q         <= {first_q[TileReadLatency-1:1], pass_start};
      row_depth_q     <= {row_depth_q[TileReadLatency-1:1], pass.depth};
    end
  end

  logic [Columns-1:0][31:0] psum_in, psum_out;
  logic [Rows-1:0][15:0]    stream_row;
  logic [Columns-1:0][15:0] stationary_row;
  always_comb begin
    for (int unsigned r = 0; r < Rows; r++) stream_row[r] = stream_read_data_i[r*16+:16];
    for (int unsigned c = 0; c < Columns; c++) begin
      stationary_row[c] = stationary_read_data_i[c*16+:16];
      psum_in[c]        = from_zero_q[TileReadLatency+1] ?
          32'd0 : accumulator_read_data_i[c*32+:32];
    end
  end

  systolic_array #(.Rows(Rows), .Columns(Columns)) u_systolic_array (
    .clk_i,
    .rst_ni,
    .row_valid_i   (row_valid_q[TileReadLatency]),
    .row_first_i   (first_q[TileReadLatency]),
    .row_depth_i   (row_depth_q[TileReadLatency]),
    .x_i           (stream_row),
    .psum_i        (psum_in),
    .psum_o        (psum_out),
    .weight_valid_i(weight_valid_q[TileReadLatency-1]),
    .weight_row_i  (weight_row_q[TileReadLatency-1]),
    .weight_i      (stationary_row)
  );

  // Where the sums go: the request of the read, delayed.
  tile_request_t write_request;
  delay_line #(.Width($bits(tile_request_t)), .Cycles(SumLatency - 1)) u_write_place (
    .clk_i,
    .rst_ni,
    .advance_i(row_valid_q != '0),
    .data_i   (sum_request_q),
    .data_o   (write_request)
  );
  assign accumulator_write_valid_o   = row_valid_q[SumLatency] && !stop_i;
  assign accumulator_write_request_o = write_request;
  always_comb begin
    accumulator_write_data_o = '0;
    for (int unsigned c = 0; c < Columns; c++) accumulator_write_data_o[c*32+:32] = psum_out[c];
  end

  // ------------------------------------------------------------------ completion
  // Commands complete in order. A command holds the loader for at least one cycle and its last row
  // at most 2 R + 5 cycles later; passes start at least max(R - 1, 1) + 1 cycles apart, so fewer
  // than GemmsPending are under way.
  typedef struct packed {
    logic [31:0] index;
    logic [15:0] signal_tokens;
  } pending_t;
  pending_t pending_in, pending_out;
  logic     pending_ready, pending_valid, retire;
  logic [$clog2(GemmsPending+1)-1:0] pending_count;
  assign pending_in.index         = command_i.index;
  assign pending_in.signal_tokens = incoming.signal_tokens;
  assign pending_full             = !pending_ready;
  assign retire                   = row_completes_q[SumLatency];

  fifo #(.Width($bits(pending_t)), .Depth(GemmsPending)) u_pending (
    .clk_i,
    .rst_ni,
    .valid_i(accept),
    .ready_o(pending_ready),
    .data_i (pending_in),
    .valid_o(pending_valid),
    .ready_i(retire || stop_i),
    .data_o (pending_out),
    .count_o(pending_count)
  );

  completion_t completion_q;
  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      completion_q <= '0;
    end else begin
      completion_q.valid         <= retire && !stop_i;
      completion_q.index         <= pending_out.index;
      completion_q.signal_tokens <= pending_out.signal_tokens;
    end
  end
  assign completion_o = completion_q;

  assign idle_o          = !pending_valid && !completion_q.valid;
  assign current_index_o = completion_q.valid ? completion_q.index : pending_out.index;
  always_comb begin
    if (row_issue) activity_o = ActivityBusy;
    else if (!idle_o) activity_o = ActivityLatency;
    else activity_o = ActivityIdle;
  end

  // ------------------------------------------------------------------ events
  // A cycle belongs to the pass that streams, or else to the pass whose turn it is, or else to the
  // tile being read.
  assign slot_valid_o = row_issue || next_valid_q || loading_q;
  assign slot_kind_o  = (row_issue || next_valid_q) ? pass.kind : command_q.kind;
  assign row_o        = row_issue;

  // Multiplied once a pass.
  logic [15:0] macs_q;
  always_ff @(posedge clk_i) begin
    if (pass_start) macs_q <= 16'(next_q.depth) * 16'(next_q.columns);
  end
  assign macs_o = macs_q;

  logic unused;
  assign unused = ^{command_q.reserved0, command_q.reserved1, command_q.opcode, command_q.version,
                    command_q.wait_tokens, command_q.signal_tokens, command_i.bits[0],
                    pending_count, pass.order, pass.round_start};

`ifndef SYNTHESIS
  always_ff @(posedge clk_i) begin : p_check
    if (rst_ni) begin
      CompletedWasAccepted: assert (!retire || pending_valid)
      else $error("a command completes that was never accepted");
      CommandIsGemm: assert (!accept || (incoming.opcode == OpGemm))
      else $error("the array unit was given another unit's command");
      TileNotEmpty: assert (!read_now || ((depth_q.size != 8'd0) && (columns_q.size != 8'd0)))
      else $error("an empty tile");
    end
  end
`endif

endmodule

`default_nettype wire
