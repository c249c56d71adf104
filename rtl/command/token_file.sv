// The tokens by which the units order their commands: one counter for every (giver, taker) of the
// four units with a queue (interface_pkg::queue_e). Token 4 * giver + taker.
//
// Function: take_i takes one of each token named, give_i adds one of each. A unit takes only tokens
//   with itself as the taker and gives only tokens with itself as the giver (the command processor
//   rejects other masks), so a counter sees at most one take and one give a cycle.
// Timing: a take or give in cycle t shows in available_o from t + 1 on, so a token given in t may
//   be taken one cycle later.
// Flow control: none. A take of a token that is not available is a fault of the design (assertion).
//   A give to a counter at its maximum (255) without a take in the same cycle is lost and raises
//   overflow_o of the giver, combinationally in that cycle.

`default_nettype none

module token_file (
  input  wire logic              clk_i,
  input  wire logic              rst_ni,
  input  wire logic [3:0][15:0]  take_i,       // by taker; 0: takes nothing
  input  wire logic [3:0][15:0]  give_i,       // by giver; 0: gives nothing
  output logic      [15:0]       available_o,  // the token's count is not 0
  output logic      [3:0]        overflow_o    // by giver
);

  import interface_pkg::*;

  localparam int unsigned Tokens       = Queues * Queues;
  localparam logic [7:0]  MaximumCount = 8'(MostTokens);

  logic [Tokens-1:0][7:0] count_q;
  logic [Tokens-1:0]      take, give, overflow;

  assign take = take_i[QueueLoad] | take_i[QueueArray] | take_i[QueueVector] | take_i[QueueStore];
  assign give = give_i[QueueLoad] | give_i[QueueArray] | give_i[QueueVector] | give_i[QueueStore];

  for (genvar token = 0; token < Tokens; token++) begin : gen_token
    assign available_o[token] = count_q[token] != 8'd0;
    assign overflow[token]    = give[token] && !take[token] && (count_q[token] == MaximumCount);
  end

  for (genvar unit = 0; unit < Queues; unit++) begin : gen_overflow
    assign overflow_o[unit] = |overflow[Queues*unit+:Queues];
  end

  always_ff @(posedge clk_i) begin : p_count
    if (!rst_ni) begin
      count_q <= '0;
    end else if ((take | give) != '0) begin
      for (int unsigned token = 0; token < Tokens; token++) begin
        if (give[token] && !take[token] && !overflow[token]) begin
          count_q[token] <= count_q[token] + 8'd1;
        end
        if (take[token] && !give[token]) begin
          count_q[token] <= count_q[token] - 8'd1;
        end
      end
    end
  end

`ifndef SYNTHESIS
  always_ff @(posedge clk_i) begin : p_check
    if (rst_ni) begin
      for (int unsigned unit = 0; unit < Queues; unit++) begin
        TakesOwnTokens: assert ((take_i[unit] & ~(16'h1111 << unit)) == 16'd0)
        else $error("unit %0d takes a token of another taker", unit);
        GivesOwnTokens: assert ((give_i[unit] & ~(16'h000f << (4 * unit))) == 16'd0)
        else $error("unit %0d gives a token of another giver", unit);
      end
      TakenIsThere: assert ((take & ~available_o) == '0)
      else $error("a token is taken that is not there");
    end
  end
`endif

endmodule

`default_nettype wire
