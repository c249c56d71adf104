// The device's end of the ring of streamed weights: which tile may be loaded, and which ones are
// needed no more. The host writes tiles into a ring of memory and counts them in written_i; the
// loads take them in that order and release them in that order. A tile may be read by several loads
// between the one that takes it and the one that releases it.
//
// Function: counts the tiles taken (by loads that start with take_i) and released (by loads that
//   complete and started with release_i). Loads start and complete in order; their release flags
//   wait in a FIFO.
// Timing: available_o is combinational from written_i and the count of tiles taken: a tile written
//   in t (the register shows it in t + 1) lets a load start in t + 1, and the load that follows a
//   taking one sees the new count in the next cycle. released_o counts a completion of cycle t from
//   t + 1 on.
// Flow control: none; a load that takes a tile must not start while available_o is low (assertion).

`default_nettype none

module stream_window #(
  // Between start and completion; load_unit: four waiting, two completing.
  parameter int unsigned LoadsInFlight = 6
) (
  input  wire logic        clk_i,
  input  wire logic        rst_ni,

  input  wire logic [31:0] written_i,
  output logic             available_o,
  output logic [31:0]      released_o,

  input  wire logic        start_i,     // a load starts
  input  wire logic        take_i,      // ... and takes a tile
  input  wire logic        release_i,   // ... and will release one
  input  wire logic        complete_i   // the oldest load in flight completes
);

  logic [31:0] taken_q, released_q;
  logic        releases, flag_ready, flag_valid;
  logic [$clog2(LoadsInFlight+1)-1:0] flag_count;

  assign available_o = written_i != taken_q;
  assign released_o  = released_q;

  fifo #(.Width(1), .Depth(LoadsInFlight)) u_release_flags (
    .clk_i,
    .rst_ni,
    .valid_i(start_i),
    .ready_o(flag_ready),
    .data_i (release_i),
    .valid_o(flag_valid),
    .ready_i(complete_i),
    .data_o (releases),
    .count_o(flag_count)
  );

  always_ff @(posedge clk_i) begin : p_count
    if (!rst_ni) begin
      taken_q    <= '0;
      released_q <= '0;
    end else begin
      if (start_i && take_i) taken_q <= taken_q + 32'd1;
      if (complete_i && releases) released_q <= released_q + 32'd1;
    end
  end

  logic unused;
  assign unused = ^{flag_ready, flag_valid, flag_count};

`ifndef SYNTHESIS
  always_ff @(posedge clk_i) begin : p_check
    if (rst_ni) begin
      TakenWasWritten: assert (!(start_i && take_i) || available_o)
      else $error("a tile is taken that was not written");
      LoadsFit: assert (!start_i || flag_ready)
      else $error("more loads in flight than release flags");
      CompletedWasStarted: assert (!complete_i || flag_valid)
      else $error("a load completes that never started");
    end
  end
`endif

endmodule

`default_nettype wire
