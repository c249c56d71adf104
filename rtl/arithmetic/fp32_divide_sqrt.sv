// Correctly rounded FP32 division a / b and square root of a; numbers and special cases as in
// fp32_pkg.
//
// Function: restoring digit recurrence, BitsPerCycle digits a cycle, one datapath for both
//   operations. Before the digit of weight m = 2^-k is found, let Q be the digits so far and
//     w = 2^(k-1) (a - Q b)    for a division,
//     w = 2^(k-1) (a - Q^2)    for a square root.
//   The digit is one if 2w - T >= 0, with T = b or T = 2Q + m; then 2w - T is the next w, else 2w
//   is (Ercegovac and Lang, Digital Arithmetic, chapters 5 and 6). 26 digits are 24, a guard bit
//   and, for a quotient below one, the place of its missing leading digit; what remains of w is
//   the sticky bit.
// Latency: done_o comes interface_pkg::divide_latency(BitsPerCycle) cycles after start_i, whatever
//   the operation and the operands.
// Flow control: start_i for one cycle takes the operands; it must not come again before done_o, but
//   may come with it. done_o is a pulse; result_o keeps its value until the next one.

`default_nettype none

module fp32_divide_sqrt #(
  parameter int unsigned BitsPerCycle = 2  // 1 or 2
) (
  input  logic        clk_i,
  input  logic        rst_ni,
  input  logic        start_i,
  input  logic        is_sqrt_i,
  input  logic [31:0] a_i,
  input  logic [31:0] b_i,        // not used by a square root
  output logic [31:0] result_o,
  output logic        done_o
);

  import fp32_pkg::*;

  if ((BitsPerCycle != 1) && (BitsPerCycle != 2)) begin : gen_bad_parameter
    $error("BitsPerCycle must be 1 or 2");
  end

  // Fixed point, 25 fraction bits: digits and weight have 1 integer bit, the remainder 2 (w < 4).
  logic [25:0] weight_q;  // of the next digit, one-hot; 0: not dividing
  logic [25:0] digits_q;
  logic [26:0] remainder_q;
  logic [23:0] divisor_q;
  logic        round_q;

  fp32_class_e       kind_q;
  logic              sign_q;
  logic              is_sqrt_q;
  logic signed [9:0] exponent_q;

  fp32_t a, b;
  assign a = a_i;
  assign b = b_i;

  // verilator lint_off UNUSEDSIGNAL
  // Not every field of an operand matters in each of these.
  function automatic fp32_class_e class_of(logic is_sqrt, fp32_t x, fp32_t y);
    class_of = ClassFinite;
    if (is_sqrt) begin
      if (fp32_is_nan(x) || (x.sign && (x.exponent != 8'd0))) begin
        class_of = ClassNan;
      end else if (fp32_is_infinite(x)) begin
        class_of = ClassInfinite;
      end
    end else begin
      if (fp32_is_nan(x) || fp32_is_nan(y) || (fp32_is_infinite(x) && fp32_is_infinite(y)) ||
          ((x.exponent == 8'd0) && (y.exponent == 8'd0))) begin
        class_of = ClassNan;
      end else if (fp32_is_infinite(x) || (y.exponent == 8'd0)) begin
        class_of = ClassInfinite;
      end
    end
  endfunction

  function automatic logic signed [9:0] exponent_of(logic is_sqrt, fp32_t x, fp32_t y);
    // Of a root floor((e - 127) / 2) + 127; what the halving drops doubles the operand.
    if (is_sqrt) return $signed((10'(x.exponent) + 10'd127) >> 1);
    return $signed(10'(x.exponent) - 10'(y.exponent) + 10'd127);
  endfunction

  // Half the operand, because the recurrence doubles it first; nothing if the quotient is zero.
  function automatic logic [26:0] first_remainder(logic is_sqrt, fp32_t x, fp32_t y);
    if (!is_sqrt && (y.exponent == 8'd255)) return 27'd0;
    if (is_sqrt && !x.exponent[0]) return {1'b0, fp32_significand(x), 2'd0};
    return {2'd0, fp32_significand(x), 1'b0};
  endfunction
  // verilator lint_on UNUSEDSIGNAL

  function automatic logic [27:0] subtrahend(logic [25:0] digits, logic [25:0] weight);
    return is_sqrt_q ? {1'b0, digits, 1'b0} | {2'd0, weight} : {2'd0, divisor_q, 2'd0};
  endfunction

  // Nothing is worked out while there is nothing to divide: a simulator passes an idle divider with
  // a few tests.
  always_ff @(posedge clk_i) begin : p_operation
    logic [27:0] first, second_0, second_1, second;  // two's complement, in (-4, 4)
    logic [26:0] remainder;
    logic [25:0] digits, weight;
    if (start_i) begin
      is_sqrt_q   <= is_sqrt_i;
      kind_q      <= class_of(is_sqrt_i, a, b);
      sign_q      <= is_sqrt_i ? a.sign : a.sign ^ b.sign;
      exponent_q  <= exponent_of(is_sqrt_i, a, b);
      divisor_q   <= fp32_significand(b);
      digits_q    <= 26'd0;
      remainder_q <= first_remainder(is_sqrt_i, a, b);
    end else if (weight_q != 26'd0) begin
      first     = {remainder_q, 1'b0} - subtrahend(digits_q, weight_q);
      digits    = first[27] ? digits_q : digits_q | weight_q;
      remainder = first[27] ? {remainder_q[25:0], 1'b0} : first[26:0];
      if (BitsPerCycle == 2) begin
        // The second digit is worked out for both values of the first.
        weight   = weight_q >> 1;
        second_0 = {remainder_q[25:0], 2'b00} - subtrahend(digits_q, weight);
        second_1 = {remainder_q[25:0], 2'b00} - (subtrahend(digits_q, weight_q) << 1) -
            subtrahend(digits_q | weight_q, weight);
        second   = first[27] ? second_0 : second_1;
        if (!second[27]) digits = digits | weight;
        remainder = second[27] ? {remainder[25:0], 1'b0} : second[26:0];
      end
      digits_q    <= digits;
      remainder_q <= remainder;
    end
  end

  always_ff @(posedge clk_i) begin : p_control
    if (!rst_ni) begin
      weight_q <= 26'd0;
      round_q  <= 1'b0;
      done_o   <= 1'b0;
    end else if (start_i || (weight_q != 26'd0) || round_q || done_o) begin  // else nothing changes
      weight_q <= start_i ? 26'h200_0000 : weight_q >> BitsPerCycle;
      round_q  <= weight_q[BitsPerCycle-1];  // the last digits are being found
      done_o   <= round_q;
    end
  end

  always_ff @(posedge clk_i) begin : p_round
    logic sticky;
    if (round_q) begin
      sticky = (remainder_q != 27'd0);
      unique case (kind_q)
        ClassNan:      result_o <= CanonicalNan;
        ClassInfinite: result_o <= {sign_q, 8'd255, 23'd0};
        default:
          result_o <= digits_q[25]
              ? fp32_round(sign_q, exponent_q, {digits_q[25:1], digits_q[0] | sticky})
              : fp32_round(sign_q, exponent_q - 10'sd1, {digits_q[24:0], sticky});
      endcase
    end
  end

`ifndef SYNTHESIS
  localparam int unsigned Latency = interface_pkg::divide_latency(BitsPerCycle);

  int unsigned age_q;  // cycles since start_i; 0: idle

  always_ff @(posedge clk_i) begin : p_check
    if (!rst_ni) begin
      age_q <= 0;
    end else if (start_i || (age_q != 0) || done_o) begin
      if (start_i) begin
        age_q <= 1;
      end else begin
        age_q <= (age_q == Latency) ? 0 : age_q + 1;
      end
      StartWhileIdle: assert (!start_i || (age_q == 0) || (age_q == Latency))
      else $error("fp32_divide_sqrt: start_i while busy");
      DoneAfterLatency: assert (done_o == (age_q == Latency))
      else $error("fp32_divide_sqrt: done_o is not %0d cycles after start_i", Latency);
    end
  end
`endif

endmodule

`default_nettype wire
