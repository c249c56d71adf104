// Fetches the commands of the ring, checks them and deals them out to the queues of the units, in
// order.
//
// Indices: a command's index counts from the last reset, free running in 32 bits; it lies in the
//   ring at ring_base_i + (index & ring_mask_i) * 64. Four indices follow each other: head
//   (the next to deal out), received (the next whose data comes), requested (the next to ask for)
//   and ring_tail_i (the next that the host will write). FetchDepth bounds requested - head, so
//   that the data of everything that was asked for has a place.
// Fetch: in a cycle with enable_i, no stop_i, no earlier fault, requested != tail, requested - head
//   < FetchDepth and the address register free or being emptied (ar_ready_i), the address of
//   `requested` goes into the register: ar_valid_o is high from the next cycle until it is taken. A
//   command is one aligned INCR burst of 64 bytes, so it never crosses a 4 KiB boundary. r_ready_o
//   is constantly 1.
// Dispatch: a command whose last beat comes in cycle t is looked at, at the earliest, in
//   t + Beats + 2: command_buffer hands it on, beat by beat, to the register in which it is looked
//   at. While enable_i is high and stop_i low the command `head`
//     - for a unit is offered to its queue (queue_valid_o, combinational); head advances at the end
//       of the cycle in which queue_ready_i is high, else it blocks;
//     - nop completes at once (completed_o);
//     - halt waits for units_idle_i, then completes (completed_o and halt_done_o) in the same
//       cycle.
//   Space that head frees in cycle t may be asked for in t + 1, and the next command, if it is
//   here, is looked at in t + Beats + 2.
// Faults: fault_o is combinational, for one cycle; after it nothing more is fetched or dealt out
//   until reset, and head stays at the command that failed. In the order in which they are looked
//   for:
//     ring_overrun   ring_long_i: the tail is further ahead than the ring is long. At once.
//     bad_field      ring_odd_i with tail != head: the ring is not aligned to 4096 bytes or its
//                    capacity is not a power of two. At once.
//     bad_response   in the cycle after a beat that was not asked for (r_stray_i: one that names
//                    no requester), or whose r_last_i is not that of its command; looked for at
//                    all times, stop_i and enable_i or not.
//     fetch_error    an error response in a beat of the command; address: the command's.
//     bad_version, illegal_opcode, bad_field of the command, in this order; what is bad:
//                    command_fault.
//     memory_range   the command ends beyond memory_limit_i; address: the command's. Not asked for.
//   All but the first two are found when everything before the command has been dealt out, those of
//   the command itself when it is looked at.
// Stop: while stop_i is high nothing is asked for or dealt out; an address in the register stays
//   until it is taken and outstanding data is received, then idle_o is high. The same holds while
//   enable_i is low, after which work goes on where it was.
// Program: what lies between the first command after a reset or a halt and the next halt.
//   in_program_o is high from the cycle after that first command was dealt out or completed up to
//   the one in which the halt completes.
// Activity: WaitMemory while a command is awaited, or data that nobody wants any more; Latency
//   while one is on its way from the buffer, or a full queue or a halt blocks; Busy in the cycle in
//   which a command is dealt out, completed or found bad; WaitHost while a program goes on and the
//   host has not written its next command; else Idle.

`default_nettype none

module command_processor #(
  parameter int unsigned AxiDataBits = 128,
  // commands in flight or buffered; a power of two
  parameter int unsigned FetchDepth  = interface_pkg::FetchDepth,
  // of the machine, for the checks of commands; powers of two
  parameter int unsigned VectorLanes = 8,
  parameter int unsigned Lanes       = 8,
  // 0: it has no decoder of packed weights
  parameter int unsigned Decoder     = 1
) (
  input  wire logic                        clk_i,
  input  wire logic                        rst_ni,

  input  wire logic                        enable_i,
  input  wire logic                        stop_i,
  input  wire logic [47:0]                 ring_base_i,
  input  wire logic [31:0]                 ring_mask_i,    // entries of the ring - 1
  input  wire logic [31:0]                 ring_tail_i,
  input  wire logic                        ring_long_i,
  input  wire logic                        ring_odd_i,
  input  wire logic [47:0]                 memory_limit_i,
  output logic      [31:0]                 ring_head_o,

  output logic                             ar_valid_o,
  output accelerator_pkg::axi_address_t    ar_o,
  input  wire logic                        ar_ready_i,
  input  wire logic                        r_valid_i,      // only beats with the id of the fetch
  input  wire logic                        r_stray_i,      // a beat with no known id
  input  wire logic [AxiDataBits-1:0]      r_data_i,
  input  wire logic                        r_last_i,
  input  wire logic [1:0]                  r_resp_i,
  output logic                             r_ready_o,

  output logic      [3:0]                  queue_valid_o,  // load, array, vector, store
  output accelerator_pkg::queued_command_t queue_command_o,
  input  wire logic [3:0]                  queue_ready_i,

  input  wire logic                        units_idle_i,   // nothing queued, every unit idle
  output logic                             halt_done_o,
  output logic                             in_program_o,
  output logic                             completed_o,    // a nop or halt is complete

  output interface_pkg::activity_e         activity_o,
  output logic      [31:0]                 current_index_o,
  output logic      [7:0]                  buffered_o,     // commands here that are not dealt out
  output accelerator_pkg::unit_fault_t     fault_o,
  output logic                             idle_o,

  output logic                             burst_o,        // counter events
  output logic                             beat_o
);

  import accelerator_pkg::*;
  import interface_pkg::*;

  localparam int unsigned CommandBytes = CommandBits / 8;
  localparam int unsigned Beats        = CommandBits / AxiDataBits;
  localparam int unsigned BeatBits     = (Beats > 1) ? $clog2(Beats) : 1;
  localparam int unsigned SlotBits     = (FetchDepth > 1) ? $clog2(FetchDepth) : 1;

  if ((AxiDataBits < 64) || (AxiDataBits > CommandBits) ||
      ((AxiDataBits & (AxiDataBits - 1)) != 0)) begin : gen_bad_width
    $error("AxiDataBits must be 64, 128, 256 or 512");
  end
  if ((FetchDepth < 1) || (FetchDepth > 128) ||
      ((FetchDepth & (FetchDepth - 1)) != 0)) begin : gen_bad_depth
    $error("FetchDepth must be a power of two, 1 to 128");
  end

  // Sizes and lines are 24 bits wide inside the units.
  function automatic logic is_size(logic [31:0] value);
    return (value != 32'd0) && (value < 32'h0100_0000);
  endfunction

  function automatic logic is_line(logic [31:0] value);
    return value < 32'h0100_0000;
  endfunction

  function automatic logic is_aligned(logic [31:0] value);
    return (value % 32'(PanelRowBytes)) == 32'd0;
  endfunction

  // Each check looks at its own fields of the command only.
  // verilator lint_off UNUSEDSIGNAL

  // Tokens are 4 * giver + taker: a unit waits only for those given to it and signals only its own.
  function automatic logic own_tokens(nop_command_t header, int unsigned unit);
    return ((header.wait_tokens & ~(16'h1111 << unit)) == 16'd0) &&
        ((header.signal_tokens & ~(16'h000f << (4 * unit))) == 16'd0);
  endfunction

  function automatic logic dma_is_good(load_command_t dma, logic [1:0] last_target);
    return (dma.target <= last_target) &&
        is_aligned(dma.address_lo) && is_aligned(dma.panel_stride) &&
        is_size(dma.rows) && is_size(dma.columns) && is_line(dma.line) && is_line(dma.line_stride);
  endfunction

  // Blocks of packed weights are made of units of 64 bytes.
  function automatic logic quantized_is_good(load_quantized_command_t quantized);
    return ((quantized.address_lo % 32'(PackedUnitBytes)) == 32'd0) &&
        ((quantized.panel_stride % 32'(PackedUnitBytes)) == 32'd0) &&
        is_size(quantized.rows) && is_size(quantized.columns) &&
        is_line(quantized.line) && is_line(quantized.line_stride) &&
        decoder_pkg::is_decodable(decoder_pkg::format_of(quantized));
  endfunction

  function automatic logic scales_is_good(load_scales_command_t scales);
    return is_aligned(scales.address_lo) && is_size(scales.rows) && is_line(scales.first);
  endfunction

  function automatic logic indexed_is_good(gather_command_t indexed);
    return dma_is_good(indexed, 2'd1) && (indexed.rows <= 32'(IndexWords)) &&
        is_aligned(indexed.row_pitch) && (indexed.limit != 32'd0);
  endfunction

  function automatic logic gemm_is_good(gemm_command_t gemm);
    return is_size(gemm.rows) && is_size(gemm.columns) && is_size(gemm.depth) &&
        is_line(gemm.stream_line) && is_line(gemm.stream_stride) &&
        is_line(gemm.stationary_line) && is_line(gemm.stationary_stride) &&
        is_line(gemm.accumulator_line) && is_line(gemm.accumulator_stride);
  endfunction

  // Along a line beats begin where they do in a line.
  function automatic logic stream_is_good(stream_word_t stream, logic [7:0] column);
    return (column < 8'(Lanes)) &&
        (stream.transposed || ((column & 8'(VectorLanes - 1)) == 8'd0));
  endfunction

  function automatic logic vector_is_good(vector_command_t vector);
    return (vector.walk <= 2'(WalkAcross)) && (vector.length != 16'd0) &&
        is_size(vector.rows) && is_size(vector.columns) &&
        stream_is_good(vector.stream0, vector.column0) &&
        stream_is_good(vector.stream1, vector.column1) &&
        stream_is_good(vector.stream2, vector.column2) &&
        stream_is_good(vector.stream3, vector.column3);
  endfunction

  // verilator lint_on UNUSEDSIGNAL

  // FaultNone where the units may rely on the command.
  function automatic fault_e command_fault(logic [CommandBits-1:0] bits);
    nop_command_t header;
    logic         good;
    header = bits;
    if (header.version != InterfaceVersion) return FaultBadVersion;
    unique case (header.opcode)
      OpNop, OpHalt: good = (header.wait_tokens | header.signal_tokens) == 16'd0;  // for units only
      OpLoad:        good = own_tokens(header, QueueLoad) && dma_is_good(bits, 2'd3);
      OpGather:      good = own_tokens(header, QueueLoad) && indexed_is_good(bits);
      OpLoadQuantized: begin
        good = own_tokens(header, QueueLoad) && quantized_is_good(bits);
        if (Decoder == 0) return FaultIllegalOpcode;
      end
      OpLoadScales: begin
        good = own_tokens(header, QueueLoad) && scales_is_good(bits);
        if (Decoder == 0) return FaultIllegalOpcode;
      end
      OpGemm:        good = own_tokens(header, QueueArray) && gemm_is_good(bits);
      OpVector:      good = own_tokens(header, QueueVector) && vector_is_good(bits);
      OpStore:       good = own_tokens(header, QueueStore) && dma_is_good(bits, 2'd1);
      OpScatter:     good = own_tokens(header, QueueStore) && indexed_is_good(bits);
      default:       return FaultIllegalOpcode;
    endcase
    return good ? FaultNone : FaultBadField;
  endfunction

  // ------------------------------------------------------------------ fetch
  logic [31:0]         head_q, received_q, requested_q;
  logic [BeatBits-1:0] beat_q;  // of the command `received`
  logic                ar_valid_q;
  logic [47:0]         ar_address_q;
  logic                faulted_q;
  logic                in_program_q;

  logic                expected, arrives, last_beat, bad_response_q;
  logic                active;  // may ask and deal out
  logic                buffered, held, in_flight;
  logic                may_request, request, in_range, advance;
  logic [48:0]         request_address;  // a bit more: the end of the memory is no special case
  logic [47:0]         head_address;

  assign request_address = {1'b0, ring_base_i} + 49'({requested_q & ring_mask_i, 6'd0});
  assign head_address    = ring_base_i + 48'({head_q & ring_mask_i, 6'd0});
  assign in_range        = request_address + 49'(CommandBytes) <= {1'b0, memory_limit_i};

  assign active      = enable_i && !stop_i && !faulted_q;
  assign buffered    = received_q != head_q;
  assign in_flight   = requested_q != received_q;  // in the address register or beyond
  assign may_request = active && !fault_o.valid && (requested_q != ring_tail_i) &&
                       (requested_q - head_q < 32'(FetchDepth)) && (!ar_valid_q || ar_ready_i);
  assign request     = may_request && in_range;

  // The memory has seen the address of the command that comes next.
  assign expected  = in_flight && !(ar_valid_q && (requested_q - received_q == 32'd1));
  assign arrives   = r_valid_i && expected;
  assign last_beat = beat_q == BeatBits'(Beats - 1);

  assign ar_valid_o   = ar_valid_q;
  assign ar_o.id      = AxiIdFetch;
  assign ar_o.address = ar_address_q;
  assign ar_o.len     = 8'(Beats - 1);
  assign r_ready_o    = 1'b1;

  always_ff @(posedge clk_i) begin : p_fetch
    if (!rst_ni) begin
      head_q       <= '0;
      received_q   <= '0;
      requested_q  <= '0;
      beat_q       <= '0;
      ar_valid_q   <= 1'b0;
      ar_address_q <= '0;
      faulted_q    <= 1'b0;
      in_program_q <= 1'b0;
      bad_response_q <= 1'b0;
    end else begin
      bad_response_q <= r_stray_i || (r_valid_i && (!expected || (r_last_i != last_beat)));
      if (ar_ready_i) ar_valid_q <= 1'b0;
      if (request) begin
        ar_valid_q   <= 1'b1;
        ar_address_q <= request_address[47:0];
        requested_q  <= requested_q + 32'd1;
      end
      if (arrives) begin
        beat_q <= r_last_i ? '0 : beat_q + BeatBits'(1);
        if (r_last_i) received_q <= received_q + 32'd1;
      end
      if (advance) head_q <= head_q + 32'd1;
      if (advance) in_program_q <= !halt_done_o;
      if (fault_o.valid) faulted_q <= 1'b1;
    end
  end

  // ------------------------------------------------------------------ buffer
  logic [FetchDepth-1:0]  error_q;
  logic [SlotBits-1:0]    receive_slot, head_slot;
  logic [CommandBits-1:0] head_bits;

  assign receive_slot = (FetchDepth > 1) ? received_q[SlotBits-1:0] : '0;
  assign head_slot    = (FetchDepth > 1) ? head_q[SlotBits-1:0] : '0;

  always_ff @(posedge clk_i) begin : p_error
    if (arrives) begin
      // AXI: OKAY is 0; EXOKAY never answers a plain read.
      error_q[receive_slot] <= (r_resp_i != 2'd0) || ((beat_q != '0) && error_q[receive_slot]);
    end
  end

  command_buffer #(
    .AxiDataBits(AxiDataBits),
    .FetchDepth (FetchDepth)
  ) u_command_buffer (
    .clk_i,
    .rst_ni,
    .arrives_i     (arrives),
    .receive_slot_i(receive_slot),
    .receive_beat_i(beat_q),
    .data_i        (r_data_i),
    .whole_i       (buffered),
    .head_slot_i   (head_slot),
    .advance_i     (advance),
    .held_o        (held),
    .head_o        (head_bits)
  );

  // ------------------------------------------------------------------ dispatch
  logic [7:0] opcode;
  logic       fetch_fault;
  fault_e     head_fault;
  logic       blocked;

  assign opcode      = head_bits[7:0];  // where it is in every command
  assign fetch_fault = error_q[head_slot];

  always_comb begin : p_check_head
    head_fault = FaultNone;
    if (held) head_fault = fetch_fault ? FaultFetchError : command_fault(head_bits);
  end

  always_comb begin : p_fault
    fault_o = '0;
    if (bad_response_q) begin
      fault_o.cause = FaultBadResponse;
    end else if (active) begin
      if (ring_long_i) begin
        fault_o.cause = FaultRingOverrun;
      end else if (ring_odd_i && (ring_tail_i != head_q)) begin
        fault_o.cause   = FaultBadField;
        fault_o.address = ring_base_i;
      end else if (head_fault != FaultNone) begin
        fault_o.cause = head_fault;
        if (fetch_fault) fault_o.address = head_address;
      end else if ((requested_q == head_q) && (ring_tail_i != head_q) && !in_range) begin
        fault_o.cause   = FaultMemoryRange;
        fault_o.address = head_address;
      end
    end
    fault_o.valid = fault_o.cause != FaultNone;
  end

  always_comb begin : p_dispatch
    queue_valid_o = '0;
    halt_done_o   = 1'b0;
    completed_o   = 1'b0;
    advance       = 1'b0;
    blocked       = 1'b0;
    if (active && held && !fault_o.valid) begin
      unique case (opcode)
        OpLoad, OpGather, OpLoadQuantized, OpLoadScales: queue_valid_o[QueueLoad] = 1'b1;
        OpGemm:             queue_valid_o[QueueArray] = 1'b1;
        OpVector:           queue_valid_o[QueueVector] = 1'b1;
        OpStore, OpScatter: queue_valid_o[QueueStore] = 1'b1;
        OpHalt:             halt_done_o = units_idle_i;
        default:            ;
      endcase
      completed_o = halt_done_o || (opcode == OpNop);
      advance     = completed_o || ((queue_valid_o & queue_ready_i) != '0);
      blocked     = !advance;
    end
  end

  assign queue_command_o.index = head_q;
  assign queue_command_o.bits  = head_bits;

  always_comb begin : p_activity
    activity_o = ActivityIdle;
    if (active && buffered) begin
      activity_o = (blocked || !held) ? ActivityLatency : ActivityBusy;
    end else if (in_flight || (active && (ring_tail_i != head_q))) begin
      activity_o = ActivityWaitMemory;
    end else if (active && in_program_q) begin
      activity_o = ActivityWaitHost;
    end
  end

  assign idle_o              = !in_flight && !(active && buffered);
  assign in_program_o        = in_program_q;
  assign ring_head_o         = head_q;
  assign current_index_o     = head_q;
  assign buffered_o          = 8'(received_q - head_q);
  assign burst_o             = ar_valid_q && ar_ready_i;
  assign beat_o              = arrives;

`ifndef SYNTHESIS
  logic                   waited_q, offered_q;
  logic [47:0]            waited_address_q;
  logic [CommandBits-1:0] offered_bits_q;

  always_ff @(posedge clk_i) begin : p_check
    if (!rst_ni) begin
      waited_q  <= 1'b0;
      offered_q <= 1'b0;
    end else begin
      waited_q         <= ar_valid_o && !ar_ready_i;
      waited_address_q <= ar_o.address;
      offered_q        <= blocked && (queue_valid_o != '0);
      offered_bits_q   <= head_bits;
      ArStable: assert (!waited_q || (ar_valid_o && (ar_o.address == waited_address_q)))
      else $error("an address was offered and withdrawn");
      OfferStable: assert (!offered_q || !active || fault_o.valid ||
          ((queue_valid_o != '0) && (head_bits == offered_bits_q)))
      else $error("a command was offered and withdrawn");
      CommandsFit: assert (requested_q - head_q <= 32'(FetchDepth))
      else $error("more commands asked for than have a place");
    end
  end
`endif

endmodule

`default_nettype wire
