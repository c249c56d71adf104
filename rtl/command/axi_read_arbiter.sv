// The AXI read port of the accelerator: two requesters, 0 the command fetch and 1 the load unit.
//
// Function: of the requesters that ask, the fetch goes first: it is rare, and every unit may starve
//   for its commands. Read data goes to the requester that its id names (accelerator_pkg:
//   AxiIdFetch, AxiIdLoad); data, response and last do not pass through here. Read data that names
//   nobody is taken and told of by r_stray_o.
// Latency: none, every path is combinational. One address a cycle.
// Flow control: valid/ready. An address that was offered to the memory and not taken stays, even
//   where the fetch asks in the meantime (AXI: valid must not drop, nor the address change). A
//   requester must not withdraw an address.

`default_nettype none

module axi_read_arbiter (
  input  wire logic                                 clk_i,
  input  wire logic                                 rst_ni,

  input  wire logic [1:0]                           ar_valid_i,
  input  wire accelerator_pkg::axi_address_t [1:0]  ar_i,
  output logic      [1:0]                           ar_ready_o,

  output logic                                      ar_valid_o,
  output accelerator_pkg::axi_address_t             ar_o,
  input  wire logic                                 ar_ready_i,

  input  wire logic                                 r_valid_i,
  input  wire logic [accelerator_pkg::AxiIdBits-1:0] r_id_i,
  output logic                                      r_ready_o,
  output logic      [1:0]                           r_valid_o,
  input  wire logic [1:0]                           r_ready_i,
  output logic                                      r_stray_o
);

  import accelerator_pkg::*;

  logic grant, grant_q, held_q;  // held: granted in an earlier cycle and not taken yet

  assign grant      = held_q ? grant_q : !ar_valid_i[0];
  assign ar_valid_o = ar_valid_i[grant];
  assign ar_o       = ar_i[grant];

  always_comb begin : p_ready
    ar_ready_o        = '0;
    ar_ready_o[grant] = ar_ready_i;
  end

  always_ff @(posedge clk_i) begin : p_hold
    if (!rst_ni) begin
      held_q  <= 1'b0;
      grant_q <= 1'b0;
    end else begin
      held_q  <= ar_valid_o && !ar_ready_i;
      grant_q <= grant;
    end
  end

  always_comb begin : p_response
    r_valid_o = '0;
    r_ready_o = 1'b1;
    r_stray_o = 1'b0;
    unique case (r_id_i)
      AxiIdFetch: begin
        r_valid_o[0] = r_valid_i;
        r_ready_o    = r_ready_i[0];
      end
      AxiIdLoad: begin
        r_valid_o[1] = r_valid_i;
        r_ready_o    = r_ready_i[1];
      end
      default: r_stray_o = r_valid_i;
    endcase
  end

`ifndef SYNTHESIS
  axi_address_t ar_q;

  always_ff @(posedge clk_i) begin : p_check
    if (rst_ni) begin
      ar_q <= ar_o;
      ArStable: assert (!held_q || (ar_valid_o && (ar_o == ar_q)))
      else $error("an address was offered and withdrawn");
    end
  end
`endif

endmodule

`default_nettype wire
