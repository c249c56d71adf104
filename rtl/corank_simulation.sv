// The accelerator for a simulator: the same ports, and outputs that tell when commands are issued,
// started and completed, and what the units do. They are looked up inside, so that the accelerator
// itself has no pins for them.

`default_nettype none

`ifndef SYNTHESIS
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
  input  wire logic                       m_axi_rlast_i,

  // The trace; units in the order load, array, vector, store
  output logic                            trace_issue_valid_o,
  output logic [31:0]                     trace_issue_index_o,
  output logic [3:0]                      trace_start_valid_o,
  output logic [3:0][31:0]                trace_start_index_o,
  output logic [3:0]                      trace_end_valid_o,
  output logic [3:0][31:0]                trace_end_index_o,
  output logic [4:0][2:0]                 trace_activity_o
);

  corank_accelerator #(
    .ArrayRows(ArrayRows),
    .ArrayColumns(ArrayColumns),
    .VectorLanes(VectorLanes),
    .ScratchpadKib(ScratchpadKib),
    .ScratchpadBanks(ScratchpadBanks),
    .AccumulatorKib(AccumulatorKib),
    .AccumulatorBanks(AccumulatorBanks),
    .AxiDataBits(AxiDataBits),
    .QueueDepth(QueueDepth), .Parity(Parity), .Decoder(Decoder)
  ) u_accelerator (
    .clk_i,
    .rst_ni,
    .irq_o,
    .s_axil_awvalid_i,
    .s_axil_awready_o,
    .s_axil_awaddr_i,
    .s_axil_wvalid_i,
    .s_axil_wready_o,
    .s_axil_wdata_i,
    .s_axil_bvalid_o,
    .s_axil_bready_i,
    .s_axil_bresp_o,
    .s_axil_arvalid_i,
    .s_axil_arready_o,
    .s_axil_araddr_i,
    .s_axil_rvalid_o,
    .s_axil_rready_i,
    .s_axil_rdata_o,
    .s_axil_rresp_o,
    .m_axi_awvalid_o,
    .m_axi_awready_i,
    .m_axi_awid_o,
    .m_axi_awaddr_o,
    .m_axi_awlen_o,
    .m_axi_awsize_o,
    .m_axi_awburst_o,
    .m_axi_awlock_o,
    .m_axi_awcache_o,
    .m_axi_awprot_o,
    .m_axi_awqos_o,
    .m_axi_wvalid_o,
    .m_axi_wready_i,
    .m_axi_wdata_o,
    .m_axi_wstrb_o,
    .m_axi_wlast_o,
    .m_axi_bvalid_i,
    .m_axi_bready_o,
    .m_axi_bid_i,
    .m_axi_bresp_i,
    .m_axi_arvalid_o,
    .m_axi_arready_i,
    .m_axi_arid_o,
    .m_axi_araddr_o,
    .m_axi_arlen_o,
    .m_axi_arsize_o,
    .m_axi_arburst_o,
    .m_axi_arlock_o,
    .m_axi_arcache_o,
    .m_axi_arprot_o,
    .m_axi_arqos_o,
    .m_axi_rvalid_i,
    .m_axi_rready_o,
    .m_axi_rid_i,
    .m_axi_rdata_i,
    .m_axi_rresp_i,
    .m_axi_rlast_i
  );

  assign trace_issue_valid_o = u_accelerator.u_command_processor.advance;
  assign trace_issue_index_o = u_accelerator.u_command_processor.head_q;
  for (genvar u = 0; u < interface_pkg::Queues; u++) begin : gen_unit
    assign trace_start_valid_o[u] = u_accelerator.unit_accepts[u];
    assign trace_start_index_o[u] = u_accelerator.unit_command[u].index;
    assign trace_end_valid_o[u]   = u_accelerator.completion[u].valid;
    assign trace_end_index_o[u]   = u_accelerator.completion[u].index;
  end
  for (genvar u = 0; u < interface_pkg::Units; u++) begin : gen_activity
    assign trace_activity_o[u] = u_accelerator.activities[u];
  end

endmodule
`endif

`default_nettype wire
