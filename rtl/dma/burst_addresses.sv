// The addresses of the bursts in flight, kept for the fault that one of them may have.
//
// Function: a FIFO in a RAM, of which the oldest address is read when somebody asks.
// Latency:      an address asked for in cycle t (look_i) is at address_o in t + 1: that of the
//               burst that was the oldest in t; 0 if there was none.
// Flow control: none. Whoever pushes keeps to Depth bursts, whoever pops to those that are here.

`default_nettype none

module burst_addresses #(
  parameter int unsigned Depth = interface_pkg::BurstsOutstanding  // a power of two
) (
  input  wire logic        clk_i,
  input  wire logic        rst_ni,

  input  wire logic        push_i,
  input  wire logic [47:0] address_i,
  input  wire logic        pop_i,

  input  wire logic        look_i,
  output logic      [47:0] address_o
);

  localparam int unsigned PlaceBits = $clog2(Depth);

  logic [PlaceBits:0] head_q, tail_q;  // a bit more: to tell empty from full
  logic               there, there_q;
  logic [47:0]        read_data;

  assign there     = head_q != tail_q;
  assign address_o = there_q ? read_data : '0;

  ram_1r1w #(
    .Width(48),
    .Words(Depth)
  ) u_ram (
    .clk_i,
    .read_enable_i  (look_i && there),
    .read_address_i (head_q[PlaceBits-1:0]),
    .read_data_o    (read_data),
    .write_enable_i (push_i),
    .write_address_i(tail_q[PlaceBits-1:0]),
    .write_data_i   (address_i)
  );

  always_ff @(posedge clk_i) begin : p_places
    if (!rst_ni) begin
      head_q  <= '0;
      tail_q  <= '0;
      there_q <= 1'b0;
    end else begin
      if (pop_i)  head_q  <= head_q + (PlaceBits + 1)'(1);
      if (push_i) tail_q  <= tail_q + (PlaceBits + 1)'(1);
      if (look_i) there_q <= there;
    end
  end

`ifndef SYNTHESIS
  always_ff @(posedge clk_i) begin : p_check
    if (rst_ni) begin
      PopHasBurst: assert (!pop_i || there)
      else $error("a burst ends that is not in flight");
      PushHasPlace: assert (!push_i || (tail_q - head_q != (PlaceBits + 1)'(Depth)))
      else $error("more bursts in flight than have a place");
    end
  end
`endif

endmodule

`default_nettype wire
