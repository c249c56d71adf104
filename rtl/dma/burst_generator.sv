// Cuts a block of memory into AXI bursts. The block is `panels` panels of so many beats; a panel is
// contiguous, the next one begins panel_stride bytes further on.
//
// A burst has the least of: what is left of its panel, burst_beats_i, the beats up to the next
// 4 KiB boundary (which a burst may not cross, AMBA AXI A3.4.1), 256 (the most that AXI's length
// field can say).
//
// Latency:      a block taken in cycle t (block_valid_i && block_ready_o) gives its first burst in
//               t + 1; a burst taken in t (burst_valid_o && burst_ready_i) is followed by the next
//               one in t + 1. After the last one the generator is ready for another block in t + 1.
// Flow control: valid/ready on both sides; block_ready_o does not depend on block_valid_i. busy_o:
//               there are bursts left. A burst that would end beyond memory_limit_i (bytes; the
//               first address that is not memory) is not offered: range_fault_o is high instead,
//               burst_address_o tells where. The generator stays there until clear_i, which makes
//               it forget the block at the end of its cycle.

`default_nettype none

module burst_generator #(
  parameter int unsigned AxiDataBits = 128
) (
  input  wire logic        clk_i,
  input  wire logic        rst_ni,
  input  wire logic        clear_i,

  input  wire logic [47:0] memory_limit_i,
  input  wire logic [8:0]  burst_beats_i,   // 1..256

  input  wire logic        block_valid_i,
  output logic             block_ready_o,
  input  wire logic [47:0] block_address_i,       // a multiple of 64
  input  wire logic [27:0] block_beats_i,         // of a panel, at least 1, less than 2^24 rows'
  input  wire logic [23:0] block_panels_i,        // at least 1
  input  wire logic [31:0] block_panel_stride_i,  // a multiple of 64

  output logic             burst_valid_o,
  input  wire logic        burst_ready_i,
  output logic [47:0]      burst_address_o,
  output logic [7:0]       burst_len_o,   // beats - 1
  output logic             burst_last_o,  // of the block
  output logic             range_fault_o,
  output logic             busy_o
);

  localparam int unsigned BeatBytes   = AxiDataBits / 8;
  localparam int unsigned BeatShift   = $clog2(BeatBytes);
  localparam int unsigned BeatsPerRow = interface_pkg::PanelRowBytes / BeatBytes;
  localparam int unsigned BeatsOf4KiB = 4096 / BeatBytes;
  localparam int unsigned RoomBits    = 49 - BeatShift;
  localparam int unsigned BeatsBits   = 24 + $clog2(BeatsPerRow);

  // Addresses have a bit more than memory, so that running beyond its end is noticed.
  logic                 busy_q, busy_d;
  logic [48:0]          address_q, address_d;              // of the burst at hand
  logic [48:0]          panel_address_q, panel_address_d;
  logic [31:0]          panel_stride_q, panel_stride_d;
  logic [BeatsBits-1:0] panel_beats_q, panel_beats_d;
  logic [BeatsBits-1:0] beats_left_q, beats_left_d;        // of the panel at hand
  logic [23:0]          panels_left_q, panels_left_d;      // with the panel at hand

  logic [BeatsBits-1:0] beats, to_boundary;
  logic [48:0]          end_address, next_panel_address;
  logic [RoomBits:0]    room;  // beats from the address to the end of the memory; two's complement
  logic                 panel_ends, in_range, take_block, take_burst;

  assign to_boundary        = BeatsBits'(BeatsOf4KiB) - BeatsBits'(address_q[11:BeatShift]);
  assign end_address        = address_q + (49'(beats) << BeatShift);
  assign next_panel_address = panel_address_q + 49'(panel_stride_q);
  assign panel_ends         = beats == beats_left_q;
  // Once beyond the end an address must not come round to the beginning: the limit is below 2^48,
  // so the first burst that crosses it is seen here before that can happen. The burst fits where
  // any of the numbers does of which it is the least: so its length need not be known first.
  assign room               = {1'b0, RoomBits'(memory_limit_i >> BeatShift)} -
      {1'b0, address_q[48:BeatShift]};
  assign in_range           = !room[RoomBits] &&
      ((room >= (RoomBits + 1)'(beats_left_q)) || (room >= (RoomBits + 1)'(burst_beats_i)) ||
       (room >= (RoomBits + 1)'(to_boundary)) || (room >= (RoomBits + 1)'(256)));

  always_comb begin
    beats = beats_left_q;
    if (beats > BeatsBits'(burst_beats_i)) beats = BeatsBits'(burst_beats_i);
    if (beats > to_boundary) beats = to_boundary;
    if (beats > BeatsBits'(256)) beats = BeatsBits'(256);
  end

  assign busy_o          = busy_q;
  assign block_ready_o   = !busy_q && !clear_i;
  assign burst_valid_o   = busy_q && in_range;
  assign range_fault_o   = busy_q && !in_range;
  assign burst_address_o = address_q[47:0];
  assign burst_len_o     = 8'(beats - 1'b1);
  assign burst_last_o    = panel_ends && (panels_left_q == 24'd1);
  assign take_block      = block_valid_i && block_ready_o;
  assign take_burst      = burst_valid_o && burst_ready_i;

  always_comb begin
    busy_d          = busy_q;
    address_d       = address_q;
    panel_address_d = panel_address_q;
    panel_stride_d  = panel_stride_q;
    panel_beats_d   = panel_beats_q;
    beats_left_d    = beats_left_q;
    panels_left_d   = panels_left_q;
    if (take_block) begin
      busy_d          = 1'b1;
      address_d       = 49'(block_address_i);
      panel_address_d = 49'(block_address_i);
      panel_stride_d  = block_panel_stride_i;
      panel_beats_d   = BeatsBits'(block_beats_i);
      beats_left_d    = BeatsBits'(block_beats_i);
      panels_left_d   = block_panels_i;
    end else if (take_burst) begin
      if (!panel_ends) begin
        address_d    = end_address;
        beats_left_d = beats_left_q - beats;
      end else begin
        busy_d          = panels_left_q != 24'd1;
        address_d       = next_panel_address;
        panel_address_d = next_panel_address;
        beats_left_d    = panel_beats_q;
        panels_left_d   = panels_left_q - 24'd1;
      end
    end
    if (clear_i) busy_d = 1'b0;
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) busy_q <= 1'b0;
    else busy_q <= busy_d;
  end

  always_ff @(posedge clk_i) begin
    address_q       <= address_d;
    panel_address_q <= panel_address_d;
    panel_stride_q  <= panel_stride_d;
    panel_beats_q   <= panel_beats_d;
    beats_left_q    <= beats_left_d;
    panels_left_q   <= panels_left_d;
  end

`ifndef SYNTHESIS
  always_ff @(posedge clk_i) begin
    if (take_block) begin
      BlockNotEmpty: assert ((block_beats_i != 28'd0) && (block_panels_i != 24'd0))
      else $error("burst_generator: an empty block");
      BlockAligned: assert ((block_address_i[5:0] == 6'd0) && (block_panel_stride_i[5:0] == 6'd0))
      else $error("burst_generator: address or stride is no multiple of 64");
    end
    if (busy_q) begin
      BurstBeatsInRange: assert ((burst_beats_i != 9'd0) && (burst_beats_i <= 9'd256))
      else $error("burst_generator: burst_beats_i");
      BurstNotEmpty: assert (beats != '0)
      else $error("burst_generator: an empty burst");
    end
  end
`endif

endmodule

`default_nettype wire
