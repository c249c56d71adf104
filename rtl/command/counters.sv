// The counters of the device, 64 bits each, in the order of rtl/interface/INTERFACE.md.
//
// Function: each counter has a short sum in flip-flops, which takes its events, and a word in a
//   RAM. A sweep goes round over the counters, one a cycle: it adds the sum to the word and empties
//   the sum. So there is one adder of 64 bits, and a counter costs no more flip-flops than its sum
//   has. A counter that the sweep has not met since clear_i has no word yet, which counts as 0.
//   When nothing counts any more, the sweep rests after one more round: all sums are 0 then.
// Timing: the events of cycle t (all inputs but macs_i) go into registers at its end, and into the
//   sums at the end of t + 1. macs_i is of the row of the cycle before and needs no register.
//   A read asked for in t (read_i) has the counter's value at read_value_o in t + 4, with
//   read_valid_o, all events up to and including those of t + 1 in it. read_index_i is looked at in
//   t + 2.
//   clear_i in t makes every counter 0 at the end of t, the events of t included.
// Flow control: a read is asked for in t + 6, after one in t, at the earliest.

`default_nettype none

module counters #(
  parameter int unsigned Rows        = 8,  // of the array
  parameter int unsigned Columns     = 8,
  parameter int unsigned VectorLanes = 8,
  parameter int unsigned Lanes       = 8   // elements of a line of the local memories
) (
  input  wire logic                                         clk_i,
  input  wire logic                                         rst_ni,

  input  wire logic                                         counting_i,  // else no event counts
  input  wire interface_pkg::activity_e [interface_pkg::Units-1:0] activities_i,
  input  wire logic [interface_pkg::Queues-1:0]             completed_i,
  input  wire accelerator_pkg::events_t                     events_i,
  input  wire logic [15:0]                                  macs_i,
  input  wire logic                                         clear_i,

  input  wire logic                                         read_i,
  input  wire logic [interface_pkg::CounterBits-1:0]        read_index_i,
  output logic                                              read_valid_o,
  output logic      [63:0]                                  read_value_o
);

  import accelerator_pkg::*;
  import interface_pkg::*;

  // A read keeps the sweep waiting for three cycles of six, so this lies between two visits at
  // most, or between the first event after a rest and the visit.
  localparam int unsigned Gap     = 2 * Counters + 6;
  localparam int unsigned SumBits = 20;  // enough for any of them

  // What a cycle brings at most.
  function automatic int unsigned most(int unsigned counter);
    if ((counter >= CtrGemmMacs0) && (counter < CtrGemmMacs0 + GemmKinds)) return Rows * Columns;
    if ((counter >= CtrScratchpadReadBytes) && (counter <= CtrAccumulatorWriteBytes)) begin
      return LocalPorts * Lanes;  // elements; they become bytes on their way to the word
    end
    if (counter == CtrDecodedElements) return Lanes;
    if (counter >= CtrVectorAdds) return VectorLanes;
    return 1;
  endfunction

  // ------------------------------------------------------------------ events
  logic                  counting_q;
  activity_e [Units-1:0] activities_q;
  logic [Queues-1:0]     completed_q;
  events_t               events_q;

  always_ff @(posedge clk_i) begin : p_counting
    if (!rst_ni) counting_q <= 1'b0;
    else counting_q <= counting_i && !clear_i;
  end

  always_ff @(posedge clk_i) begin : p_events
    activities_q <= activities_i;
    completed_q  <= completed_i;
    events_q     <= events_i;
  end

  logic [15:0] increment[Counters];
  always_comb begin : p_increment
    for (int unsigned counter = 0; counter < Counters; counter++) increment[counter] = '0;
    for (int unsigned unit = 0; unit < Units; unit++) begin
      for (int unsigned activity = 0; activity < Activities; activity++) begin
        increment[Activities*unit+activity] = 16'(32'(activities_q[unit]) == activity);
      end
    end
    for (int unsigned kind = 0; kind < GemmKinds; kind++) begin
      if (32'(events_q.slot_kind) == kind) begin
        increment[CtrGemmSlots0+kind] = 16'(events_q.slot);
        increment[CtrGemmMacs0+kind]  = events_q.row ? macs_i : 16'd0;
      end
    end
    increment[CtrCycles] = 16'd1;
    for (int unsigned unit = 0; unit < Queues; unit++) begin
      increment[CtrCommandsLoad+unit] = 16'(completed_q[unit]);
    end
    increment[CtrFetchBursts]           = 16'(events_q.fetch_burst);
    increment[CtrFetchBeats]            = 16'(events_q.fetch_beat);
    increment[CtrLoadBursts]            = 16'(events_q.load_burst);
    increment[CtrLoadBeats]             = 16'(events_q.load_beat);
    increment[CtrStoreBursts]           = 16'(events_q.store_burst);
    increment[CtrStoreBeats]            = 16'(events_q.store_beat);
    increment[CtrDecodedElements]       = 16'(events_q.decoded);
    increment[CtrScratchpadReadBytes]   = 16'(events_q.scratchpad_read);
    increment[CtrScratchpadWriteBytes]  = 16'(events_q.scratchpad_written);
    increment[CtrAccumulatorReadBytes]  = 16'(events_q.accumulator_read);
    increment[CtrAccumulatorWriteBytes] = 16'(events_q.accumulator_written);
    for (int unsigned counter = CtrVectorAdds; counter < Counters; counter++) begin
      if (events_q.computed.valid && (32'(events_q.computed.counter) == counter)) begin
        increment[counter] = 16'(events_q.computed.elements);
      end
    end
  end

  // ------------------------------------------------------------------ sweep
  // In t a word is read, for the sweep or for read_i; in t + 1 it and its sum go into registers,
  // and the sweep empties the sum; in t + 2 they are added, and the sweep's goes back. No word is
  // read for read_i before the last one of the sweep is back: that could be the same one.
  logic [CounterBits-1:0] sweep_q, index_q, back_q;
  logic [CounterBits:0]   left_q;  // visits before the sweep rests
  logic [4:1]             reading_q;  // index: cycles since read_i
  logic                   visit_q, goes_back_q, sweeps, forget, counts;
  logic [Counters-1:0]    live_q;  // has a word
  logic [63:0]            word, word_q, sum, sum_q, value;
  logic [SumBits-1:0]     sums[Counters];

  assign sweeps = !read_i && !reading_q[1] && !reading_q[2] && (left_q != '0);
  assign forget = !rst_ni || clear_i;
  assign counts = counting_q && !forget;

  always_ff @(posedge clk_i) begin : p_sweep
    if (!rst_ni) begin
      sweep_q     <= '0;
      left_q      <= '0;
      reading_q   <= '0;
      visit_q     <= 1'b0;
      goes_back_q <= 1'b0;
    end else begin
      if (sweeps) sweep_q <= (sweep_q == CounterBits'(Counters - 1)) ? '0 : sweep_q + 1'b1;
      if (counts) left_q <= (CounterBits + 1)'(Counters);
      else if (sweeps) left_q <= left_q - 1'b1;
      reading_q   <= {reading_q[3:1], read_i};
      visit_q     <= sweeps;
      goes_back_q <= visit_q;
    end
  end

  always_ff @(posedge clk_i) begin : p_index
    index_q <= reading_q[2] ? read_index_i : sweep_q;
    back_q  <= index_q;
    word_q  <= ((32'(index_q) < Counters) && live_q[index_q]) ? word : '0;
    sum_q   <= sum;
  end

  ram_1r1w #(.Width(64), .Words(Counters)) u_words (
    .clk_i,
    .read_enable_i  (sweeps || reading_q[2]),
    .read_address_i (reading_q[2] ? read_index_i : sweep_q),
    .read_data_o    (word),
    .write_enable_i (goes_back_q),
    .write_address_i(back_q),
    .write_data_i   (value)
  );

  for (genvar counter = 0; counter < Counters; counter++) begin : gen_sum
    localparam int unsigned Bits = $clog2(Gap * most(counter) + 1);
    logic [Bits-1:0] count_q;
    logic            visited;
    assign visited = visit_q && (index_q == CounterBits'(counter));
    always_ff @(posedge clk_i) begin : p_count
      count_q         <= ((visited || forget) ? '0 : count_q) +
          (counts ? Bits'(increment[counter]) : '0);
      live_q[counter] <= (visited || live_q[counter]) && !forget;
    end
    assign sums[counter] = SumBits'(count_q);
  end

  always_comb begin : p_sum
    sum = '0;
    if (32'(index_q) < Counters) sum = 64'(sums[index_q]);
    if ((32'(index_q) == CtrScratchpadReadBytes) || (32'(index_q) == CtrScratchpadWriteBytes)) begin
      sum = sum << 1;
    end
    if ((32'(index_q) == CtrAccumulatorReadBytes) ||
        (32'(index_q) == CtrAccumulatorWriteBytes)) begin
      sum = sum << 2;
    end
  end
  assign value        = word_q + sum_q;
  assign read_valid_o = reading_q[4];
  assign read_value_o = value;

`ifndef SYNTHESIS
  logic [2:0] since_read_q;
  always_ff @(posedge clk_i) begin : p_check
    if (!rst_ni) begin
      since_read_q <= '1;
    end else begin
      since_read_q <= read_i ? 3'd1 : since_read_q + 3'(since_read_q != '1);
      ReadsApart: assert (!read_i || (since_read_q >= 3'd6))
      else $error("counters: a read too soon after another");
      for (int unsigned unit = 0; unit < Units; unit++) begin
        ActivityKnown: assert (32'(activities_i[unit]) < Activities)
        else $error("counters: no such activity");
      end
    end
  end
  for (genvar counter = 0; counter < Counters; counter++) begin : gen_check
    always_ff @(posedge clk_i) begin : p_check
      if (rst_ni && counting_q) begin
        IncrementInRange: assert (32'(increment[counter]) <= most(counter))
        else $error("counters: more of counter %0d than a cycle can bring", counter);
      end
    end
  end
`endif

endmodule

`default_nettype wire
