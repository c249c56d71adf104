// verilator lint_off DECLFILENAME
// A stand-in with the name and ports of the accelerator for a simulator, to test the platform with:
// it copies memory by bursts, measures in cycles what it waits for, and breaks the protocol if it
// is told to.
//
//   0x00 source
//   0x04 destination
//   0x08 beats of a burst
//   0x0C bursts (beats * bursts <= 1024)
//   0x10 write: start, with the number of the run (trace); read: running
//   0x14 done [0], a read failed [1], a write failed [2], response of the first failure [5:4];
//        write: clear (and the irq)
//   0x18 mode: 1 ARVALID falls early, 2 no WLAST, 3 unknown ARID, 4 an assertion fails, 5 no
//        register answers, 6 AWADDR changes while it waits; 7 is harmless: stores wait for the last
//        load
//   0x1C write strobes of every beat
//   0x20 cycles from the first AR handshake to the first R handshake
//   0x24 cycles from the last W handshake of the first burst to the first B handshake
//   0x28 cycles from the first R handshake to the last one
//   0x2C write: clear the counter, and let it run if not 0; read: the counter, in cycles
//   0x30 most read bursts in flight

`default_nettype none

module corank_simulation #(
  parameter int unsigned ArrayRows        = 8,
  parameter int unsigned ArrayColumns     = 8,
  parameter int unsigned VectorLanes      = 8,
  parameter int unsigned ScratchpadKib    = 64,
  parameter int unsigned ScratchpadBanks  = 8,
  parameter int unsigned AccumulatorKib   = 64,
  parameter int unsigned AccumulatorBanks = 4,
  parameter int unsigned AxiDataBits      = 128,
  parameter int unsigned QueueDepth       = 4,
  parameter int unsigned Parity           = 0,
  parameter int unsigned Decoder          = 1
) (
  input  wire logic                   clk_i,
  input  wire logic                   rst_ni,
  output logic                        irq_o,
  input  wire logic                   s_axil_awvalid_i,
  output logic                        s_axil_awready_o,
  input  wire logic [11:0]            s_axil_awaddr_i,
  input  wire logic                   s_axil_wvalid_i,
  output logic                        s_axil_wready_o,
  input  wire logic [31:0]            s_axil_wdata_i,
  output logic                        s_axil_bvalid_o,
  input  wire logic                   s_axil_bready_i,
  output logic [1:0]                  s_axil_bresp_o,
  input  wire logic                   s_axil_arvalid_i,
  output logic                        s_axil_arready_o,
  input  wire logic [11:0]            s_axil_araddr_i,
  output logic                        s_axil_rvalid_o,
  input  wire logic                   s_axil_rready_i,
  output logic [31:0]                 s_axil_rdata_o,
  output logic [1:0]                  s_axil_rresp_o,
  output logic                        m_axi_awvalid_o,
  input  wire logic                   m_axi_awready_i,
  output logic [1:0]                  m_axi_awid_o,
  output logic [47:0]                 m_axi_awaddr_o,
  output logic [7:0]                  m_axi_awlen_o,
  output logic [2:0]                  m_axi_awsize_o,
  output logic [1:0]                  m_axi_awburst_o,
  output logic                        m_axi_wvalid_o,
  input  wire logic                   m_axi_wready_i,
  output logic [AxiDataBits-1:0]      m_axi_wdata_o,
  output logic [AxiDataBits/8-1:0]    m_axi_wstrb_o,
  output logic                        m_axi_wlast_o,
  input  wire logic                   m_axi_bvalid_i,
  output logic                        m_axi_bready_o,
  input  wire logic [1:0]             m_axi_bid_i,
  input  wire logic [1:0]             m_axi_bresp_i,
  output logic                        m_axi_arvalid_o,
  input  wire logic                   m_axi_arready_i,
  output logic [1:0]                  m_axi_arid_o,
  output logic [47:0]                 m_axi_araddr_o,
  output logic [7:0]                  m_axi_arlen_o,
  output logic [2:0]                  m_axi_arsize_o,
  output logic [1:0]                  m_axi_arburst_o,
  input  wire logic                   m_axi_rvalid_i,
  output logic                        m_axi_rready_o,
  input  wire logic [1:0]             m_axi_rid_i,
  input  wire logic [AxiDataBits-1:0] m_axi_rdata_i,
  input  wire logic [1:0]             m_axi_rresp_i,
  input  wire logic                   m_axi_rlast_i,
  output logic                        trace_issue_valid_o,
  output logic [31:0]                 trace_issue_index_o,
  output logic [3:0]                  trace_start_valid_o,
  output logic [3:0][31:0]            trace_start_index_o,
  output logic [3:0]                  trace_end_valid_o,
  output logic [3:0][31:0]            trace_end_index_o,
  output logic [4:0][2:0]             trace_activity_o
);
  localparam int unsigned BeatBytes = AxiDataBits / 8;
  localparam int unsigned Beats = 1024;

  logic [31:0] source, destination, beats, bursts, mode, run;
  logic [BeatBytes-1:0] strobe;
  logic running, done, counting;
  logic read_failed, write_failed;
  logic [1:0] failure;
  logic [31:0] counter;

  // Registers: both halves of a write are taken together, in the cycle in which both are there.
  logic write, read;
  assign write = s_axil_awvalid_i && s_axil_wvalid_i && !s_axil_bvalid_o;
  assign read = s_axil_arvalid_i && !s_axil_rvalid_o && (mode != 5);
  assign s_axil_awready_o = write;
  assign s_axil_wready_o = write;
  assign s_axil_arready_o = read;
  assign s_axil_bresp_o = '0;
  assign s_axil_rresp_o = '0;
  logic start;
  assign start = write && (s_axil_awaddr_i == 12'h10);

  // Reads: burst k uses ID k mod 2, so that the order may change between even and odd bursts.
  logic [31:0] ar_count, aw_count, b_count;
  logic [31:0] r_burst[2];   // the burst of each ID that is being received
  logic [31:0] r_beat;
  logic [31:0] received;     // bursts
  logic [Beats-1:0] ready;   // by burst: its data is complete
  logic [31:0] w_burst, w_beat;
  logic [AxiDataBits-1:0] buffer[Beats];
  logic early;               // ARVALID was seen for one cycle

  assign m_axi_arvalid_o = running && (ar_count < bursts) && !((mode == 1) && early);
  assign m_axi_arid_o = (mode == 3) ? 2'd3 : {1'b0, ar_count[0]};
  assign m_axi_araddr_o = 48'(source) + 48'(ar_count) * 48'(beats) * 48'(BeatBytes);
  assign m_axi_arlen_o = 8'(beats - 1);
  assign m_axi_arsize_o = 3'($clog2(BeatBytes));
  assign m_axi_arburst_o = 2'd1;
  assign m_axi_rready_o = running;

  logic storing;
  assign storing = running && ((mode != 7) || (received == bursts));
  assign m_axi_awvalid_o = storing && (aw_count < bursts) && ready[10'(aw_count)];
  assign m_axi_awid_o = 2'd2;
  assign m_axi_awaddr_o = 48'(destination) + 48'(aw_count) * 48'(beats) * 48'(BeatBytes) +
      ((mode == 6) ? 48'(counter[0]) * 48'(BeatBytes) : 48'd0);
  assign m_axi_awlen_o = 8'(beats - 1);
  assign m_axi_awsize_o = 3'($clog2(BeatBytes));
  assign m_axi_awburst_o = 2'd1;

  // Data does not wait for its address: a slave may take it whenever it likes.
  assign m_axi_wvalid_o = storing && (w_burst < bursts) && ready[10'(w_burst)];
  assign m_axi_wdata_o = buffer[10'(w_burst * beats + w_beat)];
  assign m_axi_wstrb_o = strobe;
  assign m_axi_wlast_o = (w_beat == beats - 1) && (mode != 2);
  assign m_axi_bready_o = running;

  logic ar, r, aw, w, b, last_r, last_b;
  assign ar = m_axi_arvalid_o && m_axi_arready_i;
  assign r = m_axi_rvalid_i && m_axi_rready_o;
  assign aw = m_axi_awvalid_o && m_axi_awready_i;
  assign w = m_axi_wvalid_o && m_axi_wready_i;
  assign b = m_axi_bvalid_i && m_axi_bready_o;

  assign last_r = r && m_axi_rlast_i && (received == bursts - 1);
  assign last_b = b && (b_count == bursts - 1);

  logic wait_read, wait_write, wait_data;
  logic [31:0] read_wait, write_wait, data_time, most;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      {source, destination, beats, bursts, mode, run} <= '0;
      strobe <= '1;
      {running, done, counting, read_failed, write_failed, failure} <= '0;
      {counter, ar_count, aw_count, b_count, r_beat, received, w_burst, w_beat} <= '0;
      r_burst[0] <= 0;
      r_burst[1] <= 1;
      ready <= '0;
      early <= 1'b0;
      {wait_read, wait_write, wait_data, read_wait, write_wait, data_time, most} <= '0;
      s_axil_bvalid_o <= 1'b0;
      s_axil_rvalid_o <= 1'b0;
      s_axil_rdata_o <= '0;
    end else begin
      if (counting) counter <= counter + 1;
      if (write) begin
        s_axil_bvalid_o <= 1'b1;
        case (s_axil_awaddr_i)
          12'h00: source <= s_axil_wdata_i;
          12'h04: destination <= s_axil_wdata_i;
          12'h08: beats <= s_axil_wdata_i;
          12'h0C: bursts <= s_axil_wdata_i;
          12'h10: run <= s_axil_wdata_i;
          12'h14: {done, read_failed, write_failed, failure} <= '0;
          12'h18: mode <= s_axil_wdata_i;
          12'h1C: strobe <= BeatBytes'(s_axil_wdata_i);
          12'h2C: begin
            counting <= s_axil_wdata_i != 0;
            counter <= '0;
          end
          default: ;
        endcase
      end else if (s_axil_bready_i) s_axil_bvalid_o <= 1'b0;
      if (read) begin
        s_axil_rvalid_o <= 1'b1;
        case (s_axil_araddr_i)
          12'h00: s_axil_rdata_o <= source;
          12'h10: s_axil_rdata_o <= 32'(running);
          12'h14: s_axil_rdata_o <= {26'd0, failure, 1'b0, write_failed, read_failed, done};
          12'h20: s_axil_rdata_o <= read_wait;
          12'h24: s_axil_rdata_o <= write_wait;
          12'h28: s_axil_rdata_o <= data_time;
          12'h2C: s_axil_rdata_o <= counter;
          12'h30: s_axil_rdata_o <= most;
          default: s_axil_rdata_o <= '0;
        endcase
      end else if (s_axil_rready_i) s_axil_rvalid_o <= 1'b0;

      early <= m_axi_arvalid_o && !m_axi_arready_i;
      if (start) begin
        running <= 1'b1;
        {ar_count, aw_count, b_count, r_beat, received, w_burst, w_beat} <= '0;
        r_burst[0] <= 0;
        r_burst[1] <= 1;
        ready <= '0;
        {read_wait, write_wait, data_time, most} <= '0;
      end
      if (ar) ar_count <= ar_count + 1;
      if (r) begin
        buffer[10'(r_burst[m_axi_rid_i[0]] * beats + r_beat)] <= m_axi_rdata_i;
        r_beat <= m_axi_rlast_i ? '0 : r_beat + 1;
        if (m_axi_rlast_i) begin
          ready[10'(r_burst[m_axi_rid_i[0]])] <= 1'b1;
          r_burst[m_axi_rid_i[0]] <= r_burst[m_axi_rid_i[0]] + 2;
          received <= received + 1;
        end
        if (m_axi_rresp_i != 0) begin
          read_failed <= 1'b1;
          if (failure == 0) failure <= m_axi_rresp_i;
        end
      end
      if (aw) aw_count <= aw_count + 1;
      if (w) begin
        w_beat <= (w_beat == beats - 1) ? '0 : w_beat + 1;
        if (w_beat == beats - 1) w_burst <= w_burst + 1;
      end
      if (b) begin
        b_count <= b_count + 1;
        if (m_axi_bresp_i != 0) begin
          write_failed <= 1'b1;
          if (failure == 0) failure <= m_axi_bresp_i;
        end
      end
      if (last_b) begin
        running <= 1'b0;
        done <= 1'b1;
      end

      if (ar && (ar_count == 0)) begin
        wait_read <= 1'b1;
        read_wait <= 1;
      end else if (wait_read && !r) read_wait <= read_wait + 1;
      if (r) wait_read <= 1'b0;
      if (r && (received == 0) && (r_beat == 0)) wait_data <= 1'b1;
      if (wait_data) data_time <= data_time + 1;
      if (last_r) wait_data <= 1'b0;
      if (w && (w_burst == 0) && (w_beat == beats - 1)) begin
        wait_write <= 1'b1;
        write_wait <= 1;
      end else if (wait_write && !(b && (b_count == 0))) write_wait <= write_wait + 1;
      if (b && (b_count == 0)) wait_write <= 1'b0;
      if (ar_count - received > most) most <= ar_count - received;

      if (start) begin
        NotToldToFail: assert (mode != 4)
        else $error("told to fail in run %0d", s_axil_wdata_i);
      end
    end
  end

  assign irq_o = done;

  always_comb begin
    trace_issue_valid_o = start;
    trace_issue_index_o = s_axil_wdata_i;
    trace_start_valid_o = '0;
    trace_end_valid_o = '0;
    trace_start_valid_o[0] = ar && (ar_count == 0);
    trace_end_valid_o[0] = last_r;
    trace_start_valid_o[3] = aw && (aw_count == 0);
    trace_end_valid_o[3] = last_b;
    trace_start_index_o = {4{run}};
    trace_end_index_o = {4{run}};
    trace_activity_o = '0;
  end
endmodule

`default_nettype wire
