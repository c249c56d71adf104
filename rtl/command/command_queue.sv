// The commands that wait in front of a unit.
//
// Function: a FIFO of Depth commands of one unit, which keeps no more of them than the unit looks
//   at (kept_pkg); the other bits of command_o are 0. The oldest is offered to the unit once every
//   token that it waits for is available and hold_i is low, and takes those tokens as it is
//   accepted. hold_i may depend on command_o; it stands for whatever else the oldest command has to
//   wait for.
// Timing: a command taken in in cycle t is the oldest, at the earliest, from t + 1 on.
//   command_valid_o is combinational from the tokens: a token given in t lets a command be accepted
//   in t + 1. When the unit accepts in cycle t, the next command is offered in t + 1; take_o
//   belongs to the cycle of the acceptance.
// Flow control: valid/ready on both sides; ready_o is high while fewer than Depth commands are
//   held, whatever the other side does. A command that was offered stays so until it is accepted or
//   stop_i comes. While stop_i is high nothing is offered and the commands stay.

`default_nettype none

module command_queue #(
  parameter int unsigned Depth = 4,
  parameter int unsigned Unit  = interface_pkg::QueueLoad  // queue_e
) (
  input  wire logic                               clk_i,
  input  wire logic                               rst_ni,
  input  wire logic                               stop_i,

  input  wire logic                               valid_i,
  output logic                                    ready_o,
  input  wire accelerator_pkg::queued_command_t   command_i,

  input  wire logic [15:0]                        available_i,  // of token_file
  output logic      [15:0]                        take_o,       // to token_file
  input  wire logic                               hold_i,

  output logic                                    command_valid_o,
  input  wire logic                               command_ready_i,
  output accelerator_pkg::queued_command_t        command_o,

  output logic                                    waiting_o,    // the oldest command lacks tokens
  output logic                                    held_back_o,  // it has them, but hold_i is high
  output logic      [$clog2(Depth+1)-1:0]         count_o
);

  import accelerator_pkg::*;
  import interface_pkg::*;
  import kept_pkg::*;

  logic        held, tokens_there, accept;
  logic [15:0] wait_tokens;

  localparam int unsigned KeptBits = (Unit == QueueArray)  ? $bits(kept_gemm_t) :
                                     (Unit == QueueVector) ? $bits(kept_vector_t) :
                                                             $bits(kept_dma_t);
  logic [KeptBits-1:0] kept_in, kept_out;

  fifo #(
    .Width(32 + KeptBits),
    .Depth(Depth)
  ) u_fifo (
    .clk_i,
    .rst_ni,
    .valid_i,
    .ready_o,
    .data_i ({command_i.index, kept_in}),
    .valid_o(held),
    .ready_i(accept),
    .data_o ({command_o.index, kept_out}),
    .count_o
  );

  if (Unit == QueueArray) begin : gen_gemm
    assign kept_in        = kept_gemm(command_i.bits, Unit);
    assign command_o.bits = gemm_of(kept_out, Unit);
  end else if (Unit == QueueVector) begin : gen_vector
    assign kept_in        = kept_vector(command_i.bits, Unit);
    assign command_o.bits = vector_of(kept_out, Unit);
  end else begin : gen_dma
    localparam logic [7:0] Opcode = (Unit == QueueLoad) ? OpLoad : OpStore;
    assign kept_in        = kept_dma(command_i.bits, Unit);
    assign command_o.bits = dma_of(kept_out, Unit, Opcode);
  end

  nop_command_t header;  // the fields that every command has
  assign header          = command_o.bits;
  assign wait_tokens     = header.wait_tokens;
  assign tokens_there    = (wait_tokens & ~available_i) == 16'd0;
  assign waiting_o       = held && !tokens_there;
  assign held_back_o     = held && tokens_there && hold_i;
  assign command_valid_o = held && tokens_there && !hold_i && !stop_i;
  assign accept          = command_valid_o && command_ready_i;
  assign take_o          = accept ? wait_tokens : 16'd0;

  logic unused;
  assign unused = ^header;  // one of its fields matters here

`ifndef SYNTHESIS
  logic            offered_q;
  queued_command_t command_q;

  always_ff @(posedge clk_i) begin : p_check
    if (!rst_ni) begin
      offered_q <= 1'b0;
    end else begin
      offered_q <= command_valid_o && !command_ready_i;
      if (command_valid_o && !command_ready_i) command_q <= command_o;
      OfferStable: assert (!offered_q || stop_i || (command_valid_o && (command_o == command_q)))
      else $error("a command was offered and withdrawn");
    end
  end
`endif

endmodule

`default_nettype wire
