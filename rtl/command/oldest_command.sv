// The oldest command of a unit's queue, offered to the unit.
//
// Function: a register for one command, of which it keeps no more than the unit looks at
//   (kept_pkg); the other bits of command_o are 0. The command is offered to the unit once every
//   token that it waits for is available and hold_i is low, and takes those tokens as it is
//   accepted. hold_i may depend on command_o; it stands for whatever else the command has to wait
//   for.
// Timing: a command that comes in cycle t (arrives_i) is held from t + 1 on. command_valid_o is
//   combinational from the tokens: a token given in t lets a command be accepted in t + 1. take_o
//   belongs to the cycle of the acceptance (accept_o), after which nothing is held.
// Flow control: valid/ready to the unit. A command that was offered stays so until it is accepted
//   or stop_i comes. While stop_i is high nothing is offered and the command stays. arrives_i is
//   high only while nothing is held.

`default_nettype none

module oldest_command #(
  parameter int unsigned Unit = interface_pkg::QueueLoad  // queue_e
) (
  input  wire logic                             clk_i,
  input  wire logic                             rst_ni,
  input  wire logic                             stop_i,

  input  wire logic                             arrives_i,
  input  wire kept_pkg::queued_t                queued_i,

  input  wire logic [15:0]                      available_i,  // of token_file
  output logic      [15:0]                      take_o,       // to token_file
  input  wire logic                             hold_i,

  output logic                                  command_valid_o,
  input  wire logic                             command_ready_i,
  output accelerator_pkg::queued_command_t      command_o,

  output logic                                  held_o,
  output logic                                  accept_o,
  output logic                                  waiting_o,    // the command lacks tokens
  output logic                                  held_back_o   // it has them, but hold_i is high
);

  import accelerator_pkg::*;
  import interface_pkg::*;
  import kept_pkg::*;

  localparam int unsigned KeptBits = (Unit == QueueArray)  ? $bits(kept_gemm_t) :
                                     (Unit == QueueVector) ? $bits(kept_vector_t) :
                                                             $bits(kept_dma_t);
  logic                held_q;
  logic [31:0]         index_q;
  logic [KeptBits-1:0] kept_q;
  logic                tokens_there;
  logic [15:0]         wait_tokens;

  always_ff @(posedge clk_i) begin : p_held
    if (!rst_ni) held_q <= 1'b0;
    else         held_q <= arrives_i || (held_q && !accept_o);
    if (arrives_i) begin
      index_q <= queued_i.index;
      kept_q  <= queued_i.kept[KeptBits-1:0];
    end
  end

  assign command_o.index = index_q;
  if (Unit == QueueArray) begin : gen_gemm
    assign command_o.bits = gemm_of(kept_q, Unit);
  end else if (Unit == QueueVector) begin : gen_vector
    assign command_o.bits = vector_of(kept_q, Unit);
  end else begin : gen_dma
    assign command_o.bits = dma_of(kept_q, Unit);
  end

  nop_command_t header;  // the fields that every command has
  assign header          = command_o.bits;
  assign wait_tokens     = header.wait_tokens;
  assign tokens_there    = (wait_tokens & ~available_i) == 16'd0;
  assign held_o          = held_q;
  assign waiting_o       = held_q && !tokens_there;
  assign held_back_o     = held_q && tokens_there && hold_i;
  assign command_valid_o = held_q && tokens_there && !hold_i && !stop_i;
  assign accept_o        = command_valid_o && command_ready_i;
  assign take_o          = accept_o ? wait_tokens : 16'd0;

  logic unused;  // one field of the header matters here, and a unit's kept bits
  assign unused = ^{header, queued_i.kept};

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
      RoomForOne: assert (!(arrives_i && held_q))
      else $error("a command comes while one is held");
    end
  end
`endif

endmodule

`default_nettype wire
