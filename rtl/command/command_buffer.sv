// The commands that have been fetched and not yet dealt out.
//
// Function: a RAM of FetchDepth commands, written beat by beat as they come from memory, and a
//   register for the oldest one (the head), filled from the RAM beat by beat. The command of index
//   i lies in slot i mod FetchDepth.
// Timing: of a command that is whole (whole_i) from cycle t on, with the head free, the beats are
//   read in t, t + 1, ...; it is held from t + Beats + 1 on. When the head leaves (advance_i) in t,
//   the next one, if it is whole, is read from t + 1 on.
// Flow control: a beat that arrives is always taken. Whoever asks for commands asks for no more
//   than have a slot; advance_i is high only while held_o is.

`default_nettype none

module command_buffer #(
  parameter  int unsigned AxiDataBits = 128,
  parameter  int unsigned FetchDepth  = interface_pkg::FetchDepth,
  localparam int unsigned CommandBits = interface_pkg::CommandBits,
  localparam int unsigned Beats       = CommandBits / AxiDataBits,
  localparam int unsigned BeatBits    = (Beats > 1) ? $clog2(Beats) : 1,
  localparam int unsigned SlotBits    = (FetchDepth > 1) ? $clog2(FetchDepth) : 1
) (
  input  wire logic                   clk_i,
  input  wire logic                   rst_ni,

  input  wire logic                   arrives_i,
  input  wire logic [SlotBits-1:0]    receive_slot_i,
  input  wire logic [BeatBits-1:0]    receive_beat_i,
  input  wire logic [AxiDataBits-1:0] data_i,

  input  wire logic                   whole_i,      // the command in head_slot_i is here
  input  wire logic [SlotBits-1:0]    head_slot_i,
  input  wire logic                   advance_i,
  output logic                        held_o,
  output logic      [CommandBits-1:0] head_o
);

  localparam int unsigned Words       = Beats * FetchDepth;
  localparam int unsigned AddressBits = (Words > 1) ? $clog2(Words) : 1;

  function automatic logic [AddressBits-1:0] address_of(logic [SlotBits-1:0] slot,
                                                        logic [BeatBits-1:0] beat);
    return AddressBits'(slot) * AddressBits'(Beats) + AddressBits'(beat);
  endfunction

  logic                   held_d, held_q;
  logic                   read_enable, comes_q;  // a beat is read; its data are there
  logic                   all_read_d, all_read_q;
  logic [BeatBits-1:0]    read_beat_d, read_beat_q, comes_beat_q;
  logic [AxiDataBits-1:0] read_data;
  logic [CommandBits-1:0] head_q;

  assign read_enable = whole_i && !all_read_q;
  assign held_o      = held_q;
  assign head_o      = head_q;

  always_comb begin : p_next
    read_beat_d = read_beat_q;
    all_read_d  = all_read_q;
    held_d      = held_q;
    if (read_enable) begin
      all_read_d  = read_beat_q == BeatBits'(Beats - 1);
      read_beat_d = all_read_d ? '0 : read_beat_q + BeatBits'(1);
    end
    if (comes_q && (comes_beat_q == BeatBits'(Beats - 1))) held_d = 1'b1;
    if (advance_i) begin
      held_d     = 1'b0;
      all_read_d = 1'b0;
    end
  end

  ram_1r1w #(
    .Width(AxiDataBits),
    .Words(Words)
  ) u_ram (
    .clk_i,
    .read_enable_i  (read_enable),
    .read_address_i (address_of(head_slot_i, read_beat_q)),
    .read_data_o    (read_data),
    .write_enable_i (arrives_i),
    .write_address_i(address_of(receive_slot_i, receive_beat_i)),
    .write_data_i   (data_i)
  );

  always_ff @(posedge clk_i) begin : p_state
    if (!rst_ni) begin
      held_q      <= 1'b0;
      comes_q     <= 1'b0;
      all_read_q  <= 1'b0;
      read_beat_q <= '0;
    end else begin
      held_q      <= held_d;
      comes_q     <= read_enable;
      all_read_q  <= all_read_d;
      read_beat_q <= read_beat_d;
    end
    comes_beat_q <= read_beat_q;
    for (int unsigned beat = 0; beat < Beats; beat++) begin
      if (comes_q && (comes_beat_q == BeatBits'(beat))) begin
        head_q[beat*AxiDataBits+:AxiDataBits] <= read_data;
      end
    end
  end

`ifndef SYNTHESIS
  always_ff @(posedge clk_i) begin : p_check
    if (rst_ni) begin
      HeadLeaves: assert (!advance_i || held_q)
      else $error("a head leaves that is not here");
      StaysWhole: assert (!(read_beat_q != '0) || whole_i)
      else $error("a command is taken back while it is read");
    end
  end
`endif

endmodule

`default_nettype wire
