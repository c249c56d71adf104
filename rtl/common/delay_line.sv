// Delays a word by a fixed number of cycles.
//
// Latency:      data_o in cycle t is data_i of cycle t - Cycles, if advance_i was high from then
//               on; Cycles = 0 is a wire.
// Flow control: advance_i may be low only while nothing that matters is inside; then nothing
//               toggles.
//
// A ring that is written in place: one word toggles a cycle instead of all of them, as they would
// in a shift register. What comes out of an unwritten place is undefined: a valid bit must travel
// by itself.

`default_nettype none

module delay_line #(
  parameter int unsigned Width  = 16,
  parameter int unsigned Cycles = 4
) (
  input  wire logic             clk_i,
  input  wire logic             rst_ni,
  input  wire logic             advance_i,
  input  wire logic [Width-1:0] data_i,
  output logic      [Width-1:0] data_o
);

  if (Cycles == 0) begin : gen_wire
    assign data_o = data_i;
    logic unused;
    assign unused = clk_i ^ rst_ni ^ advance_i;
  end else if (Cycles == 1) begin : gen_register
    logic [Width-1:0] data_q;
    always_ff @(posedge clk_i) begin
      if (!rst_ni) data_q <= '0;
      else if (advance_i) data_q <= data_i;
    end
    assign data_o = data_q;
  end else begin : gen_ring
    localparam int unsigned PointerBits = $clog2(Cycles);
    logic [Width-1:0]       ring_q[Cycles];
    logic [PointerBits-1:0] pointer_q;

    always_ff @(posedge clk_i) begin
      if (!rst_ni) pointer_q <= '0;
      else if (advance_i) begin
        pointer_q <= (pointer_q == PointerBits'(Cycles - 1)) ? '0 : pointer_q + 1'b1;
      end
    end

    always_ff @(posedge clk_i) if (advance_i) ring_q[pointer_q] <= data_i;

    assign data_o = ring_q[pointer_q];
  end

endmodule

`default_nettype wire
