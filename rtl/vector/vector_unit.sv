// Vector unit: runs a program of `length` instructions over every element of a rows x columns
// region, element by element, without branches.
//
// Function. A beat is up to VectorLanes consecutive columns of one row, from a multiple of
//   VectorLanes on; beats go row by row, left to right. A strip is 8 consecutive beats (the last
//   strip: what is left). For each strip, every instruction is executed for all its beats, in
//   order, before the next instruction begins. There are 16 registers of 8 beats; an instruction
//   works on the elements that the strip's beats have in them. Registers are not cleared: a program
//   writes one before it reads it. It ends with a store: what another last instruction writes is
//   not there yet when the next command begins.
//   Element (i, j) of a stream lies at line + (j / Lanes) * stride + i, column j % Lanes; of a
//   transposed one at line + (i / Lanes) * stride + j, column i % Lanes. Of a broadcast row
//   i counts as 0. Line numbers have 32 bits; what lies outside the memory is tile_memory's fault
//   to report.
//
// Timing, in cycles; nothing but rows, columns and the opcodes counts.
//   t              the command is accepted (command_valid_i and command_ready_o)
//   t+1, t+2       the first instruction is fetched
//   t+3            first strip, first instruction, first beat is issued
//   Each instruction of each strip of n beats has a slot of
//     n * interval + max(0, 7 - n)        interval: 1; divide_latency for an iterative instruction
//   cycles, one slot right behind the other; beat k is issued in cycle k * interval of its slot.
//   A load's request is on scratchpad_read_* or accumulator_read_* in the cycle after its issue,
//   its data is taken TileReadLatency later; a store's request and data are on *_write_* two cycles
//   after its issue. The empty cycles of a short slot keep an instruction from reading what the one
//   before it has not yet written (ResultLatency, 7 cycles, from issue to issue).
//   After the last slot one cycle drains the last store. completion_o comes in the cycle after
//   that, in which the last store is written; command_ready_o is high again in that same cycle.
//   With
//   B = rows * ceil(columns / VectorLanes):
//     completion - acceptance = 4 + B * (sum of the program's intervals)
//                                 + (B % 8 in {1 .. 6} ? (7 - B % 8) * length : 0)
//   activity_o: Latency while fetching, in the empty cycles of a slot and while draining, Busy in
//   B * (sum of intervals) cycles, else Idle.
//
// Faults: when an instruction without a meaning, or with an index beyond the program memory, would
//   be the next to start, illegal_instruction is raised (address: its index) in the cycle in which
//   it would have issued its first beat; nothing follows until reset. Earlier instructions of the
//   strip are done.
// stop_i: from the next cycle on nothing is issued; idle_o at most three cycles after stop_i. Only
//   a reset ends it if a command was abandoned.

`default_nettype none

module vector_unit #(
  parameter int unsigned VectorLanes  = 8,    // a power of two, at most Lanes
  parameter int unsigned Lanes        = 8,    // elements of a line of the local memories, ditto
  parameter int unsigned AxiDataBits  = 128,
  // digits a cycle of a division or square root, 1 or 2
  parameter int unsigned BitsPerCycle = interface_pkg::DivideDigitsPerCycle
) (
  input  wire logic                                clk_i,
  input  wire logic                                rst_ni,

  input  wire logic                                command_valid_i,
  input  wire accelerator_pkg::queued_command_t    command_i,
  output logic                                     command_ready_o,
  output accelerator_pkg::completion_t             completion_o,
  output interface_pkg::activity_e                 activity_o,
  output logic [31:0]                              current_index_o,
  output accelerator_pkg::unit_fault_t             fault_o,
  input  wire logic                                stop_i,
  output logic                                     idle_o,

  // From the load unit
  input  wire logic                                program_write_valid_i,
  input  wire logic [15:0]                         program_write_word_i,
  input  wire logic [AxiDataBits-1:0]              program_write_data_i,

  // Local memories; data of a read TileReadLatency after its request. Of a line that is wider than
  // a beat, the first elements are used.
  output logic                                     scratchpad_read_valid_o,
  output accelerator_pkg::tile_request_t           scratchpad_read_request_o,
  input  wire logic [Lanes*16-1:0]                 scratchpad_read_data_i,
  output logic                                     accumulator_read_valid_o,
  output accelerator_pkg::tile_request_t           accumulator_read_request_o,
  input  wire logic [Lanes*32-1:0]                 accumulator_read_data_i,
  output logic                                     scratchpad_write_valid_o,
  output accelerator_pkg::tile_request_t           scratchpad_write_request_o,
  output logic [Lanes*16-1:0]                      scratchpad_write_data_o,
  output logic                                     accumulator_write_valid_o,
  output accelerator_pkg::tile_request_t           accumulator_write_request_o,
  output logic [Lanes*32-1:0]                      accumulator_write_data_o,

  // For the counters: elements computed or rounded in this cycle
  output accelerator_pkg::counter_event_t          event_o
);

  import accelerator_pkg::*;
  import interface_pkg::*;

  localparam int unsigned Interval = divide_latency(BitsPerCycle);  // of iterative instructions
  localparam int unsigned LaneBits = $clog2(Lanes);

  if ((VectorLanes > Lanes) || ((1 << $clog2(VectorLanes)) != VectorLanes) ||
      ((1 << LaneBits) != Lanes)) begin : gen_bad_parameter
    $error("VectorLanes and Lanes must be powers of two, VectorLanes <= Lanes");
  end

  // A beat, and for each stream the sum of line and strides up to it.
  typedef struct packed {
    logic [23:0]      row;
    logic [23:0]      column;
    logic [3:0][31:0] panel;
  } position_t;

  typedef enum logic [2:0] {
    StateIdle,
    StateFetch,    // the first instruction is being read
    StateStart,    // the first instruction is there
    StateRun,
    StateDrain,    // the last store is on its way
    StateStopped   // until reset
  } state_e;

  // ------------------------------------------------------------------ command
  vector_command_t command;
  assign command = command_i.bits;

  state_e             state_d, state_q;
  logic               accept;
  logic [31:0]        index_q;
  logic [15:0]        signal_tokens_q;
  logic [15:0]        first_instruction_q, length_q;
  logic [23:0]        rows_q, columns_q;
  stream_word_t [3:0] streams_q;
  logic [3:0][31:0]   strides_q;

  assign command_ready_o = (state_q == StateIdle) && !stop_i;
  assign accept          = command_valid_i && command_ready_o;
  assign current_index_o = index_q;

  always_ff @(posedge clk_i) begin : p_command
    if (!rst_ni) begin
      index_q             <= '0;
      signal_tokens_q     <= '0;
      first_instruction_q <= '0;
      length_q            <= '0;
      rows_q              <= '0;
      columns_q           <= '0;
      streams_q           <= '0;
      strides_q           <= '0;
    end else if (accept) begin
      index_q             <= command_i.index;
      signal_tokens_q     <= command.signal_tokens;
      first_instruction_q <= command.first_instruction;
      length_q            <= command.length;
      rows_q              <= command.rows[23:0];
      columns_q           <= command.columns[23:0];
      streams_q           <= {command.stream3, command.stream2, command.stream1, command.stream0};
      strides_q           <= {32'(command.stride3), 32'(command.stride2), 32'(command.stride1),
                              32'(command.stride0)};
    end
  end

  // ------------------------------------------------------------------ program
  // The instruction at hand, and the one after it, which is fetched meanwhile.
  logic                start_slot;    // the fetched instruction becomes the one at hand
  logic                start_slot_q;  // so the next one is fetched
  logic [16:0]         fetch_index_q;
  logic [15:0]         fetch_left_q;  // instructions of the program from the fetched one on
  logic [63:0]         fetched_bits;
  vector_instruction_t fetched, instruction_q;
  logic                fetched_illegal;
  logic                last_instruction_q;

  beat_memory #(
    .AxiDataBits(AxiDataBits),
    .WordBits   (64),
    .Words      (ProgramInstructions)
  ) u_program_memory (
    .clk_i,
    .write_valid_i(program_write_valid_i),
    .write_word_i (program_write_word_i),
    .write_data_i (program_write_data_i),
    .read_enable_i((state_q == StateFetch) || start_slot_q),
    .read_index_i (fetch_index_q[$clog2(ProgramInstructions)-1:0]),
    .read_data_o  (fetched_bits)
  );

  assign fetched         = fetched_bits;
  assign fetched_illegal = (fetch_index_q >= 17'(ProgramInstructions)) ||
      !exists(fetched.opcode);

  always_ff @(posedge clk_i) begin : p_program
    if (!rst_ni) begin
      fetch_index_q      <= '0;
      fetch_left_q       <= '0;
      instruction_q      <= '0;
      last_instruction_q <= 1'b0;
    end else if (accept) begin
      fetch_index_q <= 17'(command.first_instruction);
      fetch_left_q  <= command.length;
    end else if (start_slot) begin
      instruction_q      <= fetched;
      last_instruction_q <= (fetch_left_q == 16'd1);
      if (fetch_left_q == 16'd1) begin
        fetch_index_q <= 17'(first_instruction_q);
        fetch_left_q  <= length_q;
      end else begin
        fetch_index_q <= fetch_index_q + 17'd1;
        fetch_left_q  <= fetch_left_q - 16'd1;
      end
    end
  end

  // ------------------------------------------------------------------ strip and slot
  position_t  strip_q;          // first beat of the strip
  position_t  position_q;       // beat at hand
  position_t  next_position;    // the one after it; unchanged beyond the end of the region
  logic [2:0] beat_q;           // in the slot, empty ones included
  logic [5:0] phase_q;          // cycle of the beat
  logic       exhausted;        // no beat is left: an empty cycle of the region's last strip
  logic       last_in_row, beat_end, slot_end, strip_end;
  logic       issue;

  assign exhausted   = (position_q.row == rows_q);
  assign last_in_row = (columns_q - position_q.column <= 24'(VectorLanes));
  assign issue       = (state_q == StateRun) && !exhausted && (phase_q == 6'd0);
  assign beat_end    = exhausted || !is_iterative(instruction_q.opcode) ||
      (phase_q == 6'(Interval - 1));
  assign slot_end    = beat_end && ((beat_q == 3'(StripBeats - 1)) ||
      ((beat_q >= 3'(ResultLatency - 1)) && (next_position.row == rows_q)));
  assign strip_end   = slot_end && last_instruction_q;

  always_comb begin : p_next_position
    next_position = position_q;
    if ((state_q == StateRun) && beat_end && !exhausted) begin
      if (!last_in_row) begin
        next_position.column = position_q.column + 24'(VectorLanes);
        for (int unsigned s = 0; s < 4; s++) begin
          if (!streams_q[s].transposed && (next_position.column[LaneBits-1:0] == '0)) begin
            next_position.panel[s] = position_q.panel[s] + strides_q[s];
          end
        end
      end else begin
        next_position.column = '0;
        next_position.row    = position_q.row + 24'd1;
        for (int unsigned s = 0; s < 4; s++) begin
          if (!streams_q[s].transposed || streams_q[s].broadcast_row) begin
            next_position.panel[s] = 32'(streams_q[s].line);
          end else if (next_position.row[LaneBits-1:0] == '0) begin
            next_position.panel[s] = position_q.panel[s] + strides_q[s];
          end
        end
      end
    end
  end

  always_ff @(posedge clk_i) begin : p_position
    if (!rst_ni) begin
      strip_q    <= '0;
      position_q <= '0;
      beat_q     <= '0;
      phase_q    <= '0;
    end else if (state_q == StateFetch) begin
      strip_q.row       <= '0;
      strip_q.column    <= '0;
      position_q.row    <= '0;
      position_q.column <= '0;
      for (int unsigned s = 0; s < 4; s++) begin
        strip_q.panel[s]    <= 32'(streams_q[s].line);
        position_q.panel[s] <= 32'(streams_q[s].line);
      end
      beat_q  <= '0;
      phase_q <= '0;
    end else if (state_q == StateRun) begin
      phase_q <= beat_end ? 6'd0 : phase_q + 6'd1;
      if (beat_end) begin
        beat_q     <= slot_end ? 3'd0 : beat_q + 3'd1;
        position_q <= (slot_end && !strip_end) ? strip_q : next_position;
      end
      if (strip_end) begin
        strip_q <= next_position;
      end
    end
  end

  // ------------------------------------------------------------------ control
  logic        program_end, start_illegal;
  completion_t completion_q;
  unit_fault_t fault_q;

  assign program_end   = strip_end && (next_position.row == rows_q);
  assign start_slot    = (state_q == StateStart) ||
      ((state_q == StateRun) && slot_end && !program_end);
  assign start_illegal = start_slot && fetched_illegal;

  always_comb begin : p_state
    state_d = state_q;
    unique case (state_q)
      StateIdle:  if (accept) state_d = StateFetch;
      StateFetch: state_d = StateStart;
      StateStart: state_d = start_illegal ? StateStopped : StateRun;
      StateRun: begin
        if (start_illegal) state_d = StateStopped;
        else if (program_end) state_d = StateDrain;
      end
      StateDrain: state_d = StateIdle;
      default:    state_d = StateStopped;
    endcase
    if (stop_i && (state_q != StateIdle)) begin
      state_d = StateStopped;
    end
  end

  always_ff @(posedge clk_i) begin : p_control
    if (!rst_ni) begin
      state_q      <= StateIdle;
      start_slot_q <= 1'b0;
      completion_q <= '0;
      fault_q      <= '0;
    end else begin
      state_q                    <= state_d;
      start_slot_q               <= start_slot;
      completion_q.valid         <= (state_q == StateDrain);
      completion_q.index         <= index_q;
      completion_q.signal_tokens <= signal_tokens_q;
      fault_q.valid              <= start_illegal && !stop_i;
      fault_q.cause              <= FaultIllegalInstruction;
      fault_q.address            <= 48'(fetch_index_q);
    end
  end

  assign fault_o = fault_q;
  always_comb begin : p_completion
    completion_o       = completion_q;
    completion_o.valid = completion_q.valid && !stop_i;
  end

  always_comb begin : p_activity
    unique case (state_q)
      StateFetch, StateStart, StateDrain: activity_o = ActivityLatency;
      StateRun:                           activity_o = exhausted ? ActivityLatency : ActivityBusy;
      default:                            activity_o = ActivityIdle;
    endcase
  end

  // ------------------------------------------------------------------ local memories
  // A read is requested in the cycle after the issue, a write in the one after that.
  stream_word_t  stream;  // the instruction's
  logic [31:0]   panel;
  logic [7:0]    count;
  tile_request_t request_q, write_request_q;
  logic          read_q, stores_q, accumulator_q, write_q, write_accumulator_q;

  assign stream = streams_q[instruction_q.stream];
  assign panel  = position_q.panel[instruction_q.stream];
  assign count  = last_in_row ? 8'(columns_q - position_q.column) : 8'(VectorLanes);

  always_ff @(posedge clk_i) begin : p_request
    if (!rst_ni) begin
      request_q     <= '0;
      read_q        <= 1'b0;
      stores_q      <= 1'b0;
      write_q       <= 1'b0;
      accumulator_q <= 1'b0;
    end else begin
      read_q   <= issue && (instruction_q.opcode == VopLoad);
      stores_q <= issue && (instruction_q.opcode == VopStore);
      write_q  <= stores_q;
      if (stores_q) begin
        write_request_q     <= request_q;
        write_accumulator_q <= accumulator_q;
      end
      if (issue) begin
        accumulator_q        <= stream.accumulator;
        request_q.transposed <= stream.transposed;
        request_q.count      <= count;
        if (stream.transposed) begin
          request_q.line   <= panel + 32'(position_q.column);
          request_q.column <= stream.broadcast_row ? 8'd0 : 8'(position_q.row[LaneBits-1:0]);
        end else begin
          request_q.line   <= panel + (stream.broadcast_row ? 32'd0 : 32'(position_q.row));
          request_q.column <= 8'(position_q.column[LaneBits-1:0]);
        end
      end
    end
  end

  assign idle_o = ((state_q == StateIdle) || (state_q == StateStopped)) && !read_q && !stores_q &&
                  !write_q;

  assign scratchpad_read_valid_o     = read_q && !accumulator_q;
  assign scratchpad_read_request_o   = request_q;
  assign accumulator_read_valid_o    = read_q && accumulator_q;
  assign accumulator_read_request_o  = request_q;
  assign scratchpad_write_valid_o    = write_q && !write_accumulator_q;
  assign scratchpad_write_request_o  = write_request_q;
  assign accumulator_write_valid_o   = write_q && write_accumulator_q;
  assign accumulator_write_request_o = write_request_q;

  logic [VectorLanes-1:0][15:0] write_bf16;
  logic [VectorLanes-1:0][31:0] write_fp32;
  assign scratchpad_write_data_o  = (Lanes * 16)'(write_bf16);
  assign accumulator_write_data_o = (Lanes * 32)'(write_fp32);

  vector_lanes #(
    .VectorLanes (VectorLanes),
    .BitsPerCycle(BitsPerCycle)
  ) u_lanes (
    .clk_i,
    .rst_ni,
    .issue_valid_i(issue),
    .opcode_i     (instruction_q.opcode),
    .destination_i(instruction_q.destination),
    .a_i          (instruction_q.a),
    .b_i          (instruction_q.b),
    .c_i          (instruction_q.c),
    .b_immediate_i(instruction_q.b_immediate),
    .c_immediate_i(instruction_q.c_immediate),
    .immediate_i  (instruction_q.immediate),
    .accumulator_i(stream.accumulator),
    .beat_i       (beat_q),
    .count_i      (count),
    .read_bf16_i  (scratchpad_read_data_i[VectorLanes*16-1:0]),
    .read_fp32_i  (accumulator_read_data_i[VectorLanes*32-1:0]),
    .write_bf16_o (write_bf16),
    .write_fp32_o (write_fp32),
    .event_o
  );

  // Bits that no vector command and no instruction has, opcodes, and elements beyond a beat.
  logic unused;
  assign unused = ^{command, streams_q, stream, fetched, instruction_q, scratchpad_read_data_i,
                    accumulator_read_data_i};

`ifndef SYNTHESIS
  always_ff @(posedge clk_i) begin : p_check
    if (rst_ni) begin
      SizeInRange: assert (!accept || ((command.rows != 32'd0) && (command.rows < 32'd1 << 24) &&
          (command.columns != 32'd0) && (command.columns < 32'd1 << 24)))
      else $error("vector_unit: size out of range");
      AccessWithinLine: assert (!(read_q || stores_q) || request_q.transposed ||
          (32'(request_q.column) + 32'(request_q.count) <= Lanes))
      else $error("vector_unit: access beyond a line");
    end
  end
`endif

endmodule

`default_nettype wire
