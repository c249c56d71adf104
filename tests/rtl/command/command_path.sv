// The whole command path as the accelerator wires it: registers, command processor, queues, tokens
// and the read arbiter. Memory, the load unit's read port and the four units (load, array, vector,
// store) are the bench's.

`default_nettype none

// What the bench does not look at stays open.
// verilator lint_off PINCONNECTEMPTY

module command_path #(
  parameter int unsigned AxiDataBits = 128,
  parameter int unsigned QueueDepth  = 4
) (
  input  wire logic                    clk_i,
  input  wire logic                    rst_ni,
  output logic                         irq_o,
  output logic                         stop_o,
  output logic                         soft_reset_o,

  input  wire logic                    awvalid_i,
  output logic                         awready_o,
  input  wire logic [11:0]             awaddr_i,
  input  wire logic                    wvalid_i,
  output logic                         wready_o,
  input  wire logic [31:0]             wdata_i,
  output logic                         bvalid_o,
  input  wire logic                    bready_i,
  output logic      [1:0]              bresp_o,
  input  wire logic                    arvalid_i,
  output logic                         arready_o,
  input  wire logic [11:0]             araddr_i,
  output logic                         rvalid_o,
  input  wire logic                    rready_i,
  output logic      [31:0]             rdata_o,
  output logic      [1:0]              rresp_o,

  output logic                         m_ar_valid_o,
  output accelerator_pkg::axi_address_t m_ar_o,
  input  wire logic                    m_ar_ready_i,
  input  wire logic                    m_r_valid_i,
  input  wire logic [1:0]              m_r_id_i,
  input  wire logic [AxiDataBits-1:0]  m_r_data_i,
  input  wire logic                    m_r_last_i,
  input  wire logic [1:0]              m_r_resp_i,
  output logic                         m_r_ready_o,

  input  wire logic                    load_ar_valid_i,
  input  wire accelerator_pkg::axi_address_t load_ar_i,
  output logic                         load_ar_ready_o,
  output logic                         load_r_valid_o,

  output logic      [3:0]              unit_command_valid_o,
  output accelerator_pkg::queued_command_t [3:0] unit_command_o,
  input  wire logic [3:0]              unit_command_ready_i,
  input  wire accelerator_pkg::completion_t [3:0] unit_completion_i,
  input  wire interface_pkg::activity_e [3:0] unit_activity_i,
  input  wire logic [3:0][31:0]        unit_index_i,
  input  wire accelerator_pkg::unit_fault_t [3:0] unit_fault_i,
  input  wire logic [3:0]              unit_idle_i
);

  import accelerator_pkg::*;
  import interface_pkg::*;

  // The soft reset is folded into the reset of everything but the registers.
  logic machine_rst_n;
  assign machine_rst_n = rst_ni && !soft_reset_o;

  logic        enable, units_idle, queues_empty;
  logic        command_idle, command_completed, halt_done, in_program;
  logic [47:0] ring_base, memory_limit;
  logic [31:0] ring_mask, ring_tail, ring_head, command_index;
  logic        ring_long, ring_odd;
  logic [7:0]  buffered;
  activity_e   command_activity;
  unit_fault_t command_fault;
  logic        fetch_burst, fetch_beat, r_stray;

  logic         [1:0] ar_valid, ar_ready, r_valid;
  axi_address_t [1:0] ar;
  logic               fetch_r_ready;

  logic [3:0]       queue_valid, queue_ready, waiting, overflow;
  queued_command_t  queue_command;
  logic [3:0][15:0] take, give;
  logic [15:0]      available;
  logic [3:0][$clog2(QueueDepth+1)-1:0] count;

  activity_e   [Units-1:0]          activities;
  unit_fault_t [Units-1:0]          faults;
  logic        [Units-1:0][31:0]    indices;
  logic        [Units-1:0][7:0]     waiting_commands;
  logic        [Units-1:0]          completed;
  events_t                          events;

  assign units_idle   = &unit_idle_i;
  assign queues_empty = count == '0;

  always_comb begin : p_collect
    activities[UnitCommand]       = command_activity;
    faults[UnitCommand]           = command_fault;
    indices[UnitCommand]          = command_index;
    waiting_commands[UnitCommand] = buffered;
    completed[0]                  = command_completed;
    for (int unsigned unit = 0; unit < 4; unit++) begin
      activities[unit+1] = unit_activity_i[unit];
      if ((unit_activity_i[unit] == ActivityIdle) && waiting[unit]) begin
        activities[unit+1] = ActivityWaitToken;
      end
      faults[unit+1] = unit_fault_i[unit];
      if (!unit_fault_i[unit].valid && overflow[unit]) begin
        faults[unit+1] = '{valid: 1'b1, cause: FaultTokenOverflow, address: 48'd0};
      end
      indices[unit+1]          = unit_index_i[unit];
      waiting_commands[unit+1] = 8'(count[unit]);
      completed[unit+1]        = unit_completion_i[unit].valid;
      give[unit]               =
          unit_completion_i[unit].valid ? unit_completion_i[unit].signal_tokens : '0;
    end
    events             = '0;
    events.fetch_burst = fetch_burst;
    events.fetch_beat  = fetch_beat;
  end

  registers #(
    .AxiDataBits(AxiDataBits),
    .QueueDepth (QueueDepth)
  ) u_registers (
    .clk_i,
    .rst_ni,
    .awvalid_i, .awready_o, .awaddr_i,
    .wvalid_i, .wready_o, .wdata_i,
    .bvalid_o, .bready_i, .bresp_o,
    .arvalid_i, .arready_o, .araddr_i,
    .rvalid_o, .rready_i, .rdata_o, .rresp_o,
    .irq_o, .soft_reset_o, .stop_o,
    .enable_o           (enable),
    .ring_base_o        (ring_base),
    .ring_mask_o        (ring_mask),
    .ring_tail_o        (ring_tail),
    .ring_long_o        (ring_long),
    .ring_odd_o         (ring_odd),
    .ring_head_i        (ring_head),
    .stream_written_o   (),
    .stream_released_i  ('0),
    .memory_limit_o     (memory_limit),
    .outstanding_limit_o(),
    .burst_beats_o      (),
    .activities_i       (activities),
    .waiting_i          (waiting_commands),
    .current_index_i    (indices),
    .faults_i           (faults),
    .fault_index_i      (indices),
    .completed_i        (completed),
    .halt_done_i        (halt_done),
    .in_program_i       (in_program),
    .command_idle_i     (command_idle),
    .units_idle_i       (units_idle),
    .queues_empty_i     (queues_empty),
    .events_i           (events),
    .macs_i             ('0)
  );

  command_processor #(
    .AxiDataBits(AxiDataBits), .VectorLanes(8), .Lanes(32)
  ) u_command_processor (
    .clk_i,
    .rst_ni             (machine_rst_n),
    .enable_i           (enable),
    .stop_i             (stop_o),
    .ring_base_i        (ring_base),
    .ring_mask_i        (ring_mask),
    .ring_tail_i        (ring_tail),
    .ring_long_i        (ring_long),
    .ring_odd_i         (ring_odd),
    .memory_limit_i     (memory_limit),
    .ring_head_o        (ring_head),
    .ar_valid_o         (ar_valid[0]),
    .ar_o               (ar[0]),
    .ar_ready_i         (ar_ready[0]),
    .r_valid_i          (r_valid[0]),
    .r_stray_i          (r_stray),
    .r_data_i           (m_r_data_i),
    .r_last_i           (m_r_last_i),
    .r_resp_i           (m_r_resp_i),
    .r_ready_o          (fetch_r_ready),
    .queue_valid_o      (queue_valid),
    .queue_command_o    (queue_command),
    .queue_ready_i      (queue_ready),
    .units_idle_i       (units_idle && queues_empty),
    .halt_done_o        (halt_done),
    .in_program_o       (in_program),
    .completed_o        (command_completed),
    .activity_o         (command_activity),
    .current_index_o    (command_index),
    .buffered_o         (buffered),
    .fault_o            (command_fault),
    .idle_o             (command_idle),
    .burst_o            (fetch_burst),
    .beat_o             (fetch_beat)
  );

  command_queues #(
    .Depth(QueueDepth)
  ) u_command_queues (
    .clk_i,
    .rst_ni         (machine_rst_n),
    .stop_i         (stop_o),
    .valid_i        (queue_valid),
    .ready_o        (queue_ready),
    .command_i      (queue_command),
    .available_i    (available),
    .take_o         (take),
    .hold_i         ('0),
    .command_valid_o(unit_command_valid_o),
    .command_ready_i(unit_command_ready_i),
    .command_o      (unit_command_o),
    .held_o         (),
    .accept_o       (),
    .waiting_o      (waiting),
    .held_back_o    (),
    .count_o        (count)
  );

  token_file u_token_file (
    .clk_i,
    .rst_ni     (machine_rst_n),
    .take_i     (take),
    .give_i     (give),
    .available_o(available),
    .overflow_o (overflow)
  );

  assign ar_valid[1]     = load_ar_valid_i;
  assign ar[1]           = load_ar_i;
  assign load_ar_ready_o = ar_ready[1];
  assign load_r_valid_o  = r_valid[1];

  axi_read_arbiter u_arbiter (
    .clk_i,
    .rst_ni    (machine_rst_n),
    .ar_valid_i(ar_valid),
    .ar_i      (ar),
    .ar_ready_o(ar_ready),
    .ar_valid_o(m_ar_valid_o),
    .ar_o      (m_ar_o),
    .ar_ready_i(m_ar_ready_i),
    .r_valid_i (m_r_valid_i),
    .r_id_i    (m_r_id_i),
    .r_ready_o (m_r_ready_o),
    .r_valid_o (r_valid),
    .r_ready_i ({1'b1, fetch_r_ready}),
    .r_stray_o (r_stray)
  );

endmodule

`default_nettype wire
