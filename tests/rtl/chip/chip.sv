// Small modules for scripts/synthesis-check --chip: one that is ready to become part of a chip, and
// others with one thing each that it must find.

`default_nettype none

module chip_clean (
  input  wire logic clk_i,
  input  wire logic rst_ni,
  input  wire logic a_i,
  input  wire logic b_i,
  output logic      q_o,
  output logic      irq_o,
  output logic [2:0] m_axi_awprot_o
);
  logic irq_q, q_q;
  always_ff @(posedge clk_i) begin
    if (!rst_ni) irq_q <= 1'b0;
    else irq_q <= a_i && b_i;
  end
  always_ff @(posedge clk_i) q_q <= a_i;
  assign q_o            = q_q ^ irq_q;
  assign irq_o          = irq_q;
  assign m_axi_awprot_o = 3'b010;
endmodule

module chip_asynchronous_reset (
  input  wire logic clk_i,
  input  wire logic rst_ni,
  input  wire logic a_i,
  output logic      q_o
);
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) q_o <= 1'b0;
    else q_o <= a_i;
  end
endmodule

module chip_second_clock (
  input  wire logic clk_i,
  input  wire logic a_i,
  output logic      q_o
);
  logic half_q;
  always_ff @(posedge clk_i) half_q <= !half_q;
  always_ff @(posedge half_q) q_o <= a_i;
endmodule

module chip_falling_edge (
  input  wire logic clk_i,
  input  wire logic a_i,
  output logic      q_o
);
  always_ff @(negedge clk_i) q_o <= a_i;
endmodule

module chip_through (
  input  wire logic clk_i,
  input  wire logic a_i,
  input  wire logic b_i,
  output logic      q_o
);
  logic b_q;
  always_ff @(posedge clk_i) b_q <= b_i;
  assign q_o = a_i && b_q;
endmodule

module chip_interrupt_gate (
  input  wire logic clk_i,
  input  wire logic a_i,
  input  wire logic b_i,
  output logic      irq_o
);
  logic a_q, b_q;
  always_ff @(posedge clk_i) {a_q, b_q} <= {a_i, b_i};
  assign irq_o = a_q && b_q;
endmodule

module chip_changing_protection (
  input  wire logic  clk_i,
  input  wire logic  a_i,
  output logic [2:0] m_axi_arprot_o
);
  always_ff @(posedge clk_i) m_axi_arprot_o <= {a_i, 2'b10};
endmodule

`default_nettype wire
