// Vector unit: runs a program of `length` instructions over a rows x columns region, element by
// element, without branches.
//
// Function. A beat is up to VectorLanes consecutive columns of one row, from a multiple of
//   VectorLanes on. The region is walked over in groups of columns, a group in strips of up to 8
//   beats (the last strip: what is left):
//     WalkRows     one group, the region; beats go row by row, left to right
//     WalkDown     groups of a beat of columns; a strip is 8 rows of it
//     WalkAcross   groups of 8 beats of columns; a strip is a row of it
//   A program consists of sections (vector_program). In each group, its sections follow each other:
//   one of strips is executed for each strip, every instruction for all beats of the strip before
//   the next instruction begins; one that is done once is executed on 8 beats of its own, of which
//   an instruction with `alternate` executes the first one alone:
//     WalkRows     8 times row 0, column 0, with all lanes
//     WalkDown     rows 0 to 7 of the group, whether the region has them or not
//     WalkAcross   row 0 of the group, as many beats as it has
//   By rows, a section of strips ends the program.
//   There are 16 registers of 8 beats; an instruction works on the elements that its beats have in
//   them, and leaves other beats as they are. With `alternate`, in every other strip of a section
//   in its group, destination and first operand, of a multiply-add the third one, are the registers
//   of index xor 1. With `exchange`, beat k reads the first operand's beat k xor immediate[2:0], or
//   where that is 0, beat 0.
//   Registers are not cleared; they keep their words from section to section and from command to
//   command.
//   Element (i, j) of a stream with `column` c lies at line + ((j + c) / Lanes) * stride + i,
//   column (j + c) % Lanes; of a transposed one at line + ((i + c) / Lanes) * stride + j, column
//   (i + c) % Lanes. Of a broadcast row i counts as 0, of a broadcast column j: then one element is
//   read for all lanes, and the first lane's is written. Line numbers have 32 bits; what lies
//   outside the memory is tile_memory's fault to report.
//
// Timing, in cycles; no element counts.
//   t              the command is accepted (command_valid_i and command_ready_o)
//   t+1, t+2       the first instruction is fetched
//   t+3            the first slot begins
//   Each instruction on a strip of n beats has a slot of
//     (exchange ? 3 : 0) + n * interval + max(0, 7 - n)
//                                         interval: 1; divide_latency for an iterative instruction
//   cycles, one slot right behind the other, over strips, sections and groups; beat k is issued k *
//   interval cycles after the 3 (ExchangeLead) of an exchange.
//   A load's request is on scratchpad_read_* or accumulator_read_* in the cycle after its issue,
//   its data is taken TileReadLatency later; a store's request and data are on *_write_* two cycles
//   after its issue.
//   After the last slot one cycle drains the last store. completion_o comes in the cycle after
//   that, in which the last store is written; command_ready_o is high again in that same cycle. So
//     completion - acceptance = 4 + the sum of all slots
//   activity_o: Busy in the n * interval cycles of each slot, Latency in its others, while fetching
//   and while draining; else Idle.
// Hazards. The empty cycles of a short slot keep an instruction from reading what the one before it
//   has not yet written (ResultLatency, 7 cycles, from issue to issue). The cycles before an
//   exchange do so for beats up to 3 away, and for beats 4 away behind a slot of 8 beats (or of up
//   to 4, or an iterative one). Nothing does so for beats 5 to 7 away, nor for an iterative
//   instruction that exchanges within one register, except for beat 0: a program does without.
//
// Faults: when an instruction without a meaning, or with an index beyond the program memory, would
//   be the next to start, illegal_instruction is raised (address: its index) in the cycle in which
//   its slot would have begun; nothing follows until reset. Earlier instructions of the strip are
//   done.
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
  import vector_pkg::*;

  localparam int unsigned Interval = divide_latency(BitsPerCycle);  // of iterative instructions
  localparam int unsigned LaneBits = $clog2(Lanes);

  if ((VectorLanes > Lanes) || ((1 << $clog2(VectorLanes)) != VectorLanes) ||
      ((1 << LaneBits) != Lanes)) begin : gen_bad_parameter
    $error("VectorLanes and Lanes must be powers of two, VectorLanes <= Lanes");
  end

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

  state_e        state_d, state_q;
  logic          accept;
  logic [31:0]   index_q;
  logic [15:0]   signal_tokens_q;
  logic [1:0]    walk_q;
  logic [23:0]   last_row_q, last_column_q;  // last_column: of the last beat of a row
  logic [7:0]    rest_q;                     // elements of that beat
  logic [31:0]   first_row_q, first_column_q;
  stream_t [3:0] streams_q;

  assign command_ready_o = (state_q == StateIdle) && !stop_i;
  assign accept          = command_valid_i && command_ready_o;
  assign current_index_o = index_q;

  logic [23:0] last_row, last_column;  // of the command that is accepted
  assign last_row    = command.rows[23:0] - 24'd1;
  assign last_column = command.columns[23:0] - 24'd1;

  always_ff @(posedge clk_i) begin : p_command
    if (!rst_ni) begin
      index_q         <= '0;
      signal_tokens_q <= '0;
      walk_q          <= '0;
      last_row_q      <= '0;
      last_column_q   <= '0;
      rest_q          <= '0;
      first_row_q     <= '0;
      first_column_q  <= '0;
      streams_q       <= '0;
    end else if (accept) begin
      index_q         <= command_i.index;
      signal_tokens_q <= command.signal_tokens;
      walk_q          <= command.walk;
      last_row_q      <= last_row;
      last_column_q   <= last_column & ~24'(VectorLanes - 1);
      rest_q          <= (last_column[7:0] & 8'(VectorLanes - 1)) + 8'd1;
      first_row_q     <= command.first_row;
      first_column_q  <= command.first_column;
      streams_q[0]    <= stream_of(command.stream0, command.stride0, command.column0);
      streams_q[1]    <= stream_of(command.stream1, command.stride1, command.column1);
      streams_q[2]    <= stream_of(command.stream2, command.stride2, command.column2);
      streams_q[3]    <= stream_of(command.stream3, command.stride3, command.column3);
    end
  end

  // ------------------------------------------------------------------ program
  logic                start_slot;  // the fetched instruction becomes the one at hand
  vector_instruction_t fetched, instruction;
  logic [16:0]         fetched_index;
  logic                fetched_illegal;
  logic                last_of_section, odd_strip, ends;
  logic                next_strip, first_strip, next_group;
  logic                last_strip, last_group;

  vector_program #(.AxiDataBits(AxiDataBits)) u_program (
    .clk_i,
    .rst_ni,
    .program_write_valid_i, .program_write_word_i, .program_write_data_i,
    .start_i          (accept),
    .first_i          (command.first_instruction),
    .length_i         (command.length),
    .fetched_o        (fetched),
    .fetched_index_o  (fetched_index),
    .fetched_illegal_o(fetched_illegal),
    .advance_i        (start_slot),
    .last_strip_i     (last_strip),
    .last_group_i     (last_group),
    .instruction_o    (instruction),
    .last_of_section_o(last_of_section),
    .odd_strip_o      (odd_strip),
    .next_strip_o     (next_strip),
    .first_strip_o    (first_strip),
    .next_group_o     (next_group),
    .ends_o           (ends)
  );

  // ------------------------------------------------------------------ slot
  logic [1:0]  lead_q;   // cycles before the first beat
  logic [2:0]  beat_q;   // in the slot, empty cycles included
  logic [5:0]  phase_q;  // cycle of the beat
  logic        empty_q;  // the slot's beats are over
  logic        leads, beat, beat_end, slot_end, last_beat;
  logic        walks_rows, follows, region_end;
  logic        issue;
  logic [23:0] row, column;  // of the beat
  logic [31:0] panel;
  logic        last_in_row, last_row_of_region;

  assign walks_rows = (walk_q == 2'(WalkRows));
  assign follows    = walks_rows && last_of_section && !instruction.once;
  assign region_end = last_in_row && last_row_of_region;

  always_comb begin : p_last_beat
    unique case (walk_q)
      2'(WalkRows): last_beat = !instruction.once && region_end;
      2'(WalkDown): last_beat = !instruction.once && last_row_of_region;
      default:      last_beat = last_in_row;
    endcase
    if (instruction.once && instruction.alternate) last_beat = 1'b1;
  end

  assign leads    = (lead_q != 2'd0);
  assign issue    = (state_q == StateRun) && !leads && !empty_q && (phase_q == 6'd0);
  assign beat_end = (state_q == StateRun) && !leads &&
      (empty_q || !is_iterative(instruction.opcode) || (phase_q == 6'(Interval - 1)));
  assign beat     = beat_end && !empty_q;
  assign slot_end = beat_end && ((beat_q == 3'(StripBeats - 1)) ||
      ((beat_q >= 3'(ResultLatency - 1)) && (empty_q || last_beat)));

  always_ff @(posedge clk_i) begin : p_slot
    if (!rst_ni) begin
      lead_q  <= '0;
      beat_q  <= '0;
      phase_q <= '0;
      empty_q <= 1'b0;
    end else if (start_slot) begin
      lead_q  <= fetched.exchange ? 2'(ExchangeLead) : 2'd0;
      beat_q  <= '0;
      phase_q <= '0;
      empty_q <= 1'b0;
    end else begin
      if (leads) lead_q <= lead_q - 2'd1;
      if (beat_end) begin
        beat_q  <= beat_q + 3'd1;
        phase_q <= '0;
        empty_q <= empty_q || last_beat;
      end else if ((state_q == StateRun) && !leads) begin
        phase_q <= phase_q + 6'd1;
      end
    end
  end

  vector_walk #(
    .VectorLanes(VectorLanes),
    .Lanes      (Lanes)
  ) u_walk (
    .clk_i,
    .rst_ni,
    .walk_i       (walk_q),
    .last_row_i   (last_row_q),
    .last_column_i(last_column_q),
    .streams_i    (streams_q),
    .start_i      (state_q == StateFetch),
    .follow_i     (follows),
    .next_strip_i (next_strip),
    .first_strip_i(first_strip),
    .next_group_i (next_group),
    .last_strip_o (last_strip),
    .last_group_o (last_group),
    .load_i       (start_slot),
    .load_stream_i(fetched.stream),
    .stream_i     (instruction.stream),
    .once_i       (instruction.once),
    .beat_i       (beat),
    .row_o        (row),
    .column_o     (column),
    .panel_o      (panel),
    .last_in_row_o(last_in_row),
    .last_row_o   (last_row_of_region)
  );

  // ------------------------------------------------------------------ control
  logic        program_end, start_illegal;
  completion_t completion_q;
  unit_fault_t fault_q;

  assign program_end   = slot_end && (ends || (follows && (empty_q || region_end)));
  assign start_slot    = (state_q == StateStart) || (slot_end && !program_end);
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
      completion_q <= '0;
      fault_q      <= '0;
    end else begin
      state_q                    <= state_d;
      completion_q.valid         <= (state_q == StateDrain);
      completion_q.index         <= index_q;
      completion_q.signal_tokens <= signal_tokens_q;
      fault_q.valid              <= start_illegal && !stop_i;
      fault_q.cause              <= FaultIllegalInstruction;
      fault_q.address            <= 48'(fetched_index);
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
      StateRun: activity_o = (leads || empty_q) ? ActivityLatency : ActivityBusy;
      default:  activity_o = ActivityIdle;
    endcase
  end

  // ------------------------------------------------------------------ local memories
  // A read is requested in the cycle after the issue, a write in the one after that.
  stream_t       stream;  // the instruction's
  logic [7:0]    count;   // elements of the beat
  logic [7:0]    accessed;
  logic [23:0]   stream_row, stream_column;
  logic [LaneBits-1:0] lane;  // of the first element
  logic [31:0]   immediate;
  tile_request_t request_q, write_request_q;
  logic          read_q, stores_q, accumulator_q, write_q, write_accumulator_q;

  assign stream        = streams_q[instruction.stream];
  assign count         = (last_in_row && !(walks_rows && instruction.once)) ? rest_q :
                                                                              8'(VectorLanes);
  assign accessed      = stream.broadcast_column ? 8'd1 : count;
  assign stream_row    = stream.broadcast_row ? 24'd0 : row;
  assign stream_column = stream.broadcast_column ? 24'd0 : column;
  assign lane          = LaneBits'(stream.column) +
      LaneBits'(stream.transposed ? stream_row : stream_column);

  // What row_number and column_number give the first lane goes the immediate's way.
  always_comb begin : p_immediate
    unique case (instruction.opcode)
      VopRowNumber:    immediate = first_row_q + 32'(row);
      VopColumnNumber: immediate = first_column_q + 32'(column);
      default:         immediate = instruction.immediate;
    endcase
  end

  always_ff @(posedge clk_i) begin : p_request
    if (!rst_ni) begin
      request_q     <= '0;
      read_q        <= 1'b0;
      stores_q      <= 1'b0;
      write_q       <= 1'b0;
      accumulator_q <= 1'b0;
    end else begin
      read_q   <= issue && (instruction.opcode == VopLoad);
      stores_q <= issue && (instruction.opcode == VopStore);
      write_q  <= stores_q;
      if (stores_q) begin
        write_request_q     <= request_q;
        write_accumulator_q <= accumulator_q;
      end
      if (issue) begin
        accumulator_q        <= stream.accumulator;
        request_q.transposed <= stream.transposed;
        request_q.count      <= accessed;
        request_q.column     <= 8'(lane);
        request_q.line       <= panel +
            (stream.transposed ? 32'(stream_column) : 32'(stream_row));
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

  // Destination and summed operand are the registers beside the ones that the instruction names.
  logic beside, third_beside;
  assign beside       = instruction.alternate && !instruction.once && odd_strip;
  assign third_beside = beside && (instruction.opcode == VopMultiplyAdd);

  vector_lanes #(
    .VectorLanes (VectorLanes),
    .BitsPerCycle(BitsPerCycle)
  ) u_lanes (
    .clk_i,
    .rst_ni,
    .issue_valid_i(issue),
    .opcode_i     (instruction.opcode),
    .destination_i(instruction.destination ^ {3'd0, beside}),
    .a_i          (instruction.a ^ {3'd0, beside && !third_beside}),
    .b_i          (instruction.b),
    .c_i          (instruction.c ^ {3'd0, third_beside}),
    .b_immediate_i(instruction.b_immediate),
    .c_immediate_i(instruction.c_immediate),
    .exchange_i   (instruction.exchange),
    .immediate_i  (immediate),
    .accumulator_i(stream.accumulator),
    .broadcast_i  (stream.broadcast_column),
    .beat_i       (beat_q),
    .count_i      ((instruction.opcode == VopStore) ? accessed : count),
    .read_bf16_i  (scratchpad_read_data_i[VectorLanes*16-1:0]),
    .read_fp32_i  (accumulator_read_data_i[VectorLanes*32-1:0]),
    .write_bf16_o (write_bf16),
    .write_fp32_o (write_fp32),
    .event_o
  );

  // Bits that no vector command and no instruction has, opcodes, and elements beyond a beat.
  logic unused;
  assign unused = ^{command, stream, fetched, instruction, scratchpad_read_data_i,
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
