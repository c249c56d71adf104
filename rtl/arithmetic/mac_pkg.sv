// The array's multiply-accumulate: sum + a * b with BF16 operands and an FP32 sum.
//
// Function: three pure functions, one a pipeline stage: mac_multiply -> mac_add -> mac_normalise.
//   Product and sum are rounded by themselves, as fp32_pkg defines; a product of two BF16 numbers
//   has at most 16 significant bits, so it is exact unless it leaves the normal range of FP32,
//   where it becomes an infinity or a zero before it is added.
// Latency: none of their own; whoever calls them places the registers.
// Flow control: none.

`default_nettype none

package mac_pkg;

  // An FP32 number but for its last eight fraction bits, which are zero.
  typedef struct packed {
    logic        sign;
    logic [7:0]  exponent;
    logic [14:0] fraction;
  } product_t;

  typedef fp32_pkg::fp32_sum_t sum_t;

  function automatic product_t mac_multiply(logic [15:0] a, logic [15:0] b);
    logic [15:0] significand;  // in [1, 4) at 2^14
    logic [9:0]  exponent;     // biased by 127, two's complement
    logic        sign;
    logic        zero;

    significand = 16'({1'b1, a[6:0]}) * 16'({1'b1, b[6:0]});
    exponent    = 10'(a[14:7]) + 10'(b[14:7]) - 10'd127 + 10'(significand[15]);
    sign        = a[15] ^ b[15];
    zero        = (a[14:7] == 8'd0) || (b[14:7] == 8'd0);

    if ((a[14:7] == 8'd255) || (b[14:7] == 8'd255)) begin
      if (zero || (a[14:0] > 15'h7F80) || (b[14:0] > 15'h7F80)) begin
        return fp32_pkg::CanonicalNan[31:8];
      end
      return {sign, 8'd255, 15'd0};
    end
    if (!zero && (exponent - 10'd1 < 10'd254)) begin  // exponent in 1..254
      return {sign, exponent[7:0], significand[15] ? significand[14:0] : {significand[13:0], 1'b0}};
    end
    return {sign, (zero || exponent[9] || (exponent == 10'd0)) ? 8'd0 : 8'd255, 15'd0};
  endfunction

  function automatic sum_t mac_add(logic [31:0] addend, product_t product);
    return fp32_pkg::fp32_add(addend, {product, 8'd0});
  endfunction

  function automatic logic [31:0] mac_normalise(sum_t sum);
    return fp32_pkg::fp32_normalise(sum);
  endfunction

endpackage

`default_nettype wire
