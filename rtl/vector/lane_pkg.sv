// What a lane of the vector unit computes beside sums, products and quotients of FP32 numbers:
// maxima, comparisons, selections, scaling by powers of two, bits, integers, conversions.
//
// Function: pure functions, one for each of three stages:
//     prepare   comparisons, bits, scaling; for what is shifted, the word and the count
//     rotate    of the word
//     complete  masks what a shift let in, rounds, adds
//   In between an instruction that is done passes its result on (plain).
// Latency: none of their own; vector_lanes places the registers.
// Flow control: none.

`default_nettype none

package lane_pkg;

  import fp32_pkg::*;
  import interface_pkg::*;

  // From one stage to the next.
  typedef struct packed {
    logic        plain;     // the word is the result
    logic        negative;  // of a conversion
    logic [5:0]  count;     // places that the word is shifted by: left of shift_left, rotate_left
                            // and to_float, else right; up to 32 of to_integer
    logic [31:0] word;
  } partial_t;

  // A subnormal counts as a zero of its sign.
  function automatic logic [31:0] without_subnormals(fp32_t a);
    return (a.exponent == 8'd0) ? {a.sign, 31'd0} : a;
  endfunction

  // Sign and magnitude as an unsigned number of the same order.
  function automatic logic [31:0] ordered(logic [31:0] a);
    return a ^ {1'b1, {31{a[31]}}};
  endfunction

  // Maximum, minimum, comparisons. One comparator serves them all.
  function automatic logic [31:0] compare(vector_opcode_e opcode, logic [31:0] a, logic [31:0] b);
    logic        integers, unordered, both_zero, below, same, holds;
    logic [31:0] x, y;
    integers  = (opcode == VopIntLess) || (opcode == VopIntEqual);
    x         = integers ? a : without_subnormals(a);
    y         = integers ? b : without_subnormals(b);
    unordered = !integers && (fp32_is_nan(a) || fp32_is_nan(b));
    both_zero = !integers && (x[30:0] == 31'd0) && (y[30:0] == 31'd0);
    below     = integers ? ({!x[31], x[30:0]} < {!y[31], y[30:0]}) : (ordered(x) < ordered(y));
    same      = (x == y);
    unique case (opcode)
      VopMaximum:   return unordered ? CanonicalNan : below ? y : x;
      VopMinimum:   return unordered ? CanonicalNan : below ? x : y;
      VopLess,
      VopIntLess:   holds = below && !both_zero;
      VopLessEqual: holds = below || same || both_zero;
      default:      holds = same || both_zero;
    endcase
    return {32{holds && !unordered}};
  endfunction

  // Zeros and what is beyond the range keep the sign.
  function automatic logic [31:0] scale(fp32_t a, logic [31:0] power);
    logic               beyond;  // +-512 takes any number out of the range
    logic signed [10:0] exponent;
    if (fp32_is_nan(a)) return CanonicalNan;
    beyond   = (power[31:9] != {23{power[31]}});
    exponent = $signed(11'(a.exponent)) + $signed({power[9], power[9:0]});
    if (a.exponent == 8'd255) return a;
    if ((a.exponent == 8'd0) || (beyond ? power[31] : (exponent <= 11'sd0))) begin
      return {a.sign, 31'd0};
    end
    if (beyond || (exponent >= 11'sd255)) return {a.sign, 8'd255, 23'd0};
    return {a.sign, exponent[7:0], a.fraction};
  endfunction

  function automatic partial_t prepare_to_integer(fp32_t a);
    partial_t result;
    result.negative = a.sign;
    result.plain    = 1'b0;
    result.word     = {1'b1, a.fraction, 8'd0};  // of weight 2^31
    result.count    = 6'(8'd158 - a.exponent);
    if ((a.exponent < 8'd126) || fp32_is_nan(a)) begin  // below a half
      result.plain = 1'b1;
      result.word  = 32'd0;
    end else if (a.exponent >= 8'd158) begin
      result.plain = 1'b1;
      result.word  = {a.sign, {31{!a.sign}}};
    end
    return result;
  endfunction

  // lane: which one it is.
  function automatic partial_t prepare(vector_opcode_e opcode, logic [31:0] a, logic [31:0] b,
                                       logic [31:0] c, logic [7:0] lane);
    partial_t result;
    result.plain    = 1'b1;
    result.negative = a[31];
    result.count    = {1'b0, b[4:0]};
    result.word     = a;
    unique case (opcode)
      VopMaximum, VopMinimum, VopLess, VopLessEqual, VopEqual, VopIntLess, VopIntEqual:
                             result.word = compare(opcode, a, b);
      VopSelect:             result.word = (a != 32'd0) ? b : c;
      VopBitAnd:             result.word = a & b;
      VopBitOr:              result.word = a | b;
      VopBitXor:             result.word = a ^ b;
      VopScaleByPowerOfTwo:  result.word = scale(a, b);
      VopToInteger:          result = prepare_to_integer(a);
      VopToFloat: begin
        result.plain = (a == 32'd0);
        result.word  = a[31] ? -a : a;
      end
      VopRowNumber: begin
        result.plain = 1'b0;
        result.word  = 32'd0;
      end
      VopColumnNumber: begin
        result.plain = 1'b0;
        result.word  = 32'(lane);
      end
      default:               result.plain = 1'b0;  // integer sums and shifts
    endcase
    return result;
  endfunction

  function automatic logic [31:0] rotate_left(logic [31:0] word, logic [4:0] count);
    return 32'(({word, word[31:1]} << count) >> 31);
  endfunction

  // Of a word that is not 0.
  function automatic logic [4:0] leading_zeros(logic [31:0] word);
    logic [4:0]  count;
    logic [31:0] rest;
    rest     = word;
    count[4] = (rest[31:16] == 16'd0);
    rest     = count[4] ? rest << 16 : rest;
    count[3] = (rest[31:24] == 8'd0);
    rest     = count[3] ? rest << 8 : rest;
    count[2] = (rest[31:28] == 4'd0);
    rest     = count[2] ? rest << 4 : rest;
    count[1] = (rest[31:30] == 2'd0);
    rest     = count[1] ? rest << 2 : rest;
    count[0] = !rest[31];
    return count;
  endfunction

  function automatic partial_t rotate(vector_opcode_e opcode, partial_t a);
    partial_t result;
    result = a;
    if (a.plain) return result;
    unique case (opcode)
      VopToFloat: begin
        result.count = {1'b0, leading_zeros(a.word)};
        result.word  = rotate_left(a.word, result.count[4:0]);
      end
      VopShiftLeft, VopRotateLeft: result.word = rotate_left(a.word, a.count[4:0]);
      VopShiftRight, VopShiftRightArithmetic, VopToInteger:
                                   result.word = rotate_left(a.word, -a.count[4:0]);
      default: ;
    endcase
    return result;
  endfunction

  // b: the second operand of an integer sum.
  function automatic logic [31:0] complete(vector_opcode_e opcode, partial_t a, logic [31:0] b);
    logic [31:0] kept;      // by a shift to the right
    logic [31:0] lost;
    logic        round_up, carry;
    logic [31:0] x, y, sum;
    if (a.plain) return a.word;
    kept     = (opcode == VopToInteger) && a.count[5] ? '0 : 32'hFFFF_FFFF >> a.count[4:0];
    lost     = a.word & ~kept;
    round_up = (opcode == VopToFloat) ? a.word[7] && ((a.word[6:0] != 7'd0) || a.word[8]) :
               lost[31] && ((lost[30:0] != 31'd0) || (a.word[0] && kept[0]));
    x        = a.word;
    y        = '0;
    carry    = 1'b0;
    unique case (opcode)
      VopIntAdd, VopRowNumber, VopColumnNumber: y = b;
      VopIntSubtract: begin
        y     = ~b;
        carry = 1'b1;
      end
      VopToFloat: begin  // the carry out of the fraction is right
        x     = {1'b0, 8'd158 - 8'(a.count), a.word[30:8]};
        carry = round_up;
      end
      VopToInteger: begin  // -(n + 1) is ~n
        x     = (a.word & kept) ^ {32{a.negative}};
        carry = round_up ^ a.negative;
      end
      VopShiftLeft:            x = a.word & (32'hFFFF_FFFF << a.count[4:0]);
      VopShiftRight:           x = a.word & kept;
      VopShiftRightArithmetic: x = (a.word & kept) | (a.negative ? ~kept : 32'd0);
      default: ;
    endcase
    sum = x + y + 32'(carry);
    if (opcode == VopToFloat) sum[31] = a.negative;
    return sum;
  endfunction

endpackage

`default_nettype wire
