// FP32 arithmetic as the x86 SSE unit does it with flush-to-zero and denormals-are-zero set: round
// to nearest even, no fused multiply-add, tininess detected after rounding; every NaN result is
// 7FC00000.
//
// Function: pure functions. An addition and a multiplication are two each, so that a register fits
//   between them:  fp32_add -> fp32_normalise   and   fp32_multiply -> fp32_round_product.
// Latency: none of their own; whoever calls them places the registers.
// Flow control: none.

`default_nettype none

package fp32_pkg;

  localparam logic [31:0] CanonicalNan = 32'h7FC0_0000;
  localparam logic [15:0] CanonicalNanBf16 = 16'h7FC0;

  typedef struct packed {
    logic        sign;
    logic [7:0]  exponent;  // biased by 127
    logic [22:0] fraction;
  } fp32_t;

  // A zero is a finite number whose significand is zero.
  typedef enum logic [1:0] {
    ClassFinite,
    ClassInfinite,
    ClassNan,
    ClassZero
  } fp32_class_e;

  // The exact sum of two aligned operands, not yet normalised.
  typedef struct packed {
    logic        nan;
    logic        sign;
    logic        subtract;   // the operands' signs differ: an exact zero is +0
    logic [7:0]  exponent;   // of the larger operand; 255: the sum is infinite, or a NaN
    logic [27:0] magnitude;  // carry, 24 significant bits, guard, round, sticky
  } fp32_sum_t;

  // The exact product of two significands, not yet normalised.
  typedef struct packed {
    fp32_class_e        kind;
    logic               sign;
    logic signed [9:0]  exponent;     // biased by 127, of the weight of significand[46]
    logic        [47:0] significand;  // in [1, 4) at 2^46; 0 for a zero
  } fp32_product_t;

  // The sign plays no part in these three.
  // verilator lint_off UNUSEDSIGNAL
  // 24 bits with the leading one; a subnormal counts as zero.
  function automatic logic [23:0] fp32_significand(fp32_t a);
    return (a.exponent == 8'd0) ? 24'd0 : {1'b1, a.fraction};
  endfunction

  function automatic logic fp32_is_nan(fp32_t a);
    return (a.exponent == 8'd255) && (a.fraction != 23'd0);
  endfunction

  function automatic logic fp32_is_infinite(fp32_t a);
    return (a.exponent == 8'd255) && (a.fraction == 23'd0);
  endfunction
  // verilator lint_on UNUSEDSIGNAL

  // Rounds to nearest even and packs. significand holds 24 bits, the first of them one (else the
  // result is a zero), then guard and sticky. The range is checked after rounding, so that a value
  // which rounds up to 2^-126 is kept.
  function automatic logic [31:0] fp32_round(logic sign, logic signed [9:0] exponent,
                                             logic [25:0] significand);
    logic        round_up;
    logic [32:0] rounded;  // exponent and fraction in one: a carry out of the fraction is right
    round_up = significand[1] & (significand[0] | significand[2]);
    rounded  = {exponent, significand[24:2]} + 33'(round_up);
    if (significand[25] && (rounded[32:23] - 10'd1 < 10'd254)) begin  // exponent in 1..254
      return {sign, rounded[30:0]};
    end
    if (!significand[25] || rounded[32] || (rounded[31:23] == 9'd0)) begin
      return {sign, 31'd0};
    end
    return {sign, 8'd255, 23'd0};
  endfunction

  // First stage of an addition: order by magnitude, align, add.
  //
  // Three bits below the last place are enough: if the operands are two or more places apart, the
  // sum loses at most one leading bit; if they are closer, nothing is shifted beyond the guard bit.
  function automatic fp32_sum_t fp32_add(fp32_t a, fp32_t b);
    fp32_t       greater;
    fp32_t       lesser;
    logic [7:0]  distance;
    logic [4:0]  shift;
    logic [49:0] shifted;
    logic [27:0] magnitude;
    logic        subtract;
    logic        nan;

    greater  = (a[30:0] < b[30:0]) ? b : a;
    lesser   = (a[30:0] < b[30:0]) ? a : b;
    distance = greater.exponent - lesser.exponent;
    shift    = (distance > 8'd26) ? 5'd26 : distance[4:0];  // at 26 it is all below the round bit
    shifted  = {fp32_significand(lesser), 26'd0} >> shift;

    subtract = a.sign ^ b.sign;
    nan      = (greater.exponent == 8'd255) &&
        ((greater.fraction != 23'd0) || ((lesser.exponent == 8'd255) && subtract));
    // The lowest column gives the carry in that completes the two's complement.
    magnitude = 28'(({1'b0, fp32_significand(greater), 3'd0, 1'b1} +
        ({1'b0, shifted[49:24], |shifted[23:0], 1'b0} ^ {29{subtract}})) >> 1);
    return '{
        nan: nan, sign: greater.sign, subtract: subtract, exponent: greater.exponent,
        magnitude: magnitude
    };
  endfunction

  // Second stage of an addition: normalise, round.
  function automatic logic [31:0] fp32_normalise(fp32_sum_t sum);
    logic [31:0] significand;  // left-aligned
    logic [4:0]  shift;
    if (sum.exponent == 8'd255) begin
      return sum.nan ? CanonicalNan : {sum.sign, 8'd255, 23'd0};
    end
    significand = {sum.magnitude, 4'd0};
    shift[4] = (significand[31:16] == 16'd0);
    significand = shift[4] ? significand << 16 : significand;
    shift[3] = (significand[31:24] == 8'd0);
    significand = shift[3] ? significand << 8 : significand;
    shift[2] = (significand[31:28] == 4'd0);
    significand = shift[2] ? significand << 4 : significand;
    shift[1] = (significand[31:30] == 2'd0);
    significand = shift[1] ? significand << 2 : significand;
    shift[0] = !significand[31];
    significand = shift[0] ? significand << 1 : significand;
    return fp32_round(sum.sign && (significand[31] || !sum.subtract),
                      10'(sum.exponent) + 10'd1 - 10'(shift),
                      {significand[31:7], |significand[6:0]});
  endfunction

  // First stage of a multiplication.
  function automatic fp32_product_t fp32_multiply(fp32_t a, fp32_t b);
    fp32_class_e kind;
    kind = ClassFinite;
    if ((a.exponent == 8'd255) || (b.exponent == 8'd255)) begin
      kind = (fp32_is_nan(a) || fp32_is_nan(b) || (a.exponent == 8'd0) ||
              (b.exponent == 8'd0)) ? ClassNan : ClassInfinite;
    end else if ((a.exponent == 8'd0) || (b.exponent == 8'd0)) begin
      kind = ClassZero;  // so that the significands need not wait for it
    end
    return '{
        kind: kind, sign: a.sign ^ b.sign,
        exponent: $signed(10'(a.exponent) + 10'(b.exponent) - 10'd127),
        significand: 48'({1'b1, a.fraction}) * 48'({1'b1, b.fraction})
    };
  endfunction

  // Second stage of a multiplication: normalise, round.
  function automatic logic [31:0] fp32_round_product(fp32_product_t product);
    unique case (product.kind)
      ClassNan:      return CanonicalNan;
      ClassInfinite: return {product.sign, 8'd255, 23'd0};
      ClassZero:     return {product.sign, 31'd0};
      default: begin
        if (product.significand[47]) begin
          return fp32_round(product.sign, product.exponent + 10'sd1,
                            {product.significand[47:23], |product.significand[22:0]});
        end
        return fp32_round(product.sign, product.exponent,
                          {product.significand[46:22], |product.significand[21:0]});
      end
    endcase
  endfunction

  // To BF16, an arithmetic operation: a subnormal becomes a zero of its sign, a NaN 7FC0.
  function automatic logic [15:0] fp32_to_bf16(fp32_t a);
    logic round_up;
    if (a.exponent == 8'd0) return {a.sign, 15'd0};
    if (fp32_is_nan(a)) return CanonicalNanBf16;
    // A carry out of the fraction, and out of the largest finite number into infinity, is right.
    round_up = a[15] && ((a[14:0] != 15'd0) || a[16]);
    return a[31:16] + 16'(round_up);
  endfunction

  // From BF16, a plain move: exact, never alters bits.
  function automatic logic [31:0] fp32_from_bf16(logic [15:0] a);
    return {a, 16'd0};
  endfunction

endpackage

`default_nettype wire
