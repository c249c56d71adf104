// Registers and arithmetic of the vector unit: registers of a strip (8 beats of VectorLanes words)
// each, and in each lane a multiplier, an adder behind it, the operations of lane_pkg beside them,
// and a divider. The registers lie in three RAMs with the same contents, one for each operand.
//
// Function: issue_valid_i executes one instruction for one beat, on the lanes below count_i; the
//   other lanes do nothing, and what the destination holds for them afterwards means nothing.
//   With exchange_i beat k of operand a is beat k xor immediate_i[2:0]; where those bits are 0 it
//   is what the first beat reads. The number of a row or column is the immediate, in each lane more
//   by one for a column.
//   Registers keep their values from command to command and have none after reset.
// Latency, of a beat issued in cycle t:
//   t      registers a, b and c are read
//   t + 1  their RAMs' outputs, or the immediate, go into the operands' registers
//   t + 2  a product, or what else is not a sum, begins; start of a division or square root; a
//          store's elements are on write_*_o (the unit above makes the request now)
//   t + 3  the product is rounded; a shift
//   t + 4  a sum begins, of integers it ends; load: the elements are on read_*_i
//   t + 5  the sum is rounded
//   t + 6  result into the destination, which an instruction issued in t + 7 (ResultLatency) reads
//   A division or square root is written in t + 2 + divide_latency instead.
//   A register that an instruction does not use is not read, so that no beat is read in the cycle
//   in which it is written.
// Flow control: none; the unit above keeps divisions divide_latency cycles apart, and writes
//   of a division away from those of other instructions.
// event_o: the elements that are computed or rounded, in cycle t + 1.

`default_nettype none

module vector_lanes #(
  parameter int unsigned VectorLanes  = 8,
  parameter int unsigned BitsPerCycle = interface_pkg::DivideDigitsPerCycle
) (
  input  wire logic                         clk_i,
  input  wire logic                         rst_ni,

  input  wire logic                         issue_valid_i,
  input  wire interface_pkg::vector_opcode_e opcode_i,
  input  wire logic [3:0]                   destination_i,
  input  wire logic [3:0]                   a_i,
  input  wire logic [3:0]                   b_i,
  input  wire logic [3:0]                   c_i,
  input  wire logic                         b_immediate_i,
  input  wire logic                         c_immediate_i,
  input  wire logic                         exchange_i,
  input  wire logic [31:0]                  immediate_i,
  input  wire logic                         accumulator_i,  // the stream is in that memory
  input  wire logic                         broadcast_i,    // of one element, to all lanes
  input  wire logic [2:0]                   beat_i,
  input  wire logic [7:0]                   count_i,

  input  wire logic [VectorLanes-1:0][15:0] read_bf16_i,
  input  wire logic [VectorLanes-1:0][31:0] read_fp32_i,
  output logic [VectorLanes-1:0][15:0]      write_bf16_o,   // 0 unless rounding
  output logic [VectorLanes-1:0][31:0]      write_fp32_o,

  output accelerator_pkg::counter_event_t   event_o
);

  import interface_pkg::*;

  typedef logic [VectorLanes-1:0][31:0] beat_t;

  // What an instruction is to the stages after its issue.
  typedef struct packed {
    vector_opcode_e opcode;
    logic           accumulator;
    logic           broadcast;
    logic           exact;   // of a store: no rounding
    logic [6:0]     target;  // destination register and beat
    logic [7:0]     count;
  } operation_t;

  // t + 1
  logic        read_valid_q;
  operation_t  read_q;
  beat_t       word_a, word_b, word_c;  // outputs of the RAMs
  logic        b_immediate_q, c_immediate_q;
  logic [31:0] immediate_q;
  // t + 2
  logic       execute_valid_q;
  operation_t execute_q;
  beat_t      operand_a_q, operand_b_q, operand_c_q;  // b, c with the sign that a sum takes them
  // t + 3
  logic                    round_valid_q;
  operation_t              round_q;
  fp32_pkg::fp32_product_t product_q[VectorLanes];
  lane_pkg::partial_t      prepared_q[VectorLanes];
  beat_t                   addend_q;
  // t + 4
  logic               add_valid_q;
  operation_t         add_q;
  lane_pkg::partial_t rotated_q[VectorLanes];  // of a product: plain
  beat_t              late_addend_q;
  // t + 5
  logic                finish_valid_q;
  operation_t          finish_q;
  fp32_pkg::fp32_sum_t sum_q[VectorLanes];
  beat_t               word_q;  // where there is no sum
  // t + 6
  logic       write_valid_q;
  logic [6:0] write_target_q;
  beat_t      result_q;

  // Of FP32 numbers.
  function automatic logic is_product(vector_opcode_e opcode);
    return (opcode == VopMultiply) || (opcode == VopMultiplyAdd);
  endfunction
  function automatic logic is_sum(vector_opcode_e opcode);
    return (opcode == VopAdd) || (opcode == VopSubtract) || (opcode == VopMultiplyAdd);
  endfunction

  logic execute_iterative, execute_narrow;
  assign execute_iterative = execute_valid_q && is_iterative(execute_q.opcode);
  assign execute_narrow    = execute_valid_q && (execute_q.opcode == VopStore) &&
      !execute_q.accumulator;

  logic read_round;
  assign read_round       = read_valid_q && (read_q.opcode == VopStore) && !read_q.accumulator &&
      !read_q.exact;
  assign event_o.valid    = read_round || (read_valid_q && is_arithmetic(read_q.opcode));
  assign event_o.counter  = read_round ? CounterBits'(CtrVectorRoundings) :
                                         counter_of(read_q.opcode);
  assign event_o.elements = read_q.count;

  always_ff @(posedge clk_i) begin : p_valid
    if (!rst_ni) begin
      read_valid_q    <= 1'b0;
      execute_valid_q <= 1'b0;
      round_valid_q   <= 1'b0;
      add_valid_q     <= 1'b0;
      finish_valid_q  <= 1'b0;
      write_valid_q   <= 1'b0;
    end else begin
      read_valid_q    <= issue_valid_i;
      execute_valid_q <= read_valid_q;
      round_valid_q   <= execute_valid_q && (execute_q.opcode != VopStore) && !execute_iterative;
      add_valid_q     <= round_valid_q;
      finish_valid_q  <= add_valid_q;
      write_valid_q   <= finish_valid_q;
    end
  end

  // Rounding to BF16 on the way to the scratchpad.
  assign write_fp32_o = operand_a_q;
  always_comb begin : p_round
    write_bf16_o = '0;
    if (execute_narrow) begin
      for (int unsigned lane = 0; lane < VectorLanes; lane++) begin
        write_bf16_o[lane] = execute_q.exact ? operand_a_q[lane][31:16] :
                                               fp32_pkg::fp32_to_bf16(operand_a_q[lane]);
      end
    end
  end

  beat_t                  quotient;
  logic [VectorLanes-1:0] quotient_done;  // all lanes at work end together
  logic [6:0]             quotient_target_q;

  for (genvar lane = 0; lane < VectorLanes; lane++) begin : gen_divider
    fp32_divide_sqrt #(
      .BitsPerCycle(BitsPerCycle)
    ) u_divide_sqrt (
      .clk_i,
      .rst_ni,
      .start_i  (execute_iterative && (8'(lane) < execute_q.count)),
      .is_sqrt_i(execute_q.opcode == VopSquareRoot),
      .a_i      (operand_a_q[lane]),
      .b_i      (operand_b_q[lane]),
      .result_o (quotient[lane]),
      .done_o   (quotient_done[lane])
    );
  end

  // ------------------------------------------------------------------ registers
  logic       numbers;  // of rows or columns, made of the immediate alone
  logic       read_a, read_b, read_c, write;
  logic [2:0] beat_a;
  logic [6:0] write_target;
  beat_t      write_data;

  // What the first beat reads for all beats stays at the RAM's output.
  assign numbers = (opcode_i == VopRowNumber) || (opcode_i == VopColumnNumber);
  assign read_a  = issue_valid_i && (opcode_i != VopLoad) && !numbers &&
      !(exchange_i && (immediate_i[2:0] == 3'd0) && (beat_i != 3'd0));
  assign beat_a  = exchange_i ? beat_i ^ immediate_i[2:0] : beat_i;
  assign read_b  = issue_valid_i && has_second_operand(opcode_i) && !b_immediate_i;
  assign read_c  = issue_valid_i && has_third_operand(opcode_i) && !c_immediate_i;

  always_comb begin : p_write
    write        = write_valid_q || (quotient_done != '0);
    write_target = (quotient_done != '0) ? quotient_target_q : write_target_q;
    write_data   = (quotient_done != '0) ? quotient : result_q;
  end

  ram_1r1w #(.Width($bits(beat_t)), .Words(VectorRegisters * StripBeats)) u_registers_a (
    .clk_i,
    .read_enable_i  (read_a),
    .read_address_i ({a_i, beat_a}),
    .read_data_o    (word_a),
    .write_enable_i (write),
    .write_address_i(write_target),
    .write_data_i   (write_data)
  );
  ram_1r1w #(.Width($bits(beat_t)), .Words(VectorRegisters * StripBeats)) u_registers_b (
    .clk_i,
    .read_enable_i  (read_b),
    .read_address_i ({b_i, beat_i}),
    .read_data_o    (word_b),
    .write_enable_i (write),
    .write_address_i(write_target),
    .write_data_i   (write_data)
  );
  ram_1r1w #(.Width($bits(beat_t)), .Words(VectorRegisters * StripBeats)) u_registers_c (
    .clk_i,
    .read_enable_i  (read_c),
    .read_address_i ({c_i, beat_i}),
    .read_data_o    (word_c),
    .write_enable_i (write),
    .write_address_i(write_target),
    .write_data_i   (write_data)
  );

  beat_t operand_b, operand_c;
  always_comb begin : p_operand
    for (int unsigned lane = 0; lane < VectorLanes; lane++) begin
      operand_b[lane] = {read_q.opcode == VopSubtract, 31'd0} ^  // a - b is a + (-b)
          (b_immediate_q ? immediate_q : word_b[lane]);
      operand_c[lane] = c_immediate_q ? immediate_q : word_c[lane];
    end
  end

  beat_t loaded;
  always_comb begin : p_loaded
    for (int unsigned lane = 0; lane < VectorLanes; lane++) begin
      automatic int unsigned from = add_q.broadcast ? 0 : lane;
      loaded[lane] = add_q.accumulator ? read_fp32_i[from] :
                                         fp32_pkg::fp32_from_bf16(read_bf16_i[from]);
    end
  end

  // ------------------------------------------------------------------ stages
  // The last one first: each reads what the one before it left in the last cycle.
  always_ff @(posedge clk_i) begin : p_pipeline
    // Blocking assignments to stage registers let the loops over the lanes stay loops in a
    // simulator; no other process reads these registers.
    // verilator lint_off BLKSEQ
    if (finish_valid_q) begin
      if (is_sum(finish_q.opcode)) begin
        for (int unsigned lane = 0; lane < VectorLanes; lane++) begin
          if (8'(lane) < finish_q.count) begin
            result_q[lane] = fp32_pkg::fp32_normalise(sum_q[lane]);
          end
        end
      end else begin
        result_q = word_q;
      end
    end
    if (add_valid_q) begin
      if (add_q.opcode == VopLoad) begin
        word_q = loaded;
      end else if (is_sum(add_q.opcode)) begin
        for (int unsigned lane = 0; lane < VectorLanes; lane++) begin
          if (8'(lane) < add_q.count) begin
            sum_q[lane] = fp32_pkg::fp32_add(rotated_q[lane].word, late_addend_q[lane]);
          end
        end
      end else begin
        for (int unsigned lane = 0; lane < VectorLanes; lane++) begin
          if (8'(lane) < add_q.count) begin
            word_q[lane] =
                lane_pkg::complete(add_q.opcode, rotated_q[lane], late_addend_q[lane]);
          end
        end
      end
    end
    if (round_valid_q) begin
      late_addend_q = addend_q;
      if (is_product(round_q.opcode)) begin
        for (int unsigned lane = 0; lane < VectorLanes; lane++) begin
          if (8'(lane) < round_q.count) begin
            rotated_q[lane].plain = 1'b1;
            rotated_q[lane].word  = fp32_pkg::fp32_round_product(product_q[lane]);
          end
        end
      end else begin
        for (int unsigned lane = 0; lane < VectorLanes; lane++) begin
          if (8'(lane) < round_q.count) begin
            rotated_q[lane] = lane_pkg::rotate(round_q.opcode, prepared_q[lane]);
          end
        end
      end
    end
    if (execute_valid_q) begin
      addend_q = has_third_operand(execute_q.opcode) ? operand_c_q : operand_b_q;
      if (is_product(execute_q.opcode)) begin
        for (int unsigned lane = 0; lane < VectorLanes; lane++) begin
          if (8'(lane) < execute_q.count) begin
            product_q[lane] = fp32_pkg::fp32_multiply(operand_a_q[lane], operand_b_q[lane]);
          end
        end
      end else begin
        for (int unsigned lane = 0; lane < VectorLanes; lane++) begin
          if (8'(lane) < execute_q.count) begin
            prepared_q[lane] =
                lane_pkg::prepare(execute_q.opcode, operand_a_q[lane], operand_b_q[lane],
                                  operand_c_q[lane], 8'(lane));
          end
        end
      end
    end
    // verilator lint_on BLKSEQ

    if (read_valid_q) begin  // the dividers read these, too
      operand_a_q <= word_a;
      operand_b_q <= operand_b;
      operand_c_q <= operand_c;
    end

    if (execute_iterative) begin
      quotient_target_q <= execute_q.target;
    end
    write_target_q <= finish_q.target;
    finish_q       <= add_q;
    add_q          <= round_q;
    round_q        <= execute_q;
    execute_q      <= read_q;
    if (issue_valid_i) begin
      read_q.opcode      <= opcode_i;
      read_q.accumulator <= accumulator_i;
      read_q.broadcast   <= broadcast_i;
      read_q.exact       <= b_immediate_i;
      read_q.target      <= {destination_i, beat_i};
      read_q.count       <= count_i;
      b_immediate_q      <= b_immediate_i || numbers;
      c_immediate_q      <= c_immediate_i;
      immediate_q        <= immediate_i;
    end
  end

  logic unused;  // at the end it plays no part where a word came from
  assign unused = ^finish_q;

`ifndef SYNTHESIS
  always_ff @(posedge clk_i) begin : p_check
    if (rst_ni) begin
      OneWriteACycle: assert (!(write_valid_q && (quotient_done != '0)))
      else $error("vector_lanes: two writes of registers in one cycle");
      CountInRange: assert (!issue_valid_i || ((count_i != 8'd0) && (count_i <= 8'(VectorLanes))))
      else $error("vector_lanes: count_i out of range");
    end
  end
`endif

endmodule

`default_nettype wire
