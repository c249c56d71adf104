// A synchronous first-in first-out queue of `Depth` words; Depth is any number from 1 on.
//
// Latency:      a word pushed in cycle t is at the head from t + 1 on if the queue is empty (there
//               is no way through).
// Flow control: valid/ready on both sides. ready_o and valid_o depend on the registers alone, so a
//               full queue takes no word in the cycle in which one leaves. data_o holds still from
//               valid_o until it is taken. count_o is the number of words held.

`default_nettype none

module fifo #(
  parameter  int unsigned Width     = 8,
  parameter  int unsigned Depth     = 2,
  localparam int unsigned CountBits = $clog2(Depth + 1)
) (
  input  wire logic                 clk_i,
  input  wire logic                 rst_ni,

  input  wire logic                 valid_i,
  output logic                      ready_o,
  input  wire logic [Width-1:0]     data_i,

  output logic                      valid_o,
  input  wire logic                 ready_i,
  output logic      [Width-1:0]     data_o,

  output logic      [CountBits-1:0] count_o
);

  if (Depth < 1) begin : gen_bad_depth
    $error("fifo: Depth must be at least 1");
  end

  localparam int unsigned PointerBits = (Depth > 1) ? $clog2(Depth) : 1;

  logic [Width-1:0]       words_q[Depth];
  logic [PointerBits-1:0] head_q, tail_q;
  logic [CountBits-1:0]   count_q;
  logic                   push, pop;

  assign ready_o = count_q != CountBits'(Depth);
  assign valid_o = count_q != '0;
  assign data_o  = words_q[head_q];
  assign count_o = count_q;
  assign push    = valid_i && ready_o;
  assign pop     = valid_o && ready_i;

  function automatic logic [PointerBits-1:0] next(logic [PointerBits-1:0] pointer);
    return (pointer == PointerBits'(Depth - 1)) ? '0 : pointer + 1'b1;
  endfunction

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      head_q  <= '0;
      tail_q  <= '0;
      count_q <= '0;
    end else begin
      if (push) tail_q <= next(tail_q);
      if (pop) head_q <= next(head_q);
      if (push && !pop) count_q <= count_q + 1'b1;
      if (pop && !push) count_q <= count_q - 1'b1;
    end
  end

  always_ff @(posedge clk_i) begin
    if (push) words_q[tail_q] <= data_i;
  end

`ifndef SYNTHESIS
  always_ff @(posedge clk_i) begin
    CountWithinDepth: assert (32'(count_q) <= Depth)
    else $error("fifo: more words than places");
  end
`endif

endmodule

`default_nettype wire
