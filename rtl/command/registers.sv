// The control side of the accelerator: AXI4-Lite registers, state, first fault, interrupts and
// counters. Offsets, fields and meanings: rtl/interface/INTERFACE.md.
//
// AXI4-Lite: 32-bit accesses of aligned words, one write and one read at a time, independent of
//   each other. Every ready is a function of flip-flops alone.
//   Address and data of a write may come in any order; what comes first is kept. In the cycle t in
//   which both are there (an address or data that comes in t included) the write takes place: the
//   register shows it from t + 1 on, and the response is valid from t + 1 on. While it waits for
//   its taker no address and no data are taken.
//   A read is taken in the first cycle t with a valid address and no read under way; the response,
//   valid from t + 3 on, holds what the registers hold in t + 1. So a read takes four cycles at
//   least, and of a counter seven. An offset that is no register, and a write to a read-only one,
//   get SLVERR and have no effect; the data of such a read is 0.
// Registers: reset values are 0 but for the build's shape and burst_limits, which starts at its
//   largest values (16 bursts, 256 beats) and takes a value out of range as the nearest one in it.
//   Addresses have 48 bits: bits [31:16] of ring_base_hi and memory_limit_hi are 0 whatever is
//   written. Bits outside the fields are 0.
// Ring: ring_long_o, the tail is further ahead of the head than ring_entries, is found in the cycle
//   in which ring_tail or ring_entries is written (with the head of that cycle, which only comes
//   closer afterwards), ring_odd_o, an unaligned base or a capacity that is no power of two, in
//   that of ring_base_lo or ring_entries; the flip-flops show both together with the register.
// Work: the device runs in a cycle if it is enabled with head != tail or within a program
//   (in_program_i: what the host has not written yet is waited for), if anything in it is not idle
//   (command_idle_i, units_idle_i, queues_empty_i), or if a command completes in it: a unit may be
//   idle in the very cycle of its completion pulse. So every cycle from the one after a program's
//   first doorbell to that of its halt is counted.
// State (status.state): 0 stopped and 1 running are the same state, without and with work in this
//   very cycle. A fault in cycle t makes it 2, stopping, from t + 1 on; there it waits for
//   command_idle_i and units_idle_i (what the queues hold is abandoned), and the cycle after the
//   first with both it is 3, faulted, until a reset; in that cycle interrupt_status.fault is set.
//   status.idle is command_idle_i, units_idle_i and queues_empty_i together.
// Faults: the first is kept, of several in one cycle that of the lowest unit (command, load, array,
//   vector, store).
// Reset by control.reset: drains, then clears. The bit reads 1 from the write on; stop_o is high
//   meanwhile; in the cycle after the first with command_idle_i and units_idle_i (the cycle after
//   the write at the earliest) soft_reset_o, a flip-flop, is high for one cycle; at its end state,
//   fault registers, interrupt_status, ring_tail, stream_written, completed, progress and
//   control.reset are 0. The rest, counters too, keeps its value. What is written to ring_tail or
//   stream_written before control.reset reads 0 again is lost.
// stop_o: high from the cycle after a fault until the reset, and while a reset drains and takes
//   place.
// Counters: add in cycles of state 1 and 2 only; a read taken in t has the events up to and
//   including t + 2. clear_counters written in cycle t clears them at its end, the events of t
//   included. macs_i belongs to the row (events_i.row) of the cycle before.
// completed, progress: the sum of completed_i; the number of cycles with a busy unit or a
//   completion. A read taken in t has the events up to and including t.
// irq_o: a flip-flop. It follows interrupt_status and interrupt_enable without delay.
// What comes from the units goes into flip-flops before it is added, compared or chosen from: of
//   all inputs only those of status, unit_command, ring_head and stream_released are looked at in
//   the cycle itself.

`default_nettype none

module registers #(
  parameter int unsigned ArrayRows        = 8,
  parameter int unsigned ArrayColumns     = 8,
  parameter int unsigned VectorLanes      = 8,
  parameter int unsigned Lanes            = 8,
  parameter int unsigned ScratchpadLines  = 4096,
  parameter int unsigned ScratchpadBanks  = 8,
  parameter int unsigned AccumulatorLines = 2048,
  parameter int unsigned AccumulatorBanks = 4,
  parameter int unsigned AxiDataBits      = 128,
  parameter int unsigned QueueDepth       = 4,
  parameter int unsigned Parity           = 0,
  parameter int unsigned Decoder          = 1
) (
  input  wire logic                                          clk_i,
  input  wire logic                                          rst_ni,

  input  wire logic                                          awvalid_i,
  output logic                                               awready_o,
  input  wire logic [11:0]                                   awaddr_i,
  input  wire logic                                          wvalid_i,
  output logic                                               wready_o,
  input  wire logic [31:0]                                   wdata_i,
  output logic                                               bvalid_o,
  input  wire logic                                          bready_i,
  output logic      [1:0]                                    bresp_o,
  input  wire logic                                          arvalid_i,
  output logic                                               arready_o,
  input  wire logic [11:0]                                   araddr_i,
  output logic                                               rvalid_o,
  input  wire logic                                          rready_i,
  output logic      [31:0]                                   rdata_o,
  output logic      [1:0]                                    rresp_o,

  output logic                                               irq_o,
  output logic                                               soft_reset_o,
  output logic                                               stop_o,

  // to the command processor and the DMA
  output logic                                               enable_o,
  output logic      [47:0]                                   ring_base_o,
  output logic      [31:0]                                   ring_mask_o,   // ring_entries - 1
  output logic      [31:0]                                   ring_tail_o,
  output logic                                               ring_long_o,
  output logic                                               ring_odd_o,
  input  wire logic [31:0]                                   ring_head_i,
  output logic      [31:0]                                   stream_written_o,
  input  wire logic [31:0]                                   stream_released_i,
  output logic      [47:0]                                   memory_limit_o,
  output logic      [7:0]                                    outstanding_limit_o,
  output logic      [8:0]                                    burst_beats_o,

  // command, load, array, vector, store
  input  wire interface_pkg::activity_e [interface_pkg::Units-1:0] activities_i,
  input  wire logic [interface_pkg::Units-1:0][7:0]          waiting_i,  // commands
  input  wire logic [interface_pkg::Units-1:0][31:0]         current_index_i,
  input  wire accelerator_pkg::unit_fault_t [interface_pkg::Units-1:0] faults_i,
  input  wire logic [interface_pkg::Units-1:0][31:0]         fault_index_i,
  input  wire logic [interface_pkg::Units-1:0]               completed_i,
  input  wire logic                                          halt_done_i,
  input  wire logic                                          in_program_i,
  input  wire logic                                          command_idle_i,
  input  wire logic                                          units_idle_i,  // those with a queue
  input  wire logic                                          queues_empty_i,

  input  wire accelerator_pkg::events_t                      events_i,
  input  wire logic [15:0]                                   macs_i
);

  import accelerator_pkg::*;
  import interface_pkg::*;

  localparam logic [1:0]  RespOkay           = 2'd0;
  localparam logic [1:0]  RespSlverr         = 2'd2;
  localparam logic [7:0]  MaximumOutstanding = 8'(BurstsOutstanding);
  localparam logic [8:0]  MaximumBeats       = 9'd256;
  localparam int unsigned CountersEnd        = 32'(RegCounters) + 8 * Counters;

  typedef enum logic [1:0] {StateNormal, StateStopping, StateFaulted} state_e;

  state_e      state_d, state_q;
  logic        enable_q, reset_pending_q, soft_reset_q;
  logic        done_q, fault_q, done_enable_q, fault_enable_q;
  logic [47:0] ring_base_q, memory_limit_q;
  logic [31:0] ring_entries_q, ring_mask_q, ring_tail_q, stream_written_q;
  logic        ring_long_q, base_odd_q, entries_odd_q;
  logic [7:0]  outstanding_q;
  logic [8:0]  beats_q;
  logic [31:0] completed_q, progress_q;

  fault_e      fault_cause_q;
  logic [3:0]  fault_unit_q;
  logic [31:0] fault_index_q;
  logic [47:0] fault_address_q;

  // ------------------------------------------------------------------ state and faults
  logic drained, running, counting, fault_now, faulted_now, reset_now;

  assign drained     = command_idle_i && units_idle_i;
  assign running     = (enable_q && ((ring_head_i != ring_tail_q) || in_program_i)) || !drained ||
                       !queues_empty_i || (completed_i != '0);
  assign counting    = ((state_q == StateNormal) && running) || (state_q == StateStopping);
  assign faulted_now = (state_q == StateStopping) && drained;
  assign reset_now   = reset_pending_q && drained && !soft_reset_q;

  always_comb begin : p_any_fault
    fault_now = 1'b0;
    for (int unsigned unit = 0; unit < Units; unit++) fault_now |= faults_i[unit].valid;
  end

  always_comb begin : p_state
    state_d = state_q;
    unique case (state_q)
      StateNormal:   if (fault_now) state_d = StateStopping;
      StateStopping: if (drained) state_d = StateFaulted;
      StateFaulted:  ;
      default:       state_d = StateFaulted;
    endcase
    if (soft_reset_q) state_d = StateNormal;
  end

  always_ff @(posedge clk_i) begin : p_state_register
    if (!rst_ni) state_q <= StateNormal;
    else state_q <= state_d;
  end

  // Taken in every cycle without a fault before; it means something once there is one.
  always_ff @(posedge clk_i) begin : p_first_fault
    if (state_q == StateNormal) begin
      for (int unit = Units - 1; unit >= 0; unit--) begin  // the lowest unit is the last to assign
        if (faults_i[unit].valid || (unit == Units - 1)) begin
          fault_cause_q   <= faults_i[unit].cause;
          fault_unit_q    <= 4'(unit);
          fault_index_q   <= fault_index_i[unit];
          fault_address_q <= faults_i[unit].address;
        end
      end
    end
  end

  assign stop_o       = (state_q != StateNormal) || reset_pending_q || soft_reset_q;
  assign soft_reset_o = soft_reset_q;

  assign enable_o            = enable_q;
  assign ring_base_o         = ring_base_q;
  assign ring_mask_o         = ring_mask_q;
  assign ring_tail_o         = ring_tail_q;
  assign ring_long_o         = ring_long_q;
  assign ring_odd_o          = base_odd_q || entries_odd_q;
  assign stream_written_o    = stream_written_q;
  assign memory_limit_o      = memory_limit_q;
  assign outstanding_limit_o = outstanding_q;
  assign burst_beats_o       = beats_q;

  // ------------------------------------------------------------------ writes
  logic        write, write_known, clear_counters;
  logic        address_kept_q, data_kept_q;  // the part of a write that came first
  logic [11:0] address_kept, address_q;
  logic [31:0] data_kept, data_q;
  logic        bvalid_q;
  logic [1:0]  bresp_q;

  assign awready_o    = !address_kept_q && !bvalid_q;
  assign wready_o     = !data_kept_q && !bvalid_q;
  assign bvalid_o     = bvalid_q;
  assign bresp_o      = bresp_q;
  assign address_kept = address_kept_q ? address_q : awaddr_i;
  assign data_kept    = data_kept_q ? data_q : wdata_i;
  assign write        = (address_kept_q || awvalid_i) && (data_kept_q || wvalid_i) && !bvalid_q;

  always_ff @(posedge clk_i) begin : p_keep
    if (!rst_ni) begin
      address_kept_q <= 1'b0;
      data_kept_q    <= 1'b0;
    end else begin
      if (write) address_kept_q <= 1'b0;
      else if (awvalid_i && awready_o) address_kept_q <= 1'b1;
      if (write) data_kept_q <= 1'b0;
      else if (wvalid_i && wready_o) data_kept_q <= 1'b1;
    end
  end
  always_ff @(posedge clk_i) begin : p_kept
    address_q <= address_kept;
    data_q    <= data_kept;
  end

  assign clear_counters = write && (address_kept == RegControl) && data_kept[2];

  always_comb begin : p_write_known
    unique case (address_kept)
      RegControl, RegInterruptStatus, RegInterruptEnable, RegRingBaseLo, RegRingBaseHi,
      RegRingEntries, RegRingTail, RegStreamWritten, RegMemoryLimitLo, RegMemoryLimitHi,
      RegBurstLimits: write_known = 1'b1;
      default:        write_known = 1'b0;
    endcase
  end

  function automatic logic [7:0] clamp_outstanding(logic [7:0] value);
    if (value == 8'd0) return 8'd1;
    return (value > MaximumOutstanding) ? MaximumOutstanding : value;
  endfunction

  function automatic logic [8:0] clamp_beats(logic [8:0] value);
    if (value == 9'd0) return 9'd1;
    return (value > MaximumBeats) ? MaximumBeats : value;
  endfunction

  always_ff @(posedge clk_i) begin : p_write
    if (!rst_ni) begin
      bvalid_q        <= 1'b0;
      bresp_q         <= RespOkay;
      enable_q        <= 1'b0;
      reset_pending_q <= 1'b0;
      soft_reset_q    <= 1'b0;
      ring_base_q     <= '0;
      ring_entries_q  <= '0;
      ring_mask_q     <= '1;
      ring_tail_q     <= '0;
      ring_long_q     <= 1'b0;
      base_odd_q      <= 1'b0;
      entries_odd_q   <= 1'b0;
      stream_written_q <= '0;
      memory_limit_q  <= '0;
      outstanding_q   <= MaximumOutstanding;
      beats_q         <= MaximumBeats;
    end else begin
      if (bready_i) bvalid_q <= 1'b0;
      if (write) begin
        bvalid_q <= 1'b1;
        bresp_q  <= write_known ? RespOkay : RespSlverr;
        unique case (address_kept)
          RegControl: begin
            enable_q <= data_kept[0];
            if (data_kept[1]) reset_pending_q <= 1'b1;
          end
          RegRingBaseLo: begin
            ring_base_q[31:0] <= data_kept;
            base_odd_q        <= data_kept[11:0] != 12'd0;
          end
          RegRingBaseHi:    ring_base_q[47:32] <= data_kept[15:0];
          RegRingEntries: begin
            ring_entries_q <= data_kept;
            ring_mask_q    <= data_kept - 32'd1;
            entries_odd_q  <= (data_kept & (data_kept - 32'd1)) != 32'd0;
            ring_long_q    <= ring_tail_q - ring_head_i > data_kept;
          end
          RegRingTail: begin
            ring_tail_q <= data_kept;
            ring_long_q <= data_kept - ring_head_i > ring_entries_q;
          end
          RegStreamWritten: stream_written_q <= data_kept;
          RegMemoryLimitLo: memory_limit_q[31:0] <= data_kept;
          RegMemoryLimitHi: memory_limit_q[47:32] <= data_kept[15:0];
          RegBurstLimits: begin
            outstanding_q <= clamp_outstanding(data_kept[7:0]);
            beats_q       <= clamp_beats(data_kept[24:16]);
          end
          default: ;
        endcase
      end
      soft_reset_q <= reset_now;
      if (soft_reset_q) begin
        reset_pending_q <= 1'b0;
        ring_tail_q     <= '0;
        ring_long_q     <= 1'b0;
        stream_written_q <= '0;
      end
    end
  end

  // ------------------------------------------------------------------ interrupts
  logic done_d, fault_d, done_enable_d, fault_enable_d, irq_q;

  always_comb begin : p_interrupt
    done_d         = done_q;
    fault_d        = fault_q;
    done_enable_d  = done_enable_q;
    fault_enable_d = fault_enable_q;
    if (write && (address_kept == RegInterruptStatus)) begin
      if (data_kept[0]) done_d = 1'b0;
      if (data_kept[1]) fault_d = 1'b0;
    end
    if (write && (address_kept == RegInterruptEnable)) begin
      done_enable_d  = data_kept[0];
      fault_enable_d = data_kept[1];
    end
    // The device's own events win over a write in the same cycle.
    if (halt_done_i) done_d = 1'b1;
    if (faulted_now) fault_d = 1'b1;
    if (soft_reset_q) begin
      done_d  = 1'b0;
      fault_d = 1'b0;
    end
  end

  always_ff @(posedge clk_i) begin : p_interrupt_registers
    if (!rst_ni) begin
      done_q         <= 1'b0;
      fault_q        <= 1'b0;
      done_enable_q  <= 1'b0;
      fault_enable_q <= 1'b0;
      irq_q          <= 1'b0;
    end else begin
      done_q         <= done_d;
      fault_q        <= fault_d;
      done_enable_q  <= done_enable_d;
      fault_enable_q <= fault_enable_d;
      irq_q          <= (done_d && done_enable_d) || (fault_d && fault_enable_d);
    end
  end
  assign irq_o = irq_q;

  // ------------------------------------------------------------------ counters
  logic        read_counter, counter_valid;
  logic [6:0]  counter;  // whose word lies at the offset that is read
  logic [63:0] counter_value;

  counters #(
    .Rows(ArrayRows), .Columns(ArrayColumns), .VectorLanes(VectorLanes), .Lanes(Lanes)
  ) u_counters (
    .clk_i,
    .rst_ni,
    .counting_i  (counting),
    .activities_i,
    .completed_i (completed_i[Units-1:UnitLoad]),
    .events_i,
    .macs_i,
    .clear_i     (clear_counters),
    .read_i      (read_counter),
    .read_index_i(counter),
    .read_valid_o(counter_valid),
    .read_value_o(counter_value)
  );

  // As the counters: a cycle later.
  activity_e [Units-1:0] activities_q;
  logic      [Units-1:0] completed_now_q;
  logic                  running_q, any_busy;

  always_comb begin : p_any_busy
    any_busy = 1'b0;
    for (int unsigned unit = 0; unit < Units; unit++) begin
      any_busy |= activities_q[unit] == ActivityBusy;
    end
  end

  always_ff @(posedge clk_i) begin : p_border
    running_q    <= running;
    activities_q <= activities_i;
  end

  always_ff @(posedge clk_i) begin : p_progress
    if (!rst_ni || soft_reset_q) begin
      completed_now_q <= '0;
      completed_q     <= '0;
      progress_q      <= '0;
    end else begin
      completed_now_q <= completed_i;
      completed_q     <= completed_q + 32'($countones(completed_now_q));
      if (any_busy || (completed_now_q != '0)) progress_q <= progress_q + 32'd1;
    end
  end

  // ------------------------------------------------------------------ reads
  // t: the offset is taken. t + 1: everything but what is a cycle late. t + 2: that. t + 5: a
  // counter.
  logic        read, reading_q, offset_valid_q, value_valid_q, rvalid_q, read_known, is_counter;
  logic [11:0] offset_q;
  logic [1:0]  rresp_q, status_state;
  logic [31:0] rdata_q, read_data, late_data;

  assign arready_o = !reading_q;
  assign read      = arvalid_i && arready_o;
  assign rvalid_o  = rvalid_q;
  assign rdata_o   = rdata_q;
  assign rresp_o   = rresp_q;

  always_comb begin : p_status
    unique case (state_q)
      StateNormal:   status_state = 2'd0;  // or 1, if it is running
      StateStopping: status_state = 2'd2;
      default:       status_state = 2'd3;
    endcase
  end

  assign is_counter = (offset_q >= RegCounters) && (32'(offset_q) < CountersEnd) &&
      (offset_q[1:0] == 2'd0);
  assign counter      = 7'((offset_q - RegCounters) >> 3);
  assign read_counter = offset_valid_q && is_counter;

  // The activity is added later.
  function automatic logic [31:0] unit_state(logic [7:0] waiting);
    return {16'd0, waiting, 8'd0};
  endfunction

  // Nothing of a fault that is none.
  function automatic logic [31:0] if_faulty(logic [31:0] value);
    return (state_q == StateNormal) ? 32'd0 : value;
  endfunction

  always_comb begin : p_read
    read_data  = '0;
    read_known = 1'b1;
    unique case (offset_q)
      RegIdentity:           read_data = Identity;
      RegInterfaceVersion:   read_data = 32'(InterfaceVersion);
      RegArrayShape:         read_data = {16'(ArrayColumns), 16'(ArrayRows)};
      RegLanes:              read_data = {1'(Decoder), 15'(Lanes), 16'(VectorLanes)};
      RegScratchpadLines:    read_data = 32'(ScratchpadLines);
      RegAccumulatorLines:   read_data = 32'(AccumulatorLines);
      RegBanks:              read_data = {16'(AccumulatorBanks), 16'(ScratchpadBanks)};
      RegAxiShape:           read_data = {1'(Parity), 15'(QueueDepth), 16'(AxiDataBits)};
      RegControl:            read_data = {30'd0, reset_pending_q, enable_q};
      RegStatus:             read_data = {29'd0, drained && queues_empty_i, status_state};
      RegInterruptStatus:    read_data = {30'd0, fault_q, done_q};
      RegInterruptEnable:    read_data = {30'd0, fault_enable_q, done_enable_q};
      RegFault:              read_data = if_faulty({20'd0, fault_unit_q, 8'(fault_cause_q)});
      RegFaultCommand:       read_data = if_faulty(fault_index_q);
      RegFaultAddressLo:     read_data = if_faulty(fault_address_q[31:0]);
      RegFaultAddressHi:     read_data = if_faulty({16'd0, fault_address_q[47:32]});
      RegRingBaseLo:         read_data = ring_base_q[31:0];
      RegRingBaseHi:         read_data = {16'd0, ring_base_q[47:32]};
      RegRingEntries:        read_data = ring_entries_q;
      RegRingTail:           read_data = ring_tail_q;
      RegRingHead:           read_data = ring_head_i;
      RegMemoryLimitLo:      read_data = memory_limit_q[31:0];
      RegMemoryLimitHi:      read_data = {16'd0, memory_limit_q[47:32]};
      RegBurstLimits:        read_data = {7'd0, beats_q, 8'd0, outstanding_q};
      RegStreamWritten:      read_data = stream_written_q;
      RegStreamReleased:     read_data = stream_released_i;
      RegUnitStateCommand:   read_data = unit_state(waiting_i[UnitCommand]);
      RegUnitStateLoad:      read_data = unit_state(waiting_i[UnitLoad]);
      RegUnitStateArray:     read_data = unit_state(waiting_i[UnitArray]);
      RegUnitStateVector:    read_data = unit_state(waiting_i[UnitVector]);
      RegUnitStateStore:     read_data = unit_state(waiting_i[UnitStore]);
      RegUnitCommandCommand: read_data = current_index_i[UnitCommand];
      RegUnitCommandLoad:    read_data = current_index_i[UnitLoad];
      RegUnitCommandArray:   read_data = current_index_i[UnitArray];
      RegUnitCommandVector:  read_data = current_index_i[UnitVector];
      RegUnitCommandStore:   read_data = current_index_i[UnitStore];
      RegCompleted, RegProgress: ;  // late
      default:               read_known = is_counter;
    endcase
  end

  always_comb begin : p_late
    late_data = rdata_q;
    unique case (offset_q)
      RegCompleted:        late_data = completed_q;
      RegProgress:         late_data = progress_q;
      RegStatus:           late_data[0] = rdata_q[0] || ((rdata_q[1:0] == 2'd0) && running_q);
      RegUnitStateCommand: late_data[2:0] = activities_q[UnitCommand];
      RegUnitStateLoad:    late_data[2:0] = activities_q[UnitLoad];
      RegUnitStateArray:   late_data[2:0] = activities_q[UnitArray];
      RegUnitStateVector:  late_data[2:0] = activities_q[UnitVector];
      RegUnitStateStore:   late_data[2:0] = activities_q[UnitStore];
      default: ;
    endcase
  end

  always_ff @(posedge clk_i) begin : p_read_control
    if (!rst_ni) begin
      reading_q      <= 1'b0;
      offset_valid_q <= 1'b0;
      value_valid_q  <= 1'b0;
      rvalid_q       <= 1'b0;
    end else begin
      if (read) reading_q <= 1'b1;
      else if (rvalid_q && rready_i) reading_q <= 1'b0;
      offset_valid_q <= read;
      value_valid_q  <= offset_valid_q && !is_counter;
      if (value_valid_q || counter_valid) rvalid_q <= 1'b1;
      else if (rready_i) rvalid_q <= 1'b0;
    end
  end

  always_ff @(posedge clk_i) begin : p_read_data
    if (read) offset_q <= araddr_i;
    if (offset_valid_q) begin
      rdata_q <= read_data;
      rresp_q <= read_known ? RespOkay : RespSlverr;
    end
    if (value_valid_q) rdata_q <= late_data;
    if (counter_valid) rdata_q <= offset_q[2] ? counter_value[63:32] : counter_value[31:0];
  end

`ifndef SYNTHESIS
  logic        bwaited_q, rwaited_q, awwaited_q, wwaited_q, arwaited_q;
  logic [11:0] awaddr_q, araddr_q;
  logic [31:0] wdata_q, rdata_waited_q;

  always_ff @(posedge clk_i) begin : p_check
    if (!rst_ni) begin
      {bwaited_q, rwaited_q, awwaited_q, wwaited_q, arwaited_q} <= '0;
    end else begin
      bwaited_q      <= bvalid_o && !bready_i;
      rwaited_q      <= rvalid_o && !rready_i;
      awwaited_q     <= awvalid_i && !awready_o;
      wwaited_q      <= wvalid_i && !wready_o;
      arwaited_q     <= arvalid_i && !arready_o;
      awaddr_q       <= awaddr_i;
      araddr_q       <= araddr_i;
      wdata_q        <= wdata_i;
      rdata_waited_q <= rdata_o;
      WriteResponseStable: assert (!bwaited_q || bvalid_o)
      else $error("a write response was withdrawn");
      ReadResponseStable: assert (!rwaited_q || (rvalid_o && (rdata_o == rdata_waited_q)))
      else $error("a read response was withdrawn");
      WriteAddressStable: assert (!awwaited_q || (awvalid_i && (awaddr_i == awaddr_q)))
      else $error("a write address was withdrawn");
      WriteDataStable: assert (!wwaited_q || (wvalid_i && (wdata_i == wdata_q)))
      else $error("write data was withdrawn");
      ReadAddressStable: assert (!arwaited_q || (arvalid_i && (araddr_i == araddr_q)))
      else $error("a read address was withdrawn");
    end
  end
`endif

endmodule

`default_nettype wire
