// The load unit: memory to scratchpad (target 0, BF16), accumulator memory (1, FP32), the program
// memory of the vector unit (2) or the index memory (3).
//
// A load of rows x columns reads, for each of the ceil(columns / columns of a memory panel) memory
// panels, its rows of 128 bytes, in the bursts of burst_generator. Every beat is one write of a
// local line (beat_walker); columns beyond `columns` are read but not written, so a beat may write
// nothing. Targets 2 and 3: one panel, whatever `columns` says; its rows x 16 instructions of 64
// bits, or rows x 32 indices of 32 bits, are written from instruction or index `line` on (modulo
// 2^16; what lies beyond the memory is dropped).
//
// A load_quantized goes through the decoder (weight_decoder), which writes lines of its own; a
// load_scales fills the tables of that.
//
// A gather is a load whose rows lie where the index memory says (indexed_rows): row by row, of each
// row panel by panel. Indices that a load of this unit writes are there once a token of that load
// has come.
//
// Timing, in cycles; a command is taken in t (command_valid_i && command_ready_o):
//   command_ready_o  the burst generator has given all bursts of the commands before to AR, fewer
//                    than four commands wait for data (the last beat of one in r makes room in
//                    r + 1), no stop_i and no fault of this unit. It does not depend on
//                    command_valid_i. For a load_quantized: fewer than two are held; for any
//                    other one: the newest command held is no load_quantized.
//   t + 1            the first burst is cut, if there is room for it; of a gather in t + 4 + S (S:
//                    cycles of a product, indexed_rows), and of its next row S + 1 cycles after
//                    that, or 2 cycles after the last burst of the row before, if that is later.
//   AR               a burst is cut in u and on AR from u + 1, if in u AR is free or taken, and
//                    fewer than outstanding_limit_i bursts are in flight. A burst is in flight from
//                    its first cycle on AR to that of its last beat, both included. The next burst
//                    can be cut in u + 1. One of a load_quantized has at most DecoderBurstBeats
//                    beats, and is not cut while the decoder has not so much room beside what it
//                    holds and what is in flight.
//   r                a beat is taken: r_ready_o is constantly 1, for every beat has its place in a
//                    local memory.
//   r + 1            it is written.
//                    That of a load_quantized goes to the decoder: see there.
//   r + 2            after the last beat of a command, of a load_quantized two cycles after the
//                    decoder is done with it: completion_o. What was written is seen by a
//                    read requested then.
//
// activity_o: Busy in a cycle with a beat, or in which the decoder takes one, or a line; else
//             WaitMemory with a burst on AR or in flight; else Latency with a command; else Idle.
//             A command is held from t + 1 up to and with its completion pulse.
// current_index_o: of the oldest command held; if there is none, it means nothing.
// Faults: memory_range in the cycle after a burst that ends beyond memory_limit_i could be cut,
//         whether or not there is room for it (address of the burst),
//         index_range in the cycle after a row with a bad index could be cut, so when the bursts of
//         the rows before have been, but not before its product could be done with S = 1 (the
//         index, or its place beyond the memory),
//         read_error in the cycle after a beat with another response than OKAY (address of its
//         burst),
//         bad_response in the cycle after a beat of no burst, which is dropped, or one whose
//         r_last_i is not that of its burst (address of the oldest burst in flight). From the
//         fault or stop_i on no command is taken, no burst cut, no beat kept, and from stop_i on no
//         command completed; the beats of bursts that AR has seen are received
//         and dropped, then idle_o. After a fault of its own the unit needs a reset.
// fault_index_o: with fault_o, the command that it is of; else the command that a write of this
//                cycle is of.
// Flow control: unit protocol; AXI4 AR and R.

`default_nettype none

module load_unit #(
  parameter int unsigned AxiDataBits = 128,
  parameter int unsigned Lanes       = 8,
  parameter int unsigned Decoder     = 1    // 0: no load_quantized or load_scales comes
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

  output logic                                  ar_valid_o,
  output accelerator_pkg::axi_address_t         ar_o,
  input  wire logic                             ar_ready_i,
  input  wire logic                             r_valid_i,  // of this unit's id
  input  wire logic [AxiDataBits-1:0]           r_data_i,
  input  wire logic                             r_last_i,
  input  wire logic [1:0]                       r_resp_i,
  output logic                                  r_ready_o,

  output logic                                  scratchpad_write_valid_o,
  output accelerator_pkg::tile_request_t        scratchpad_write_request_o,
  output logic [Lanes*16-1:0]                   scratchpad_write_data_o,
  output logic                                  accumulator_write_valid_o,
  output accelerator_pkg::tile_request_t        accumulator_write_request_o,
  output logic [Lanes*32-1:0]                   accumulator_write_data_o,
  output logic                                  program_write_valid_o,
  output logic [15:0]                           program_write_word_o,  // of the first instruction
  output logic [AxiDataBits-1:0]                program_write_data_o,
  output logic                                  index_write_valid_o,
  output logic [15:0]                           index_write_word_o,  // of the first index
  output logic [AxiDataBits-1:0]                index_write_data_o,

  output logic                                  burst_o,  // for the counters: a burst, a beat
  output logic                                  beat_o,
  output logic                                  decoded_o  // what the scratchpad gets was packed
);

  import accelerator_pkg::*;
  import interface_pkg::*;

  // Beyond the targets of a load: the decoder's tables, and the decoder itself.
  localparam logic [2:0] ToScratchpad  = 3'(TargetScratchpad);
  localparam logic [2:0] ToAccumulator = 3'(TargetAccumulator);
  localparam logic [2:0] ToProgram     = 3'(TargetProgram);
  localparam logic [2:0] ToIndices     = 3'(TargetIndices);
  localparam logic [2:0] ToNested      = 3'd4;
  localparam logic [2:0] ToMap         = 3'd5;
  localparam logic [2:0] ToDecoder     = 3'd6;
  localparam logic [1:0] RespOkay      = 2'b00;
  // Beats of a row of a panel, to base 2.
  localparam int unsigned RowShift     = $clog2(8 * PanelRowBytes / AxiDataBits);

  // What must be known of a command when its data come.
  typedef struct packed {
    logic [31:0] index;
    logic [15:0] signal_tokens;
    logic [2:0]  target;
    logic        row_by_row;
    logic [23:0] rows;
    logic [23:0] columns;
    logic [23:0] line;
    logic [23:0] line_stride;
  } placement_t;

  // ------------------------------------------------------------------ taking commands
  gather_command_t         command;  // a load has no more fields than a gather
  load_quantized_command_t packed_command;
  load_scales_command_t    scales_command;
  assign command        = command_i.bits;
  assign packed_command = command_i.bits;
  assign scales_command = command_i.bits;

  logic       halted, faulted_q, faulted_d;
  logic       block_ready, placement_ready, take_command, is_gather, one_panel;
  logic       is_packed, packed_ready, plain_ready;
  logic       giving_rows;
  placement_t incoming, placement;
  logic       placement_valid, placement_pop;
  logic [$clog2(LoadsWaiting+1)-1:0] placement_count;

  assign halted          = stop_i || faulted_q;
  assign is_packed       = (Decoder != 0) && (command.opcode == OpLoadQuantized);
  assign command_ready_o = block_ready && placement_ready && !giving_rows && !halted &&
      (is_packed ? packed_ready : plain_ready);
  assign take_command    = command_valid_i && command_ready_o;
  assign is_gather       = command.opcode == OpGather;

  // Where its data go.
  logic [2:0] target;
  always_comb begin : p_target
    target = {1'b0, command.target};
    if (is_packed) target = ToDecoder;
    if ((Decoder != 0) && (command.opcode == OpLoadScales)) begin
      target = scales_command.to_map ? ToMap : ToNested;
    end
  end
  assign one_panel = (target != ToScratchpad) && (target != ToAccumulator) && !is_packed;

  assign incoming.index         = command_i.index;
  assign incoming.signal_tokens = command.signal_tokens;
  assign incoming.target        = target;
  assign incoming.row_by_row    = is_gather;
  assign incoming.rows          = command.rows[23:0];
  assign incoming.columns       = one_panel ? 24'd1 : command.columns[23:0];
  assign incoming.line          = command.line[23:0];
  assign incoming.line_stride   = command.line_stride[23:0];

  fifo #(.Width($bits(placement_t)), .Depth(LoadsWaiting)) u_placements (
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

  // ------------------------------------------------------------------ bursts
  logic        burst_valid, burst_take, burst_last, range_fault, index_fault, cutting;
  logic        cut_packed_q;  // what is cut: a block of packed weights
  logic        packed_room;   // there is room for the beats of any of their bursts
  logic [8:0]  most_beats;
  logic [27:0] block_beats, packed_beats;
  logic [47:0] burst_address, bad_index;
  logic [7:0]  burst_len;

  logic        block_valid;
  logic [47:0] block_address;
  logic [23:0] block_rows, block_panels, panels;
  logic [31:0] block_panel_stride;

  assign panels = panels_of(incoming.columns, target == ToAccumulator);

  indexed_rows #(.AxiDataBits(AxiDataBits)) u_rows (
    .clk_i,
    .rst_ni,
    .clear_i             (halted),
    .index_write_valid_i (index_write_valid_o),
    .index_write_word_i  (index_write_word_o),
    .index_write_data_i  (index_write_data_o),
    .command_valid_i     (take_command),
    .indexed_i           (is_gather),
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
    .burst_beats_i       (most_beats),
    .block_valid_i       (block_valid),
    .block_ready_o       (block_ready),
    .block_address_i     (block_address),
    .block_beats_i       (block_beats),
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

  assign block_beats = is_packed && !giving_rows ? packed_beats :
                                                   28'(block_rows) << RowShift;
  assign most_beats  = (cut_packed_q && (burst_beats_i > 9'(DecoderBurstBeats))) ?
      9'(DecoderBurstBeats) : burst_beats_i;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) cut_packed_q <= 1'b0;
    else if (take_command) cut_packed_q <= is_packed;
  end

  // Bursts in flight; the length is kept to check the answer, the address for a fault.
  logic        in_flight_ready, in_flight_valid, last_beat, bad_beat;
  logic        packed_beat;  // the burst at hand is one of packed weights
  logic        ends_command;  // and the last one of its command
  logic [47:0] oldest_address;  // in the cycle after bad_beat
  logic [7:0]  oldest_len;
  logic [4:0]  in_flight_count;

  fifo #(.Width(10), .Depth(BurstsOutstanding)) u_in_flight (
    .clk_i,
    .rst_ni,
    .valid_i(burst_valid && burst_take),
    .ready_o(in_flight_ready),
    .data_i ({cut_packed_q, burst_last && !giving_rows, burst_len}),
    .valid_o(in_flight_valid),
    .ready_i(last_beat),
    .data_o ({packed_beat, ends_command, oldest_len}),
    .count_o(in_flight_count)
  );

  burst_addresses u_addresses (
    .clk_i,
    .rst_ni,
    .push_i   (burst_valid && burst_take),
    .address_i(burst_address),
    .pop_i    (last_beat),
    .look_i   (bad_beat),
    .address_o(oldest_address)
  );

  // AR, registered: once there, an address stays until it is taken, whatever happens.
  logic         ar_valid_q;
  axi_address_t ar_q;
  assign burst_take = (!ar_valid_q || ar_ready_i) && !halted && in_flight_ready &&
      (8'(in_flight_count) < outstanding_limit_i) && (!cut_packed_q || packed_room);

  always_ff @(posedge clk_i) begin
    if (!rst_ni) ar_valid_q <= 1'b0;
    else ar_valid_q <= (burst_valid && burst_take) || (ar_valid_q && !ar_ready_i);
  end
  always_ff @(posedge clk_i) begin
    if (burst_valid && burst_take) begin
      ar_q.id      <= AxiIdLoad;
      ar_q.address <= burst_address;
      ar_q.len     <= burst_len;
    end
  end
  assign ar_valid_o = ar_valid_q;
  assign ar_o       = ar_q;
  assign burst_o    = ar_valid_q && ar_ready_i;

  // ------------------------------------------------------------------ beats
  logic          expected, beat, good_beat, plain_beat, read_error, bad_response, command_last;
  logic          decoder_done;
  logic [7:0]    received_q;  // beats of the burst at hand
  tile_request_t place;
  logic [23:0]   row;
  logic [24:0]   column;

  assign r_ready_o     = 1'b1;
  // The memory has seen the address of the oldest burst.
  assign expected      = in_flight_valid && !(ar_valid_q && (in_flight_count == 5'd1));
  assign beat          = r_valid_i && expected;
  assign bad_response  = r_valid_i && !halted &&
      (!expected || (r_last_i != (received_q == oldest_len)));
  assign beat_o        = beat;
  assign last_beat     = beat && r_last_i;
  assign read_error    = beat && (r_resp_i != RespOkay) && !halted;
  assign bad_beat      = bad_response || read_error;
  assign good_beat     = beat && (r_resp_i == RespOkay) && !halted;
  assign plain_beat    = good_beat && !packed_beat;
  assign placement_pop = (plain_beat && command_last) || decoder_done;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) received_q <= '0;
    else if (beat) received_q <= r_last_i ? '0 : received_q + 8'd1;
  end

  beat_walker #(.AxiDataBits(AxiDataBits), .Lanes(Lanes)) u_walker (
    .clk_i,
    .rst_ni,
    .clear_i      (halted),
    .row_by_row_i (placement.row_by_row),
    .wide_i       (placement.target == ToAccumulator),
    .rows_i       (placement.rows),
    .columns_i    (placement.columns),
    .line_i       (placement.line),
    .line_stride_i(placement.line_stride),
    .advance_i    (plain_beat),
    .request_o    (place),
    .row_o        (row),
    .column_o     (column),
    .last_o       (command_last)
  );

  // What the decoder says.
  logic                   decoded_valid, decoding;
  tile_request_t          decoded_request;
  logic [Lanes*16-1:0]    decoded_data;
  logic [31:0]            receiving_index;  // of the command whose beats come

  // ------------------------------------------------------------------ writes
  // A cycle after the beat.
  logic                   scratchpad_valid_q, accumulator_valid_q, program_valid_q, indices_valid_q;
  logic                   nested_valid_q, map_valid_q;
  tile_request_t          request_q;
  logic [15:0]            word_q;
  logic [AxiDataBits-1:0] data_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      scratchpad_valid_q  <= 1'b0;
      accumulator_valid_q <= 1'b0;
      program_valid_q     <= 1'b0;
      indices_valid_q     <= 1'b0;
      nested_valid_q      <= 1'b0;
      map_valid_q         <= 1'b0;
    end else begin
      scratchpad_valid_q  <=
          plain_beat && (placement.target == ToScratchpad) && (place.count != 8'd0);
      accumulator_valid_q <=
          plain_beat && (placement.target == ToAccumulator) && (place.count != 8'd0);
      program_valid_q     <= plain_beat && (placement.target == ToProgram);
      indices_valid_q     <= plain_beat && (placement.target == ToIndices);
      nested_valid_q      <= plain_beat && (placement.target == ToNested);
      map_valid_q         <= plain_beat && (placement.target == ToMap);
    end
  end
  always_ff @(posedge clk_i) begin
    if (plain_beat) begin
      request_q <= place;
      // A row has 16 instructions of 4 columns each, or 32 indices or scales of 2.
      word_q    <= 16'(placement.line) +
                   ((placement.target == ToProgram) ? (16'(row) << 4) + 16'(column[5:2]) :
                                                      (16'(row) << 5) + 16'(column[5:1]));
      data_q    <= r_data_i;
    end
  end

  assign scratchpad_write_valid_o    = scratchpad_valid_q || decoded_valid;
  assign scratchpad_write_request_o  = decoded_valid ? decoded_request : request_q;
  assign scratchpad_write_data_o     = decoded_valid ? decoded_data : (Lanes * 16)'(data_q);
  assign decoded_o                   = decoded_valid;
  assign accumulator_write_valid_o   = accumulator_valid_q;
  assign accumulator_write_request_o = request_q;
  assign accumulator_write_data_o    = (Lanes * 32)'(data_q);
  assign program_write_valid_o       = program_valid_q;
  assign program_write_word_o        = word_q;
  assign program_write_data_o        = data_q;
  assign index_write_valid_o         = indices_valid_q;
  assign index_write_word_o          = word_q;
  assign index_write_data_o          = data_q;

  // ------------------------------------------------------------------ packed weights
  // The decoder has the beats of several commands; its walk is that of the oldest one. A plain load
  // is not taken before they are complete, so no command overtakes another one, and the tables hold
  // still.
  if (Decoder != 0) begin : gen_decoder
    typedef struct packed {
      logic [31:0]                 position;
      logic [31:0]                 row_elements;
      decoder_pkg::decode_format_t format;
    } packing_t;

    localparam int unsigned PackedWaiting = 2;  // commands of packed weights, at most
    localparam int unsigned HeldBits      = $clog2(DecoderBeats + 1);

    packing_t            incoming_packing, packing;
    logic                packing_valid, description_ready, receiving_ready, receiving_valid;
    logic                taken_packed_q;  // the newest command is one of packed weights
    logic                leaves;
    logic [HeldBits-1:0] held_q;  // beats in the buffer or on their way to it
    logic [$clog2(PackedWaiting+1)-1:0] packing_count;
    logic [$clog2(LoadsWaiting+1)-1:0]  receiving_count;

    assign incoming_packing.position            = packed_command.position;
    assign incoming_packing.row_elements        = packed_command.row_elements;
    assign incoming_packing.format       = decoder_pkg::format_of(packed_command);

    assign packed_ready = description_ready;
    assign plain_ready  = !(taken_packed_q && placement_valid);
    assign packed_beats =
        28'(decoder_pkg::panel_units(command.rows[23:0], incoming_packing.format)) <<
        $clog2(8 * PackedUnitBytes / AxiDataBits);

    fifo #(.Width($bits(packing_t)), .Depth(PackedWaiting)) u_packings (
      .clk_i,
      .rst_ni,
      .valid_i(take_command && is_packed),
      .ready_o(description_ready),
      .data_i (incoming_packing),
      .valid_o(packing_valid),
      .ready_i(decoder_done || halted),
      .data_o (packing),
      .count_o(packing_count)
    );

    // Beats may be those of a later command than the decoder works on.
    fifo #(.Width(32), .Depth(LoadsWaiting)) u_receiving (
      .clk_i,
      .rst_ni,
      .valid_i(take_command),
      .ready_o(receiving_ready),
      .data_i (command_i.index),
      .valid_o(receiving_valid),
      .ready_i((last_beat && ends_command) || halted),
      .data_o (receiving_index),
      .count_o(receiving_count)
    );

    assign packed_room = held_q <= HeldBits'(DecoderBeats - DecoderBurstBeats);
    always_ff @(posedge clk_i) begin : p_held
      if (!rst_ni) begin
        held_q         <= '0;
        taken_packed_q <= 1'b0;
      end else begin
        if (halted) held_q <= '0;
        else begin
          held_q <= held_q - HeldBits'(leaves) +
              ((burst_valid && burst_take && cut_packed_q) ? HeldBits'(burst_len) + 1'b1 : '0);
        end
        if (take_command) taken_packed_q <= is_packed;
      end
    end

    weight_decoder #(.AxiDataBits(AxiDataBits), .Lanes(Lanes)) u_decoder (
      .clk_i,
      .rst_ni,
      .clear_i             (halted),
      .levels_write_valid_i(map_valid_q),
      .nested_write_valid_i(nested_valid_q),
      .table_write_word_i  (word_q),
      .table_write_data_i  (data_q),
      .active_i            (placement_valid && (placement.target == ToDecoder)),
      .rows_i              (placement.rows),
      .columns_i           (placement.columns),
      .line_i              (placement.line),
      .line_stride_i       (placement.line_stride),
      .position_i          (packing.position),
      .row_elements_i      (packing.row_elements),
      .format_i            (packing.format),
      .beat_valid_i        (good_beat && packed_beat),
      .beat_data_i         (r_data_i),
      .leaves_o            (leaves),
      .write_valid_o       (decoded_valid),
      .write_request_o     (decoded_request),
      .write_data_o        (decoded_data),
      .taken_o             (decoding),
      .done_o              (decoder_done)
    );

    logic unused_counts;
    assign unused_counts = ^{packing_count, receiving_count, packing_valid, receiving_valid,
                             receiving_ready};
  end else begin : gen_no_decoder
    assign packed_ready    = 1'b0;
    assign plain_ready     = 1'b1;
    assign packed_room     = 1'b1;
    assign packed_beats    = '0;
    assign decoded_valid   = 1'b0;
    assign decoded_request = '0;
    assign decoded_data    = '0;
    assign decoding        = 1'b0;
    assign decoder_done    = 1'b0;
    assign receiving_index = placement.index;
    logic unused_packed;
    assign unused_packed = ^{packed_command, scales_command, ends_command, nested_valid_q,
                             map_valid_q};
  end

  // ------------------------------------------------------------------ completion
  // Two cycles after the last beat.
  completion_t writing_q, completion_q;
  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      writing_q    <= '0;
      completion_q <= '0;
    end else begin
      writing_q.valid         <= placement_pop;
      writing_q.index         <= placement.index;
      writing_q.signal_tokens <= placement.signal_tokens;
      completion_q            <= writing_q;
    end
  end

  // A command that was whole before another one's fault may complete; after stop_i none does.
  assign completion_o.valid         = completion_q.valid && !stop_i;
  assign completion_o.index         = completion_q.index;
  assign completion_o.signal_tokens = completion_q.signal_tokens;

  // ------------------------------------------------------------------ faults
  unit_fault_t fault_q, fault_d;
  logic        bad_beat_q;
  always_comb begin
    fault_d.valid   = 1'b0;
    fault_d.cause   = FaultNone;
    fault_d.address = '0;
    if (bad_response) begin
      fault_d.valid   = 1'b1;
      fault_d.cause   = FaultBadResponse;
    end else if (read_error) begin
      fault_d.valid   = 1'b1;
      fault_d.cause   = FaultReadError;
    end else if (range_fault && !halted) begin
      fault_d.valid   = 1'b1;
      fault_d.cause   = FaultMemoryRange;
      fault_d.address = burst_address;
    end else if (index_fault && !halted) begin
      fault_d.valid   = 1'b1;
      fault_d.cause   = FaultIndexRange;
      fault_d.address = bad_index;
    end
    faulted_d = faulted_q || fault_d.valid;
  end
  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      fault_q   <= '0;
      faulted_q <= 1'b0;
    end else begin
      fault_q   <= fault_d;
      faulted_q <= faulted_d;
    end
    bad_beat_q <= bad_beat;
  end
  always_comb begin
    fault_o = fault_q;
    if (bad_beat_q) fault_o.address = oldest_address;
  end

  // Bursts are cut for the command that was taken last; beats and their writes are of older ones.
  logic [31:0] cut_index_q, fault_index_q;
  always_ff @(posedge clk_i) begin
    if (take_command) cut_index_q <= command_i.index;
    fault_index_q <= bad_beat ? receiving_index : cut_index_q;
  end
  assign fault_index_o = fault_q.valid   ? fault_index_q :
                         writing_q.valid ? writing_q.index : placement.index;

  // ------------------------------------------------------------------ state
  logic holds_command;
  assign holds_command   = placement_valid || writing_q.valid || completion_q.valid;
  assign idle_o          = !holds_command && !cutting && !giving_rows && !in_flight_valid;
  assign current_index_o = completion_q.valid ? completion_q.index :
                           writing_q.valid    ? writing_q.index : placement.index;

  always_comb begin
    activity_o = ActivityIdle;
    if (beat || decoding) activity_o = ActivityBusy;
    else if (in_flight_valid) activity_o = ActivityWaitMemory;
    else if (!idle_o) activity_o = ActivityLatency;
  end

  // The command's reserved bits and those that are checked before it comes here; instructions have
  // 16-bit indices, 16 a row.
  logic unused;
  assign unused = ^{command, packed_command, scales_command, row, column, placement_count};

`ifndef SYNTHESIS
  logic         ar_waits_q;
  axi_address_t ar_before_q;
  always_ff @(posedge clk_i) begin : p_check
    if (!rst_ni) begin
      ar_waits_q <= 1'b0;
    end else begin
      ar_waits_q  <= ar_valid_o && !ar_ready_i;
      ar_before_q <= ar_o;
      ArStable: assert (!ar_waits_q || (ar_valid_o && (ar_o == ar_before_q)))
      else $error("load_unit: AR changed before it was taken");
      BeatHasCommand: assert (!plain_beat || (placement_valid && (placement.target != ToDecoder)))
      else $error("load_unit: a beat of no command");
      CommandEndsWithBurst: assert (!placement_pop || decoder_done || last_beat || bad_response)
      else $error("load_unit: a burst beyond the end of its command");
      BurstHasCommand: assert (!(burst_valid && burst_take && burst_last) || placement_valid)
      else $error("load_unit: a command is gone before its last burst");
      CommandsFit: assert (32'(placement_count) <= LoadsWaiting)
      else $error("load_unit: too many commands");
      TargetKnown: assert (!take_command || !is_gather || (target <= ToAccumulator))
      else $error("load_unit: no such target");
    end
  end
`endif

endmodule

`default_nettype wire
