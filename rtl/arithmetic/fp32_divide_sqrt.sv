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
// Latency: done_o comes fp32_pkg::divide_sqrt_latency(BitsPerCycle) cycles after start_i, whatever
//   the operation and the operands: 15 at two bits a cycle, 28 at one.
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

  if (BitsPerCycle != 1 && BitsPerCycle != 2) begin : gen_bad_parameter
    $error("BitsPerCycle must be 1 or 2");
  end

  // Fixed point, 25 fraction bits: digits and weight have 1 integer bit, the remainder 2 (w < 4).
  logic [25:0] weight_d, weight_q;  // of the next digit, one-hot; 0: not dividing
  logic [25:0] digits_d, digits_q;
  logic [26:0] remainder_d, remainder_q;
  logic [23:0] divisor_q;
  logic        round_q;

  fp32_class_e       kind_d, kind_q;
  logic              sign_q;
  logic              is_sqrt_q;
  logic signed [9:0] exponent_d, exponent_q;

  fp32_t a, b;
  assign a = a_i;
  assign b = b_i;

  always_comb begin : p_unpack
    kind_d = Finite;
    if (is_sqrt_i) begin
      // floor((e - 127) / 2) + 127; what the halving drops doubles the operand.
      exponent_d = $signed((10'(a.exponent) + 10'd127) >> 1);
      if (fp32_is_nan(a) || (a.sign && (a.exponent != 8'd0))) begin
        kind_d = NotANumber;
      end else if (fp32_is_infinite(a)) begin
        kind_d = Infinite;
      end
    end else begin
      exponent_d = $signed(10'(a.exponent) - 10'(b.exponent) + 10'd127);
      if (fp32_is_nan(a) || fp32_is_nan(b) || (fp32_is_infinite(a) && fp32_is_infinite(b)) ||
          ((a.exponent == 8'd0) && (b.exponent == 8'd0))) begin
        kind_d = NotANumber;
      end else if (fp32_is_infinite(a) || (b.exponent == 8'd0)) begin
        kind_d = Infinite;
      end
    end
  end

  always_comb begin : p_digits
    logic [27:0] subtrahend;
    logic [27:0] difference;  // two's complement
    subtrahend  = 28'd0;
    difference  = 28'd0;
    weight_d    = weight_q;
    digits_d    = digits_q;
    remainder_d = remainder_q;
    if (start_i) begin
      weight_d = 26'h200_0000;
      digits_d = 26'd0;
      // Half the operand, because the recurrence doubles it first; nothing if the quotient is zero.
      if (!is_sqrt_i && (b.exponent == 8'd255)) begin
        remainder_d = 27'd0;
      end else if (is_sqrt_i && !a.exponent[0]) begin
        remainder_d = {1'b0, fp32_significand(a), 2'd0};
      end else begin
        remainder_d = {2'd0, fp32_significand(a), 1'b0};
      end
    end else if (weight_q != 26'd0) begin
      for (int unsigned i = 0; i < BitsPerCycle; i++) begin
        subtrahend = is_sqrt_q ? {1'b0, digits_d, 1'b0} | {2'd0, weight_d}
                               : {2'd0, divisor_q, 2'd0};
        difference = {remainder_d, 1'b0} - subtrahend;  // in (-4, 4)
        if (difference[27]) begin
          remainder_d = {remainder_d[25:0], 1'b0};
        end else begin
          remainder_d = difference[26:0];
          digits_d    = digits_d | weight_d;
        end
        weight_d = weight_d >> 1;
      end
    end
  end

  always_ff @(posedge clk_i) begin : p_operation
    if (start_i) begin
      is_sqrt_q  <= is_sqrt_i;
      kind_q     <= kind_d;
      sign_q     <= is_sqrt_i ? a.sign : a.sign ^ b.sign;
      exponent_q <= exponent_d;
      divisor_q  <= fp32_significand(b);
    end
    digits_q    <= digits_d;
    remainder_q <= remainder_d;
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin : p_control
    if (!rst_ni) begin
      weight_q <= 26'd0;
      round_q  <= 1'b0;
      done_o   <= 1'b0;
    end else begin
      weight_q <= weight_d;
      round_q  <= weight_q[BitsPerCycle-1];  // the last digits are being found
      done_o   <= round_q;
    end
  end

  always_ff @(posedge clk_i) begin : p_round
    logic sticky;
    sticky = (remainder_q != 27'd0);
    if (round_q) begin
      unique case (kind_q)
        NotANumber: result_o <= CanonicalNan;
        Infinite:   result_o <= {sign_q, 8'd255, 23'd0};
        default:
          result_o <= digits_q[25]
              ? fp32_round(sign_q, exponent_q, {digits_q[25:1], digits_q[0] | sticky})
              : fp32_round(sign_q, exponent_q - 10'sd1, {digits_q[24:0], sticky});
      endcase
    end
  end

`ifndef SYNTHESIS
  localparam int unsigned Latency = divide_sqrt_latency(BitsPerCycle);

  int unsigned age_q;  // cycles since start_i; 0: idle

  always_ff @(posedge clk_i or negedge rst_ni) begin : p_check
    if (!rst_ni) begin
      age_q <= 0;
    end else begin
      if (start_i) begin
        age_q <= 1;
      end else if (age_q == Latency) begin
        age_q <= 0;
      end else if (age_q != 0) begin
        age_q <= age_q + 1;
      end
      assert (!start_i || age_q == 0 || age_q == Latency)
      else $error("fp32_divide_sqrt: start_i while busy");
      assert (done_o == (age_q == Latency))
      else $error("fp32_divide_sqrt: done_o is not %0d cycles after start_i", Latency);
    end
  end
`endif

endmodule

`default_nettype wire
