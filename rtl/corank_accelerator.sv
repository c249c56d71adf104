// The accelerator: command processor, DMA, local memories, systolic array, vector unit, behind AXI4
// (memory), AXI4-Lite (control) and one interrupt. Ports are flat vectors, so that any simulator or
// wrapper can bind them; corank_simulation is such a wrapper, with a trace of the commands.
//
// Clock and reset: one clock, rising edges only, and no clock or reset is made in here. Every reset
//   is synchronous: rst_ni must be low at one rising edge at least, and must change in time for the
//   set-up of an edge (so an asynchronous reset of the chip needs a synchroniser in front). While
//   it is low, and up to the first edge with it high, outputs may be anything. Data registers and
//   memories have no reset; valid bits, which have one, guard them.
// AxPROT of the control port, if the host has one, is not looked at.

`default_nettype none

module corank_accelerator #(
  parameter int unsigned ArrayRows        = 8,
  parameter int unsigned ArrayColumns     = 8,
  parameter int unsigned VectorLanes      = 8,
  parameter int unsigned ScratchpadKib    = 64,
  parameter int unsigned ScratchpadBanks  = 8,
  parameter int unsigned AccumulatorKib   = 64,
  parameter int unsigned AccumulatorBanks = 4,
  parameter int unsigned AxiDataBits      = 128,
  parameter int unsigned QueueDepth       = 4,
  parameter int unsigned Parity           = 0,  // 1: of the local memories' elements
  parameter int unsigned Decoder          = 1   // 0: without the decoder of packed weights
) (
  input  wire logic                       clk_i,
  input  wire logic                       rst_ni,

  output logic                            irq_o,

  // AXI4-Lite control, 12-bit byte addresses, 32-bit data
  input  wire logic                       s_axil_awvalid_i,
  output logic                            s_axil_awready_o,
  input  wire logic [11:0]                s_axil_awaddr_i,
  input  wire logic                       s_axil_wvalid_i,
  output logic                            s_axil_wready_o,
  input  wire logic [31:0]                s_axil_wdata_i,
  output logic                            s_axil_bvalid_o,
  input  wire logic                       s_axil_bready_i,
  output logic [1:0]                      s_axil_bresp_o,
  input  wire logic                       s_axil_arvalid_i,
  output logic                            s_axil_arready_o,
  input  wire logic [11:0]                s_axil_araddr_i,
  output logic                            s_axil_rvalid_o,
  input  wire logic                       s_axil_rready_i,
  output logic [31:0]                     s_axil_rdata_o,
  output logic [1:0]                      s_axil_rresp_o,

  // AXI4 memory side; bursts are INCR of full beats (awsize/arsize = log2 of the bus bytes,
  // awburst/arburst = 1). What describes a transaction is constant: no lock, no quality of service,
  // unprivileged non-secure data (prot), normal memory that is neither cached nor buffered (cache):
  // a response to a store says that the data is there for the host, too.
  output logic                            m_axi_awvalid_o,
  input  wire logic                       m_axi_awready_i,
  output logic [1:0]                      m_axi_awid_o,
  output logic [47:0]                     m_axi_awaddr_o,
  output logic [7:0]                      m_axi_awlen_o,
  output logic [2:0]                      m_axi_awsize_o,
  output logic [1:0]                      m_axi_awburst_o,
  output logic                            m_axi_awlock_o,
  output logic [3:0]                      m_axi_awcache_o,
  output logic [2:0]                      m_axi_awprot_o,
  output logic [3:0]                      m_axi_awqos_o,
  output logic                            m_axi_wvalid_o,
  input  wire logic                       m_axi_wready_i,
  output logic [AxiDataBits-1:0]          m_axi_wdata_o,
  output logic [AxiDataBits/8-1:0]        m_axi_wstrb_o,
  output logic                            m_axi_wlast_o,
  input  wire logic                       m_axi_bvalid_i,
  output logic                            m_axi_bready_o,
  input  wire logic [1:0]                 m_axi_bid_i,
  input  wire logic [1:0]                 m_axi_bresp_i,
  output logic                            m_axi_arvalid_o,
  input  wire logic                       m_axi_arready_i,
  output logic [1:0]                      m_axi_arid_o,
  output logic [47:0]                     m_axi_araddr_o,
  output logic [7:0]                      m_axi_arlen_o,
  output logic [2:0]                      m_axi_arsize_o,
  output logic [1:0]                      m_axi_arburst_o,
  output logic                            m_axi_arlock_o,
  output logic [3:0]                      m_axi_arcache_o,
  output logic [2:0]                      m_axi_arprot_o,
  output logic [3:0]                      m_axi_arqos_o,
  input  wire logic                       m_axi_rvalid_i,
  output logic                            m_axi_rready_o,
  input  wire logic [1:0]                 m_axi_rid_i,
  input  wire logic [AxiDataBits-1:0]     m_axi_rdata_i,
  input  wire logic [1:0]                 m_axi_rresp_i,
  input  wire logic                       m_axi_rlast_i
);

  import accelerator_pkg::*;
  import interface_pkg::*;

  localparam int unsigned Lanes = memory_lanes(ArrayRows, ArrayColumns, VectorLanes, AxiDataBits);
  localparam int unsigned ScratchpadLines  = ScratchpadKib * 1024 / (Lanes * 2);
  localparam int unsigned AccumulatorLines = AccumulatorKib * 1024 / (Lanes * 4);

  // Soft reset reaches everything but the registers. Every reset is synchronous, so this is a
  // clear like any other.
  logic soft_reset, unit_rst_n;
  assign unit_rst_n = rst_ni && !soft_reset;

  logic        stop, enable;
  logic [47:0] ring_base, memory_limit;
  logic [31:0] ring_mask, ring_tail, ring_head;
  logic        ring_long, ring_odd;
  logic [7:0]  outstanding_limit;
  logic [8:0]  burst_beats;

  // ------------------------------------------------------------------ commands
  logic            fetch_ar_valid, fetch_ar_ready, fetch_r_valid, fetch_r_ready, r_stray;
  axi_address_t    fetch_ar;
  logic [3:0]      queue_valid, queue_ready;
  queued_command_t queue_command;
  logic            halt_done, in_program, command_completed, command_idle, units_idle, queues_empty;
  activity_e       command_activity;
  logic [31:0]     command_index;
  logic [7:0]      command_buffered;
  unit_fault_t     command_fault;
  logic            fetch_burst, fetch_beat;

  command_processor #(
    .AxiDataBits(AxiDataBits), .VectorLanes(VectorLanes), .Lanes(Lanes), .Decoder(Decoder)
  ) u_command_processor (
    .clk_i,
    .rst_ni         (unit_rst_n),
    .enable_i       (enable),
    .stop_i         (stop),
    .ring_base_i    (ring_base),
    .ring_mask_i    (ring_mask),
    .ring_tail_i    (ring_tail),
    .ring_long_i    (ring_long),
    .ring_odd_i     (ring_odd),
    .memory_limit_i (memory_limit),
    .ring_head_o    (ring_head),
    .ar_valid_o     (fetch_ar_valid),
    .ar_o           (fetch_ar),
    .ar_ready_i     (fetch_ar_ready),
    .r_valid_i      (fetch_r_valid),
    .r_stray_i      (r_stray),
    .r_data_i       (m_axi_rdata_i),
    .r_last_i       (m_axi_rlast_i),
    .r_resp_i       (m_axi_rresp_i),
    .r_ready_o      (fetch_r_ready),
    .queue_valid_o  (queue_valid),
    .queue_command_o(queue_command),
    .queue_ready_i  (queue_ready),
    .units_idle_i   (units_idle && queues_empty),
    .halt_done_o    (halt_done),
    .in_program_o   (in_program),
    .completed_o    (command_completed),
    .activity_o     (command_activity),
    .current_index_o(command_index),
    .buffered_o     (command_buffered),
    .fault_o        (command_fault),
    .idle_o         (command_idle),
    .burst_o        (fetch_burst),
    .beat_o         (fetch_beat)
  );

  // One of each for every unit with a queue, in the order of queue_e.
  queued_command_t [Queues-1:0]                 unit_command;
  logic [Queues-1:0]                            unit_valid, unit_ready;
  logic [Queues-1:0]                            unit_held, unit_accepts;
  logic [Queues-1:0]                            unit_waiting, unit_held_back, unit_idle;
  logic [Queues-1:0]                            hold;
  logic [Queues-1:0][$clog2(QueueDepth+1)-1:0]  queue_count;
  logic [Queues-1:0][15:0]                      token_take, token_give;
  logic [Queues*Queues-1:0]                     token_available;
  logic [Queues-1:0]                            token_overflow;
  completion_t [Queues-1:0]                     completion;
  activity_e                                    load_activity, array_activity;
  activity_e                                    vector_activity, store_activity;
  activity_e [Queues-1:0]                       unit_activity;
  logic [Queues-1:0][31:0]                      unit_index;
  logic [31:0]                                  load_fault_index, store_fault_index;
  unit_fault_t                                  load_fault, vector_fault, store_fault;

  command_queues #(.Depth(QueueDepth)) u_command_queues (
    .clk_i,
    .rst_ni         (unit_rst_n),
    .stop_i         (stop),
    .valid_i        (queue_valid),
    .ready_o        (queue_ready),
    .command_i      (queue_command),
    .available_i    (token_available),
    .take_o         (token_take),
    .hold_i         (hold),
    .command_valid_o(unit_valid),
    .command_ready_i(unit_ready),
    .command_o      (unit_command),
    .held_o         (unit_held),
    .accept_o       (unit_accepts),
    .waiting_o      (unit_waiting),
    .held_back_o    (unit_held_back),
    .count_o        (queue_count)
  );

  for (genvar u = 0; u < Queues; u++) begin : gen_give
    assign token_give[u] = completion[u].valid ? completion[u].signal_tokens : '0;
  end

  token_file u_token_file (
    .clk_i,
    .rst_ni     (unit_rst_n),
    .take_i     (token_take),
    .give_i     (token_give),
    .available_o(token_available),
    .overflow_o (token_overflow)
  );

  // Streamed weights: a load that takes a tile waits until the host has written it.
  load_command_t load_command;
  logic          stream_available;
  logic [31:0]   stream_written, stream_released;
  assign load_command = unit_command[QueueLoad].bits;
  always_comb begin
    hold       = '0;
    hold[QueueLoad] = load_command.stream_take && !stream_available;
  end

  stream_window u_stream_window (
    .clk_i,
    .rst_ni     (unit_rst_n),
    .written_i  (stream_written),
    .available_o(stream_available),
    .released_o (stream_released),
    .start_i    (unit_accepts[QueueLoad]),
    .take_i     (load_command.stream_take),
    .release_i  (load_command.stream_release),
    .complete_i (completion[QueueLoad].valid)
  );

  assign units_idle   = &unit_idle;
  assign queues_empty = queue_count == '0;

  // ------------------------------------------------------------------ local memories
  // The ports of the scratchpad (sp) and of the accumulator memory (ac); each list ends with the
  // number of them.
  typedef enum int unsigned {
    SpReadStream,
    SpReadStationary,
    SpReadVector,
    SpReadStore,
    SpReaders
  } sp_reader_e;
  typedef enum int unsigned {SpWriteLoad, SpWriteVector, SpWriters} sp_writer_e;
  typedef enum int unsigned {AcReadArray, AcReadVector, AcReadStore, AcReaders} ac_reader_e;
  typedef enum int unsigned {AcWriteArray, AcWriteVector, AcWriteLoad, AcWriters} ac_writer_e;

  logic          [SpReaders-1:0]               sp_read_valid, sp_read_range, sp_read_conflict;
  logic          [SpReaders-1:0]               sp_read_parity;
  tile_request_t [SpReaders-1:0]               sp_read_request;
  logic          [SpReaders-1:0][Lanes*16-1:0] sp_read_data;
  logic          [SpReaders-1:0][31:0]         sp_read_line;  // that is read in this cycle
  logic          [SpWriters-1:0]               sp_write_valid, sp_write_range, sp_write_conflict;
  tile_request_t [SpWriters-1:0]               sp_write_request;
  logic          [SpWriters-1:0][Lanes*16-1:0] sp_write_data;
  logic          [AcReaders-1:0]               ac_read_valid, ac_read_range, ac_read_conflict;
  logic          [AcReaders-1:0]               ac_read_parity;
  tile_request_t [AcReaders-1:0]               ac_read_request;
  logic          [AcReaders-1:0][Lanes*32-1:0] ac_read_data;
  logic          [AcReaders-1:0][31:0]         ac_read_line;
  logic          [AcWriters-1:0]               ac_write_valid, ac_write_range, ac_write_conflict;
  tile_request_t [AcWriters-1:0]               ac_write_request;
  logic          [AcWriters-1:0][Lanes*32-1:0] ac_write_data;

  tile_memory #(
    .ElementBits(16), .Lanes(Lanes), .Lines(ScratchpadLines), .Banks(ScratchpadBanks),
    .Readers(SpReaders), .Writers(SpWriters), .Parity(Parity)
  ) u_scratchpad (
    .clk_i,
    .rst_ni             (unit_rst_n),
    .read_valid_i       (sp_read_valid),
    .read_request_i     (sp_read_request),
    .read_data_o        (sp_read_data),
    .write_valid_i      (sp_write_valid),
    .write_request_i    (sp_write_request),
    .write_data_i       (sp_write_data),
    .read_line_o        (sp_read_line),
    .read_range_fault_o (sp_read_range),
    .read_conflict_o    (sp_read_conflict),
    .read_parity_o      (sp_read_parity),
    .write_range_fault_o(sp_write_range),
    .write_conflict_o   (sp_write_conflict)
  );

  tile_memory #(
    .ElementBits(32), .Lanes(Lanes), .Lines(AccumulatorLines), .Banks(AccumulatorBanks),
    .Readers(AcReaders), .Writers(AcWriters), .Parity(Parity)
  ) u_accumulator (
    .clk_i,
    .rst_ni             (unit_rst_n),
    .read_valid_i       (ac_read_valid),
    .read_request_i     (ac_read_request),
    .read_data_o        (ac_read_data),
    .write_valid_i      (ac_write_valid),
    .write_request_i    (ac_write_request),
    .write_data_i       (ac_write_data),
    .read_line_o        (ac_read_line),
    .read_range_fault_o (ac_read_range),
    .read_conflict_o    (ac_read_conflict),
    .read_parity_o      (ac_read_parity),
    .write_range_fault_o(ac_write_range),
    .write_conflict_o   (ac_write_conflict)
  );

  // ------------------------------------------------------------------ units
  logic                   load_ar_valid, load_ar_ready, load_r_valid, load_r_ready;
  axi_address_t           load_ar;
  logic                   load_burst, load_beat, load_decoded, store_burst, store_beat;
  logic                   program_write_valid;
  logic [15:0]            program_write_word;
  logic [AxiDataBits-1:0] program_write_data;
  logic                   index_write_valid;
  logic [15:0]            index_write_word;
  logic [AxiDataBits-1:0] index_write_data;

  load_unit #(.AxiDataBits(AxiDataBits), .Lanes(Lanes), .Decoder(Decoder)) u_load_unit (
    .clk_i,
    .rst_ni                     (unit_rst_n),
    .command_valid_i            (unit_valid[QueueLoad]),
    .command_i                  (unit_command[QueueLoad]),
    .command_ready_o            (unit_ready[QueueLoad]),
    .completion_o               (completion[QueueLoad]),
    .activity_o                 (load_activity),
    .current_index_o            (unit_index[QueueLoad]),
    .fault_index_o              (load_fault_index),
    .fault_o                    (load_fault),
    .stop_i                     (stop),
    .idle_o                     (unit_idle[QueueLoad]),
    .memory_limit_i             (memory_limit),
    .outstanding_limit_i        (outstanding_limit),
    .burst_beats_i              (burst_beats),
    .ar_valid_o                 (load_ar_valid),
    .ar_o                       (load_ar),
    .ar_ready_i                 (load_ar_ready),
    .r_valid_i                  (load_r_valid),
    .r_data_i                   (m_axi_rdata_i),
    .r_last_i                   (m_axi_rlast_i),
    .r_resp_i                   (m_axi_rresp_i),
    .r_ready_o                  (load_r_ready),
    .scratchpad_write_valid_o   (sp_write_valid[SpWriteLoad]),
    .scratchpad_write_request_o (sp_write_request[SpWriteLoad]),
    .scratchpad_write_data_o    (sp_write_data[SpWriteLoad]),
    .accumulator_write_valid_o  (ac_write_valid[AcWriteLoad]),
    .accumulator_write_request_o(ac_write_request[AcWriteLoad]),
    .accumulator_write_data_o   (ac_write_data[AcWriteLoad]),
    .program_write_valid_o      (program_write_valid),
    .program_write_word_o       (program_write_word),
    .program_write_data_o       (program_write_data),
    .index_write_valid_o        (index_write_valid),
    .index_write_word_o         (index_write_word),
    .index_write_data_o         (index_write_data),
    .burst_o                    (load_burst),
    .beat_o                     (load_beat),
    .decoded_o                  (load_decoded)
  );

  logic        slot_valid;
  logic        row_streamed;
  logic [3:0]  slot_kind;
  logic [15:0] macs;

  array_unit #(.Rows(ArrayRows), .Columns(ArrayColumns), .Lanes(Lanes)) u_array_unit (
    .clk_i,
    .rst_ni                     (unit_rst_n),
    .command_valid_i            (unit_valid[QueueArray]),
    .command_i                  (unit_command[QueueArray]),
    .command_ready_o            (unit_ready[QueueArray]),
    .completion_o               (completion[QueueArray]),
    .activity_o                 (array_activity),
    .current_index_o            (unit_index[QueueArray]),
    .stop_i                     (stop),
    .idle_o                     (unit_idle[QueueArray]),
    .stream_read_valid_o        (sp_read_valid[SpReadStream]),
    .stream_read_request_o      (sp_read_request[SpReadStream]),
    .stream_read_data_i         (sp_read_data[SpReadStream]),
    .stationary_read_valid_o    (sp_read_valid[SpReadStationary]),
    .stationary_read_request_o  (sp_read_request[SpReadStationary]),
    .stationary_read_data_i     (sp_read_data[SpReadStationary]),
    .accumulator_read_valid_o   (ac_read_valid[AcReadArray]),
    .accumulator_read_request_o (ac_read_request[AcReadArray]),
    .accumulator_read_data_i    (ac_read_data[AcReadArray]),
    .accumulator_write_valid_o  (ac_write_valid[AcWriteArray]),
    .accumulator_write_request_o(ac_write_request[AcWriteArray]),
    .accumulator_write_data_o   (ac_write_data[AcWriteArray]),
    .slot_valid_o               (slot_valid),
    .slot_kind_o                (slot_kind),
    .row_o                      (row_streamed),
    .macs_o                     (macs)
  );

  counter_event_t vector_event;

  vector_unit #(.VectorLanes(VectorLanes), .Lanes(Lanes), .AxiDataBits(AxiDataBits)) u_vector_unit (
    .clk_i,
    .rst_ni                     (unit_rst_n),
    .command_valid_i            (unit_valid[QueueVector]),
    .command_i                  (unit_command[QueueVector]),
    .command_ready_o            (unit_ready[QueueVector]),
    .completion_o               (completion[QueueVector]),
    .activity_o                 (vector_activity),
    .current_index_o            (unit_index[QueueVector]),
    .fault_o                    (vector_fault),
    .stop_i                     (stop),
    .idle_o                     (unit_idle[QueueVector]),
    .program_write_valid_i      (program_write_valid),
    .program_write_word_i       (program_write_word),
    .program_write_data_i       (program_write_data),
    .scratchpad_read_valid_o    (sp_read_valid[SpReadVector]),
    .scratchpad_read_request_o  (sp_read_request[SpReadVector]),
    .scratchpad_read_data_i     (sp_read_data[SpReadVector]),
    .accumulator_read_valid_o   (ac_read_valid[AcReadVector]),
    .accumulator_read_request_o (ac_read_request[AcReadVector]),
    .accumulator_read_data_i    (ac_read_data[AcReadVector]),
    .scratchpad_write_valid_o   (sp_write_valid[SpWriteVector]),
    .scratchpad_write_request_o (sp_write_request[SpWriteVector]),
    .scratchpad_write_data_o    (sp_write_data[SpWriteVector]),
    .accumulator_write_valid_o  (ac_write_valid[AcWriteVector]),
    .accumulator_write_request_o(ac_write_request[AcWriteVector]),
    .accumulator_write_data_o   (ac_write_data[AcWriteVector]),
    .event_o                    (vector_event)
  );

  axi_address_t store_aw;

  store_unit #(.AxiDataBits(AxiDataBits), .Lanes(Lanes)) u_store_unit (
    .clk_i,
    .rst_ni                    (unit_rst_n),
    .command_valid_i           (unit_valid[QueueStore]),
    .command_i                 (unit_command[QueueStore]),
    .command_ready_o           (unit_ready[QueueStore]),
    .completion_o              (completion[QueueStore]),
    .activity_o                (store_activity),
    .current_index_o           (unit_index[QueueStore]),
    .fault_index_o             (store_fault_index),
    .fault_o                   (store_fault),
    .stop_i                    (stop),
    .idle_o                    (unit_idle[QueueStore]),
    .memory_limit_i            (memory_limit),
    .outstanding_limit_i       (outstanding_limit),
    .burst_beats_i             (burst_beats),
    .index_write_valid_i       (index_write_valid),
    .index_write_word_i        (index_write_word),
    .index_write_data_i        (index_write_data),
    .scratchpad_read_valid_o   (sp_read_valid[SpReadStore]),
    .scratchpad_read_request_o (sp_read_request[SpReadStore]),
    .scratchpad_read_data_i    (sp_read_data[SpReadStore]),
    .accumulator_read_valid_o  (ac_read_valid[AcReadStore]),
    .accumulator_read_request_o(ac_read_request[AcReadStore]),
    .accumulator_read_data_i   (ac_read_data[AcReadStore]),
    .aw_valid_o                (m_axi_awvalid_o),
    .aw_o                      (store_aw),
    .aw_ready_i                (m_axi_awready_i),
    .w_valid_o                 (m_axi_wvalid_o),
    .w_data_o                  (m_axi_wdata_o),
    .w_strb_o                  (m_axi_wstrb_o),
    .w_last_o                  (m_axi_wlast_o),
    .w_ready_i                 (m_axi_wready_i),
    .b_valid_i                 (m_axi_bvalid_i),
    .b_id_i                    (m_axi_bid_i),
    .b_resp_i                  (m_axi_bresp_i),
    .b_ready_o                 (m_axi_bready_o),
    .burst_o                   (store_burst),
    .beat_o                    (store_beat)
  );

  // ------------------------------------------------------------------ AXI
  axi_address_t read_address;
  axi_read_arbiter u_axi_read_arbiter (
    .clk_i,
    .rst_ni    (unit_rst_n),
    .ar_valid_i({load_ar_valid, fetch_ar_valid}),
    .ar_i      ({load_ar, fetch_ar}),
    .ar_ready_o({load_ar_ready, fetch_ar_ready}),
    .ar_valid_o(m_axi_arvalid_o),
    .ar_o      (read_address),
    .ar_ready_i(m_axi_arready_i),
    .r_valid_i (m_axi_rvalid_i),
    .r_id_i    (m_axi_rid_i),
    .r_ready_o (m_axi_rready_o),
    .r_valid_o ({load_r_valid, fetch_r_valid}),
    .r_ready_i ({load_r_ready, fetch_r_ready}),
    .r_stray_o (r_stray)
  );
  assign m_axi_arid_o    = read_address.id;
  assign m_axi_araddr_o  = read_address.address;
  assign m_axi_arlen_o   = read_address.len;
  assign m_axi_arsize_o  = 3'($clog2(AxiDataBits / 8));
  assign m_axi_arburst_o = 2'd1;
  assign m_axi_awid_o    = store_aw.id;
  assign m_axi_awaddr_o  = store_aw.address;
  assign m_axi_awlen_o   = store_aw.len;
  assign m_axi_awsize_o  = 3'($clog2(AxiDataBits / 8));
  assign m_axi_awburst_o = 2'd1;
  assign {m_axi_awlock_o, m_axi_arlock_o}   = {2{AxiLock}};
  assign {m_axi_awcache_o, m_axi_arcache_o} = {2{AxiCache}};
  assign {m_axi_awprot_o, m_axi_arprot_o}   = {2{AxiProt}};
  assign {m_axi_awqos_o, m_axi_arqos_o}     = {2{AxiQos}};

  // ------------------------------------------------------------------ faults
  // A unit's own fault, or a local access of its that was out of range or met another one, or a
  // token too many, or data with a wrong parity, which came from its reads of two cycles ago.
  function automatic unit_fault_t fault_of(unit_fault_t own, logic range, logic conflict,
                                           logic overflow, logic parity, logic [31:0] line);
    unit_fault_t fault;
    fault = own;
    if (!own.valid) begin
      fault.valid   = range || conflict || overflow || parity;
      fault.cause   = range    ? FaultLocalRange :
                      conflict ? FaultBankConflict :
                      overflow ? FaultTokenOverflow : FaultLocalParity;
      fault.address = ((range || conflict) && !overflow) ? 48'(line) : '0;
    end
    return fault;
  endfunction

  unit_fault_t no_fault;
  assign no_fault = '0;

  unit_fault_t [Units-1:0] faults;
  always_comb begin
    faults[UnitCommand] = command_fault;
    faults[UnitLoad]    = fault_of(
        load_fault,
        sp_write_range[SpWriteLoad] || ac_write_range[AcWriteLoad],
        sp_write_conflict[SpWriteLoad] || ac_write_conflict[AcWriteLoad],
        token_overflow[QueueLoad], 1'b0,
        ac_write_valid[AcWriteLoad] ? ac_write_request[AcWriteLoad].line :
                                      sp_write_request[SpWriteLoad].line);
    faults[UnitArray]   = fault_of(
        no_fault,
        sp_read_range[SpReadStream] || sp_read_range[SpReadStationary] ||
            ac_read_range[AcReadArray] || ac_write_range[AcWriteArray],
        sp_read_conflict[SpReadStream] || sp_read_conflict[SpReadStationary] ||
            ac_read_conflict[AcReadArray] || ac_write_conflict[AcWriteArray],
        token_overflow[QueueArray],
        sp_read_parity[SpReadStream] || sp_read_parity[SpReadStationary] ||
            ac_read_parity[AcReadArray],
        (sp_read_range[SpReadStream] || sp_read_conflict[SpReadStream]) ?
            sp_read_line[SpReadStream] :
        (sp_read_range[SpReadStationary] || sp_read_conflict[SpReadStationary]) ?
            sp_read_line[SpReadStationary] :
        (ac_read_range[AcReadArray] || ac_read_conflict[AcReadArray]) ?
            ac_read_line[AcReadArray] : ac_write_request[AcWriteArray].line);
    faults[UnitVector]  = fault_of(
        vector_fault,
        sp_read_range[SpReadVector] || ac_read_range[AcReadVector] ||
            sp_write_range[SpWriteVector] || ac_write_range[AcWriteVector],
        sp_read_conflict[SpReadVector] || ac_read_conflict[AcReadVector] ||
            sp_write_conflict[SpWriteVector] || ac_write_conflict[AcWriteVector],
        token_overflow[QueueVector],
        sp_read_parity[SpReadVector] || ac_read_parity[AcReadVector],
        (sp_read_range[SpReadVector] || sp_read_conflict[SpReadVector]) ?
            sp_read_line[SpReadVector] :
        (ac_read_range[AcReadVector] || ac_read_conflict[AcReadVector]) ?
            ac_read_line[AcReadVector] :
        (sp_write_range[SpWriteVector] || sp_write_conflict[SpWriteVector]) ?
            sp_write_request[SpWriteVector].line : ac_write_request[AcWriteVector].line);
    faults[UnitStore]   = fault_of(
        store_fault,
        sp_read_range[SpReadStore] || ac_read_range[AcReadStore],
        sp_read_conflict[SpReadStore] || ac_read_conflict[AcReadStore],
        token_overflow[QueueStore],
        sp_read_parity[SpReadStore] || ac_read_parity[AcReadStore],
        (ac_read_range[AcReadStore] || ac_read_conflict[AcReadStore]) ?
            ac_read_line[AcReadStore] : sp_read_line[SpReadStore]);
  end

  // ------------------------------------------------------------------ registers, counters
  assign unit_activity = {store_activity, vector_activity, array_activity, load_activity};

  activity_e [Units-1:0]       activities;
  logic      [Units-1:0][7:0]  waiting;
  logic      [Units-1:0][31:0] indices;
  logic      [Units-1:0]       completed;
  always_comb begin
    activities[UnitCommand] = command_activity;
    waiting[UnitCommand]    = command_buffered;
    indices[UnitCommand]    = command_index;
    completed[UnitCommand]  = command_completed;
    for (int unsigned u = 0; u < Queues; u++) begin
      activities[u+1] = unit_activity[u];
      // Its command is on the way from the RAM of the queues.
      if (unit_idle[u] && !unit_held[u] && (queue_count[u] != '0)) begin
        activities[u+1] = ActivityLatency;
      end
      if (unit_idle[u] && unit_waiting[u]) activities[u+1] = ActivityWaitToken;
      if (unit_idle[u] && unit_held_back[u]) activities[u+1] = ActivityWaitHost;
      waiting[u+1]    = 8'(queue_count[u]);
      indices[u+1]    = unit_index[u];
      if (unit_idle[u]) indices[u+1] = unit_held[u] ? unit_command[u].index : '0;
      completed[u+1]  = completion[u].valid;
    end
  end

  // The load and the store unit hold several commands; one of them has the fault. A token too many
  // is of the one that is complete.
  logic [Units-1:0][31:0] fault_indices;
  always_comb begin
    fault_indices = indices;
    for (int unsigned u = 0; u < Queues; u++) begin
      if (token_overflow[u]) fault_indices[u+1] = completion[u].index;
    end
    if (load_fault.valid ||
        sp_write_range[SpWriteLoad] || ac_write_range[AcWriteLoad] ||
        sp_write_conflict[SpWriteLoad] || ac_write_conflict[AcWriteLoad]) begin
      fault_indices[UnitLoad] = load_fault_index;
    end
    if (store_fault.valid ||
        sp_read_range[SpReadStore] || ac_read_range[AcReadStore] ||
        sp_read_conflict[SpReadStore] || ac_read_conflict[AcReadStore]) begin
      fault_indices[UnitStore] = store_fault_index;
    end
  end

  function automatic logic [7:0] elements(logic valid, logic [7:0] count);
    return valid ? count : 8'd0;
  endfunction

  events_t events;
  always_comb begin
    events             = '0;
    events.slot        = slot_valid;
    events.slot_kind   = slot_kind;
    events.row         = row_streamed;
    events.fetch_burst = fetch_burst;
    events.fetch_beat  = fetch_beat;
    events.load_burst  = load_burst;
    events.load_beat   = load_beat;
    events.store_burst = store_burst;
    events.store_beat  = store_beat;
    events.computed    = vector_event;
    events.decoded     = elements(load_decoded, sp_write_request[SpWriteLoad].count);
    for (int unsigned p = 0; p < SpReaders; p++) begin
      events.scratchpad_read += elements(sp_read_valid[p], sp_read_request[p].count);
    end
    for (int unsigned p = 0; p < SpWriters; p++) begin
      events.scratchpad_written += elements(sp_write_valid[p], sp_write_request[p].count);
    end
    for (int unsigned p = 0; p < AcReaders; p++) begin
      events.accumulator_read += elements(ac_read_valid[p], ac_read_request[p].count);
    end
    for (int unsigned p = 0; p < AcWriters; p++) begin
      events.accumulator_written += elements(ac_write_valid[p], ac_write_request[p].count);
    end
  end

  registers #(
    .ArrayRows(ArrayRows), .ArrayColumns(ArrayColumns), .VectorLanes(VectorLanes), .Lanes(Lanes),
    .ScratchpadLines(ScratchpadLines), .ScratchpadBanks(ScratchpadBanks),
    .AccumulatorLines(AccumulatorLines), .AccumulatorBanks(AccumulatorBanks),
    .AxiDataBits(AxiDataBits), .QueueDepth(QueueDepth), .Parity(Parity),
    .Decoder(Decoder)
  ) u_registers (
    .clk_i,
    .rst_ni,
    .awvalid_i          (s_axil_awvalid_i),
    .awready_o          (s_axil_awready_o),
    .awaddr_i           (s_axil_awaddr_i),
    .wvalid_i           (s_axil_wvalid_i),
    .wready_o           (s_axil_wready_o),
    .wdata_i            (s_axil_wdata_i),
    .bvalid_o           (s_axil_bvalid_o),
    .bready_i           (s_axil_bready_i),
    .bresp_o            (s_axil_bresp_o),
    .arvalid_i          (s_axil_arvalid_i),
    .arready_o          (s_axil_arready_o),
    .araddr_i           (s_axil_araddr_i),
    .rvalid_o           (s_axil_rvalid_o),
    .rready_i           (s_axil_rready_i),
    .rdata_o            (s_axil_rdata_o),
    .rresp_o            (s_axil_rresp_o),
    .irq_o,
    .soft_reset_o       (soft_reset),
    .stop_o             (stop),
    .enable_o           (enable),
    .ring_base_o        (ring_base),
    .ring_mask_o        (ring_mask),
    .ring_tail_o        (ring_tail),
    .ring_long_o        (ring_long),
    .ring_odd_o         (ring_odd),
    .ring_head_i        (ring_head),
    .stream_written_o   (stream_written),
    .stream_released_i  (stream_released),
    .memory_limit_o     (memory_limit),
    .outstanding_limit_o(outstanding_limit),
    .burst_beats_o      (burst_beats),
    .activities_i       (activities),
    .waiting_i          (waiting),
    .current_index_i    (indices),
    .faults_i           (faults),
    .fault_index_i      (fault_indices),
    .completed_i        (completed),
    .halt_done_i        (halt_done),
    .in_program_i       (in_program),
    .command_idle_i     (command_idle),
    .units_idle_i       (units_idle),
    .queues_empty_i     (queues_empty),
    .events_i           (events),
    .macs_i             (macs)
  );

  logic unused;
  assign unused = ^load_command;

`ifndef SYNTHESIS
  initial begin
    ArrayShapeSupported: assert ((ArrayRows >= 1) && (ArrayRows <= 32) &&
        (ArrayColumns >= 1) && (ArrayColumns <= 32))
    else $error("the array has 1 to 32 rows and columns");
    LineWidthSupported: assert ((Lanes <= 32) && (Lanes >= 4) && (VectorLanes <= Lanes))
    else $error("lines have 4 to 32 elements");
  end
`endif

endmodule

`default_nettype wire
