// The store unit: scratchpad (target 0, BF16) or accumulator memory (1, FP32) to memory.
//
// A store of rows x columns writes, for each of the ceil(columns / columns of a memory panel)
// memory panels, its rows of 128 bytes, in the bursts of burst_generator. Every beat is one read of
// a local line (beat_walker); bytes of columns beyond `columns` have no strobe, so a beat may write
// nothing (then nothing is read for it either).
//
// A scatter is a store whose rows lie where the index memory says (indexed_rows): row by row, of
// each row panel by panel. Two rows with one index are written in their order, the later one last.
//
// Timing, in cycles; a command is taken in t (command_valid_i && command_ready_o):
//   command_ready_o  the burst generator has given all bursts of the commands before to AW, fewer
//                    than four commands are without their last response (one in b makes room in b +
//                    1), no stop_i and no fault of this unit. It does not depend on
//                    command_valid_i.
//   t + 1            the first burst is cut, the first beat is read, if there is room; the reads of
//                    a command begin in the cycle after the last read of the command before at the
//                    earliest. The first burst of a scatter is cut in t + 4 + S (S: cycles of a
//                    product, indexed_rows), that of its next row S + 1 cycles after that, or 2
//                    cycles after the last burst of the row before, if that is later.
//   AW               a burst is cut in u and on AW from u + 1, if in u AW is free or taken, and
//                    fewer than outstanding_limit_i bursts are in flight. A burst is in flight from
//                    its first cycle on AW to that of its response, both included. The next burst
//                    can be cut in u + 1.
//   reads            a beat is read in every cycle in which fewer than StoreReadAhead beats are
//                    under way: from the cycle after its read to that in which W takes it, both
//                    included. A beat read in v may be on W from v + 4 on.
//   W                a beat is on W if it has been read and its burst has been cut in an earlier
//                    cycle: so w_valid_o of a burst never comes before its aw_valid_o. It does not
//                    wait for aw_ready_i (AXI forbids that), so a memory that takes W first may see
//                    W of a burst before it takes AW.
//   b                the response of the last burst of a command is taken (b_ready_o is constantly
//                    1).
//   b + 1            completion_o.
//
// activity_o: Busy in a cycle in which a W beat is taken; else WaitMemory with a burst on AW, a
//             beat on W, or all data of the bursts in flight sent; else Latency with a command
//             (local reads on their way); else Idle. A command is held from t + 1 up to and with
//             its completion pulse.
// current_index_o: of the oldest command held; if there is none, it means nothing.
// Faults: memory_range in the cycle after a burst that ends beyond memory_limit_i could be cut,
//         whether or not there is room for it (address of the burst),
//         index_range in the cycle after a row with a bad index could be cut, so when the bursts of
//         the rows before have been, but not before its product could be done with S = 1 (the
//         index, or its place beyond the memory),
//         write_error in the cycle after another response than OKAY (address of its burst),
//         bad_response in the cycle after one of no burst whose data is sent, or with another id
//         than the store's, which is dropped (address of the oldest burst in flight). From
//         the fault or stop_i on no command is taken, no burst cut, no line read, and from stop_i
//         on no command completed; bursts that AW has seen get their W beats (those that were not
//         read yet without strobes) and responses, then idle_o. After a fault of its own the unit
//         needs a reset.
// fault_index_o: with fault_o, the command that it is of; else the command that a local read that
//                takes place in this cycle, which was requested in the one before, is of.
// Flow control: unit protocol; AXI4 AW, W and B.

`default_nettype none

module store_unit #(
  parameter int unsigned AxiDataBits = 128,
  parameter int unsigned Lanes       = 8
) (
  input  wire logic                             clk_i,
  input  wire logic                             rst_ni,

  input  wire logic                             command_valid_i,
  input  wire accelerator_pkg::queued_command_t command_i,
  output logic                                  command_ready_o,
  output accelerator_pkg::completion_t          completion_o,
  output interface_pkg::activity_e              activity_o,
  output logic [31:0]                           current_index_o,
  output logic [31:0]                           fault_index_o,
  output accelerator_pkg::unit_fault_t          fault_o,
  input  wire logic                             stop_i,
  output logic                                  idle_o,

  input  wire logic [47:0]                      memory_limit_i,
  input  wire logic [7:0]                       outstanding_limit_i,  // 1..16
  input  wire logic [8:0]                       burst_beats_i,        // 1..256

  input  wire logic                             index_write_valid_i,  // of the load unit
  input  wire logic [15:0]                      index_write_word_i,
  input  wire logic [AxiDataBits-1:0]           index_write_data_i,

  output logic                                  scratchpad_read_valid_o,
  output accelerator_pkg::tile_request_t        scratchpad_read_request_o,
  input  wire logic [Lanes*16-1:0]              scratchpad_read_data_i,
  output logic                                  accumulator_read_valid_o,
  output accelerator_pkg::tile_request_t        accumulator_read_request_o,
  input  wire logic [Lanes*32-1:0]              accumulator_read_data_i,

  output logic                                  aw_valid_o,
  output accelerator_pkg::axi_address_t         aw_o,
  input  wire logic                             aw_ready_i,
  output logic                                  w_valid_o,
  output logic [AxiDataBits-1:0]                w_data_o,
  output logic [AxiDataBits/8-1:0]              w_strb_o,
  output logic                                  w_last_o,
  input  wire logic                             w_ready_i,
  input  wire logic                             b_valid_i,
  input  wire logic [accelerator_pkg::AxiIdBits-1:0] b_id_i,
  input  wire logic [1:0]                       b_resp_i,
  output logic                                  b_ready_o,

  output logic                                  burst_o,  // for the counters: a burst, a beat
  output logic                                  beat_o
);

  import accelerator_pkg::*;
  import interface_pkg::*;

  localparam int unsigned BeatBytes     = AxiDataBits / 8;
  localparam int unsigned CountBits     = $clog2(StoreReadAhead + 1);
  localparam logic [1:0]  ToAccumulator = 2'(TargetAccumulator);
  localparam logic [1:0]  RespOkay      = 2'b00;
  // Beats of a row of a panel, to base 2.
  localparam int unsigned RowShift      = $clog2(8 * PanelRowBytes / AxiDataBits);

  // What must be known of a command when it is read, and when it is complete.
  typedef struct packed {
    logic [31:0] index;
    logic        wide;
    logic        row_by_row;
    logic [23:0] rows;
    logic [23:0] columns;
    logic [23:0] line;
    logic [23:0] line_stride;
  } placement_t;
  typedef struct packed {
    logic [31:0] index;
    logic [15:0] signal_tokens;
  } held_t;

  // ------------------------------------------------------------------ taking commands
  gather_command_t command;  // that of a scatter has the same fields, of a store no more
  assign command = command_i.bits;

  logic       halted, faulted_q;
  logic       block_ready, placement_ready, held_ready, take_command, is_scatter, giving_rows;
  placement_t incoming, placement;
  held_t      incoming_held, held;
  logic       placement_valid, placement_pop, held_valid, command_done;
  logic [$clog2(StoresHeld+1)-1:0] placement_count, held_count;

  assign halted          = stop_i || faulted_q;
  assign command_ready_o = block_ready && held_ready && !giving_rows && !halted;
  assign take_command    = command_valid_i && command_ready_o;
  assign is_scatter      = command.opcode == OpScatter;

  assign incoming.index              = command_i.index;
  assign incoming.wide               = command.target == ToAccumulator;
  assign incoming.row_by_row         = is_scatter;
  assign incoming.rows               = command.rows[23:0];
  assign incoming.columns            = command.columns[23:0];
  assign incoming.line               = command.line[23:0];
  assign incoming.line_stride        = command.line_stride[23:0];
  assign incoming_held.index         = command_i.index;
  assign incoming_held.signal_tokens = command.signal_tokens;

  // A command is read before it is complete, so there is always a place here for one that is taken.
  fifo #(.Width($bits(placement_t)), .Depth(StoresHeld)) u_placements (
    .clk_i,
    .rst_ni,
    .valid_i(take_command),
    .ready_o(placement_ready),
    .data_i (incoming),
    .valid_o(placement_valid),
    .ready_i(placement_pop || halted),
    .data_o (placement),
    .count_o(placement_count)
  );

  fifo #(.Width($bits(held_t)), .Depth(StoresHeld)) u_held (
    .clk_i,
    .rst_ni,
    .valid_i(take_command),
    .ready_o(held_ready),
    .data_i (incoming_held),
    .valid_o(held_valid),
    .ready_i(command_done || halted),
    .data_o (held),
    .count_o(held_count)
  );

  // ------------------------------------------------------------------ bursts
  logic        burst_valid, burst_take, burst_last, cut, range_fault, index_fault, cutting;
  logic [47:0] burst_address, bad_index;
  logic [7:0]  burst_len;

  logic        block_valid;
  logic [47:0] block_address;
  logic [23:0] block_rows, block_panels, panels;
  logic [31:0] block_panel_stride;

  assign panels = panels_of(incoming.columns, incoming.wide);

  indexed_rows #(.AxiDataBits(AxiDataBits)) u_rows (
    .clk_i,
    .rst_ni,
    .clear_i             (halted),
    .index_write_valid_i,
    .index_write_word_i,
    .index_write_data_i,
    .command_valid_i     (take_command),
    .indexed_i           (is_scatter),
    .command_i           (command),
    .command_panels_i    (panels),
    .block_valid_o       (block_valid),
    .block_ready_i       (block_ready),
    .block_address_o     (block_address),
    .block_rows_o        (block_rows),
    .block_panels_o      (block_panels),
    .block_panel_stride_o(block_panel_stride),
    .index_fault_o       (index_fault),
    .fault_address_o     (bad_index),
    .busy_o              (giving_rows)
  );

  burst_generator #(.AxiDataBits(AxiDataBits)) u_bursts (
    .clk_i,
    .rst_ni,
    .clear_i             (halted),
    .memory_limit_i,
    .burst_beats_i,
    .block_valid_i       (block_valid),
    .block_ready_o       (block_ready),
    .block_address_i     (block_address),
    .block_beats_i       (28'(block_rows) << RowShift),
    .block_panels_i      (block_panels),
    .block_panel_stride_i(block_panel_stride),
    .burst_valid_o       (burst_valid),
    .burst_ready_i       (burst_take),
    .burst_address_o     (burst_address),
    .burst_len_o         (burst_len),
    .burst_last_o        (burst_last),
    .range_fault_o       (range_fault),
    .busy_o              (cutting)
  );
  assign cut = burst_valid && burst_take;

  // Bursts without a response, and the lengths of those without their last W beat.
  logic        in_flight_ready, in_flight_valid, oldest_last, response, bad_answer;
  logic [47:0] oldest_address;  // in the cycle after bad_answer
  logic [4:0]  in_flight_count, lengths_count;
  logic        lengths_ready, length_valid, burst_sent;
  logic [7:0]  length;

  fifo #(.Width(1), .Depth(BurstsOutstanding)) u_in_flight (
    .clk_i,
    .rst_ni,
    .valid_i(cut),
    .ready_o(in_flight_ready),
    .data_i (burst_last && !giving_rows),
    .valid_o(in_flight_valid),
    .ready_i(response),
    .data_o (oldest_last),
    .count_o(in_flight_count)
  );

  burst_addresses u_addresses (
    .clk_i,
    .rst_ni,
    .push_i   (cut),
    .address_i(burst_address),
    .pop_i    (response),
    .look_i   (bad_answer),
    .address_o(oldest_address)
  );

  fifo #(.Width(8), .Depth(BurstsOutstanding)) u_lengths (
    .clk_i,
    .rst_ni,
    .valid_i(cut),
    .ready_o(lengths_ready),
    .data_i (burst_len),
    .valid_o(length_valid),
    .ready_i(burst_sent),
    .data_o (length),
    .count_o(lengths_count)
  );

  // AW, registered: once there, an address stays until it is taken, whatever happens.
  logic         aw_valid_q;
  axi_address_t aw_q;
  assign burst_take = (!aw_valid_q || aw_ready_i) && !halted && in_flight_ready &&
      (8'(in_flight_count) < outstanding_limit_i);

  always_ff @(posedge clk_i) begin
    if (!rst_ni) aw_valid_q <= 1'b0;
    else aw_valid_q <= cut || (aw_valid_q && !aw_ready_i);
  end
  always_ff @(posedge clk_i) begin
    if (cut) begin
      aw_q.id      <= AxiIdStore;
      aw_q.address <= burst_address;
      aw_q.len     <= burst_len;
    end
  end
  assign aw_valid_o = aw_valid_q;
  assign aw_o       = aw_q;
  assign burst_o    = aw_valid_q && aw_ready_i;

  // ------------------------------------------------------------------ local reads
  typedef struct packed {
    logic       valid;
    logic       wide;
    logic [6:0] bytes;  // to be written
  } reading_t;
  typedef struct packed {
    logic [6:0]             bytes;
    logic [AxiDataBits-1:0] data;
  } beat_t;

  logic                 read, read_last;
  tile_request_t        place;
  logic [23:0]          row;
  logic [24:0]          column;
  reading_t             reading_d;
  reading_t             reading_q[TileReadLatency];  // [0]: requested a cycle ago
  reading_t             arriving;
  beat_t                arrived, beat;
  logic                 beat_ready, beat_valid, w_take;
  logic [CountBits-1:0] beat_count;

  logic [4:0] under_way;  // beats
  always_comb begin
    under_way = 5'(beat_count);
    for (int unsigned age = 0; age < TileReadLatency; age++) begin
      under_way += 5'(reading_q[age].valid);
    end
  end

  assign read          = placement_valid && !halted && (under_way < 5'(StoreReadAhead));
  assign placement_pop = read && read_last;

  beat_walker #(.AxiDataBits(AxiDataBits), .Lanes(Lanes)) u_walker (
    .clk_i,
    .rst_ni,
    .clear_i      (halted),
    .row_by_row_i (placement.row_by_row),
    .wide_i       (placement.wide),
    .rows_i       (placement.rows),
    .columns_i    (placement.columns),
    .line_i       (placement.line),
    .line_stride_i(placement.line_stride),
    .advance_i    (read),
    .request_o    (place),
    .row_o        (row),
    .column_o     (column),
    .last_o       (read_last)
  );

  assign scratchpad_read_valid_o    = read && !placement.wide && (place.count != 8'd0);
  assign scratchpad_read_request_o  = place;
  assign accumulator_read_valid_o   = read && placement.wide && (place.count != 8'd0);
  assign accumulator_read_request_o = place;

  assign reading_d.valid = read;
  assign reading_d.wide  = placement.wide;
  assign reading_d.bytes = placement.wide ? 7'(place.count) << 2 : 7'(place.count) << 1;

  always_ff @(posedge clk_i) begin
    for (int unsigned age = 0; age < TileReadLatency; age++) begin
      if (!rst_ni || halted) reading_q[age] <= '0;
      else reading_q[age] <= (age == 0) ? reading_d : reading_q[age-1];
    end
  end

  assign arriving      = reading_q[TileReadLatency-1];
  assign arrived.bytes = arriving.bytes;
  assign arrived.data  = arriving.wide ? AxiDataBits'(accumulator_read_data_i) :
                                         AxiDataBits'(scratchpad_read_data_i);

  // What is here when the unit halts comes before everything that has not been read, so it may
  // still go out.
  fifo #(.Width($bits(beat_t)), .Depth(StoreReadAhead)) u_beats (
    .clk_i,
    .rst_ni,
    .valid_i(arriving.valid && !halted),
    .ready_o(beat_ready),
    .data_i (arrived),
    .valid_o(beat_valid),
    .ready_i(w_take || (halted && !length_valid)),
    .data_o (beat),
    .count_o(beat_count)
  );

  // ------------------------------------------------------------------ W
  logic [7:0] sent_q;  // beats of the burst at hand

  function automatic logic [BeatBytes-1:0] strobes(logic [6:0] bytes);
    return BeatBytes'((65'd1 << bytes) - 65'd1);
  endfunction

  assign w_valid_o  = length_valid && (beat_valid || halted);
  assign w_data_o   = beat.data;
  assign w_strb_o   = beat_valid ? strobes(beat.bytes) : '0;
  assign w_last_o   = sent_q == length;
  assign w_take     = w_valid_o && w_ready_i;
  assign burst_sent = w_take && w_last_o;
  assign beat_o     = w_take;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) sent_q <= '0;
    else if (burst_sent) sent_q <= '0;
    else if (w_take) sent_q <= sent_q + 8'd1;
  end

  // ------------------------------------------------------------------ responses
  // They complete commands and tell of faults.
  logic        expected, bad_response, write_error;
  completion_t completion_q;
  unit_fault_t fault_q, fault_d;
  logic        bad_answer_q;

  assign b_ready_o    = 1'b1;
  // The memory has seen the address and all data of the oldest burst.
  assign expected     = (in_flight_count > lengths_count) &&
      !(aw_valid_q && (in_flight_count == 5'd1)) && (b_id_i == AxiIdStore);
  assign response     = b_valid_i && expected;
  assign bad_response = b_valid_i && !expected && !halted;
  assign write_error  = response && (b_resp_i != RespOkay) && !halted;
  assign bad_answer   = bad_response || write_error;
  assign command_done = response && (b_resp_i == RespOkay) && oldest_last && !halted;

  always_comb begin
    fault_d.valid   = 1'b0;
    fault_d.cause   = FaultNone;
    fault_d.address = '0;
    if (bad_response) begin
      fault_d.valid   = 1'b1;
      fault_d.cause   = FaultBadResponse;
    end else if (write_error) begin
      fault_d.valid   = 1'b1;
      fault_d.cause   = FaultWriteError;
    end else if (range_fault && !halted) begin
      fault_d.valid   = 1'b1;
      fault_d.cause   = FaultMemoryRange;
      fault_d.address = burst_address;
    end else if (index_fault && !halted) begin
      fault_d.valid   = 1'b1;
      fault_d.cause   = FaultIndexRange;
      fault_d.address = bad_index;
    end
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      completion_q <= '0;
      fault_q      <= '0;
      faulted_q    <= 1'b0;
    end else begin
      completion_q.valid         <= command_done;
      completion_q.index         <= held.index;
      completion_q.signal_tokens <= held.signal_tokens;
      fault_q                    <= fault_d;
      faulted_q                  <= faulted_q || fault_d.valid;
    end
    bad_answer_q <= bad_answer;
  end
  always_comb begin
    fault_o = fault_q;
    if (bad_answer_q) fault_o.address = oldest_address;
  end

  // A command that was complete before another one's fault may say so; after stop_i none does.
  assign completion_o.valid         = completion_q.valid && !stop_i;
  assign completion_o.index         = completion_q.index;
  assign completion_o.signal_tokens = completion_q.signal_tokens;

  // Bursts are cut for the command that was taken last; responses are of the oldest one.
  logic [31:0] cut_index_q, fault_index_q, read_index_q;
  always_ff @(posedge clk_i) begin
    if (take_command) cut_index_q <= command_i.index;
    fault_index_q <= bad_answer ? held.index : cut_index_q;
    read_index_q  <= placement.index;
  end
  assign fault_index_o = fault_q.valid ? fault_index_q : read_index_q;

  // ------------------------------------------------------------------ state
  assign idle_o          = !held_valid && !completion_q.valid && !cutting && !giving_rows &&
                           !in_flight_valid && !beat_valid;
  assign current_index_o = completion_q.valid ? completion_q.index : held.index;

  always_comb begin
    activity_o = ActivityIdle;
    if (w_take) begin
      activity_o = ActivityBusy;
    end else if (aw_valid_o || w_valid_o || (in_flight_valid && !length_valid)) begin
      activity_o = ActivityWaitMemory;
    end else if (!idle_o) begin
      activity_o = ActivityLatency;
    end
  end

  // Among them the command's reserved bits and those that are checked before it comes here.
  logic unused;
  assign unused = ^{command, row, column, placement_count, held_count, lengths_count,
                    placement_ready, lengths_ready, beat_ready, scratchpad_read_data_i,
                    accumulator_read_data_i};

`ifndef SYNTHESIS
  logic                     aw_waits_q, w_waits_q, last_before_q;
  axi_address_t             aw_before_q;
  logic [AxiDataBits-1:0]   data_before_q;
  logic [AxiDataBits/8-1:0] strb_before_q;
  always_ff @(posedge clk_i) begin : p_check
    if (!rst_ni) begin
      aw_waits_q <= 1'b0;
      w_waits_q  <= 1'b0;
    end else begin
      aw_waits_q    <= aw_valid_o && !aw_ready_i;
      aw_before_q   <= aw_o;
      w_waits_q     <= w_valid_o && !w_ready_i;
      data_before_q <= w_data_o;
      strb_before_q <= w_strb_o;
      last_before_q <= w_last_o;
      AwStable: assert (!aw_waits_q || (aw_valid_o && (aw_o == aw_before_q)))
      else $error("store_unit: AW changed before it was taken");
      WStable: assert (!w_waits_q || (w_valid_o && (w_data_o == data_before_q) &&
          (w_strb_o == strb_before_q) && (w_last_o == last_before_q)))
      else $error("store_unit: W changed before it was taken");
      CommandHasPlace: assert (!take_command || placement_ready)
      else $error("store_unit: no place for a command");
      BurstHasPlace: assert (!cut || lengths_ready)
      else $error("store_unit: no place for a burst");
      BeatHasPlace: assert (!arriving.valid || beat_ready)
      else $error("store_unit: no place for a beat");
      CommandCompletesOnce: assert (!command_done || held_valid)
      else $error("store_unit: a command completes twice");
      TargetKnown: assert (!take_command || (command.target <= ToAccumulator))
      else $error("store_unit: no such target");
    end
  end
`endif

endmodule

`default_nettype wire
