// What the modules of the decoder of packed weights share: how the weights are stored, and numbers
// that FP32 arithmetic is given or rounded to.
//
// Function: types, and pure functions. An element is  level * scale + minimum  (FP32), of which the
//   product is rounded to the format's arithmetic first.
// Latency: none of their own; whoever calls them places the registers.
// Flow control: none.

`default_nettype none

package decoder_pkg;

  import fp32_pkg::*;
  import interface_pkg::*;

  // Fields of a load_quantized, and what they mean there.
  typedef struct packed {
    logic [1:0]  element;
    logic [1:0]  scale;
    logic [1:0]  arithmetic;
    logic        zeros;
    logic        minimums;
    logic        two_scales;
    logic [3:0]  block_bits;
    logic [7:0]  zero;        // a number with a sign
    logic [31:0] offset;      // FP32
  } decode_format_t;

  // What the codes of a block become elements with.
  typedef struct packed {
    logic [31:0] scale;    // FP32, no subnormal number, of the NaNs only 7FC00000
    logic [15:0] minimum;  // FP16; -0, which changes no number, if the format has none
    logic [7:0]  zero;     // a number with a sign
  } decoded_entry_t;

  typedef struct packed {
    decoded_entry_t second;  // undefined unless two_scales
    decoded_entry_t first;
  } decoded_pair_t;

  // ------------------------------------------------------------------ formats
  // A function of a format looks at some of its fields.
  // verilator lint_off UNUSEDSIGNAL

  // Whether the decoder can make elements of it; others are a fault of the command.
  function automatic logic is_decodable(decode_format_t format);
    logic wide, nested;
    wide   = (format.scale == 2'(NumberFp32));
    nested = (format.scale == 2'(NumberNested));
    return (format.arithmetic != 2'(NumberNested)) && (format.block_bits >= 4'd5) &&
        !(format.zeros && (format.minimums || nested)) &&
        !(format.minimums && (wide || nested)) && !(nested && (format.block_bits != 4'd6));
  endfunction

  // An entry has 2^this bytes, 1 to 8: a scale and what stands beside it.
  function automatic logic [1:0] entry_bytes_log2(decode_format_t format);
    unique case (format.scale)
      2'(NumberNested): return 2'd0;
      2'(NumberFp32):   return 2'd2 + 2'(format.zeros);
      default:          return 2'd1 + 2'(format.zeros || format.minimums);
    endcase
  endfunction

  // A record, what a row of a panel needs, has 2^this bytes, 1 to 16.
  function automatic logic [2:0] record_bytes_log2(decode_format_t format);
    return 3'(entry_bytes_log2(format)) + 3'(format.two_scales);
  endfunction

  function automatic decode_format_t format_of(load_quantized_command_t command);
    return '{
        element: command.element, scale: command.scale, arithmetic: command.arithmetic,
        zeros: command.zeros, minimums: command.minimums, two_scales: command.two_scales,
        block_bits: command.block_bits, zero: command.zero, offset: command.offset
    };
  endfunction

  // Units of 64 bytes of a panel: those with scales of the groups of rows, those with codes.
  function automatic logic [24:0] panel_units(logic [23:0] rows, decode_format_t format);
    logic [2:0] group_bits;
    logic [6:0] group;
    group_bits = 3'd6 - record_bytes_log2(format);
    group      = 7'd1 << group_bits;
    return ((25'(rows) + 25'(group) - 25'd1) >> group_bits) +
        ((format.element == 2'(ElementSigned8)) ? 25'(rows) : (25'(rows) + 25'd1) >> 1);
  endfunction

  // ------------------------------------------------------------------ numbers
  // Exact; what is subnormal in FP16 is not in FP32.
  function automatic logic [31:0] fp32_from_fp16(logic [15:0] a);
    logic [9:0] fraction;  // of a subnormal number: left-aligned
    logic [3:0] shift;
    if (a[14:10] == 5'd31) return {a[15], 8'd255, a[9:0], 13'd0};
    if (a[14:10] != 5'd0) return {a[15], 8'(a[14:10]) + 8'd112, a[9:0], 13'd0};
    fraction = a[9:0];
    shift[3] = (fraction[9:2] == 8'd0);
    fraction = shift[3] ? fraction << 8 : fraction;
    shift[2] = (fraction[9:6] == 4'd0);
    fraction = shift[2] ? fraction << 4 : fraction;
    shift[1] = (fraction[9:8] == 2'd0);
    fraction = shift[1] ? fraction << 2 : fraction;
    shift[0] = !fraction[9];
    fraction = shift[0] ? fraction << 1 : fraction;
    if (!fraction[9]) return {a[15], 31'd0};
    return {a[15], 8'd112 - 8'(shift), fraction[8:0], 14'd0};
  endfunction

  // The result of an FP32 operation, rounded to nearest even to a number of fewer bits, as FP32.
  // Subnormal numbers of FP16 are kept, of BF16 there are none.
  function automatic logic [31:0] round_to(logic [1:0] number, fp32_t a);
    logic        half;     // FP16
    logic [3:0]  missing;  // places that a subnormal number of FP16 has less, 0 to 10
    logic [22:0] dropped;  // these bits
    logic        odd;      // the last place that is kept
    logic [30:0] rounded;  // a carry out of the fraction is right
    half = (number == 2'(NumberFp16));
    if (number == 2'(NumberFp32)) return a;
    if (fp32_is_nan(a)) return CanonicalNan;
    if (half && (a.exponent < 8'd103)) begin  // below 2^-24: to that from more than half of it
      return {a.sign, ((a.exponent == 8'd102) && (a.fraction != 23'd0)) ? 31'h3380_0000 : 31'd0};
    end
    missing = (a.exponent < 8'd113) ? 4'(8'd113 - a.exponent) : 4'd0;
    dropped = half ? 23'h7F_FFFF >> (4'd10 - missing) : 23'h00_FFFF;
    odd     = ({a.exponent[0], a.fraction} & {dropped, 1'b1} & ~{1'b0, dropped}) != 24'd0;
    rounded = (a[30:0] + 31'(dropped[22:1]) + 31'(odd)) & ~31'(dropped);
    if (half && (rounded[30:23] > 8'd142)) return {a.sign, 8'd255, 23'd0};
    return {a.sign, rounded};
  endfunction
  // verilator lint_on UNUSEDSIGNAL

  // ------------------------------------------------------------------ levels
  function automatic logic [31:0] nf4_level(logic [3:0] code);
    unique case (code)
      4'd0:  return 32'hBF80_0000;
      4'd1:  return 32'hBF32_39B1;
      4'd2:  return 32'hBF06_6B30;
      4'd3:  return 32'hBECA_32A0;
      4'd4:  return 32'hBE91_A24D;
      4'd5:  return 32'hBE3D_353F;
      4'd6:  return 32'hBDBA_7871;
      4'd7:  return 32'h0000_0000;
      4'd8:  return 32'h3DA2_FAFF;
      4'd9:  return 32'h3E24_CAE3;
      4'd10: return 32'h3E7C_04DD;
      4'd11: return 32'h3EAD_033A;
      4'd12: return 32'h3EE1_A4B8;
      4'd13: return 32'h3F10_07AB;
      4'd14: return 32'h3F39_13B3;
      default: return 32'h3F80_0000;
    endcase
  endfunction

  // Code 8 is +0.
  function automatic logic [31:0] fp4_level(logic [3:0] code);
    logic [30:0] magnitude;
    unique case (code[2:0])
      3'd0:    magnitude = 31'h0000_0000;
      3'd1:    magnitude = 31'h3BAA_AAAB;
      3'd2:    magnitude = 31'h3F2A_AAAB;
      3'd3:    magnitude = 31'h3F80_0000;
      3'd4:    magnitude = 31'h3EAA_AAAB;
      3'd5:    magnitude = 31'h3F00_0000;
      3'd6:    magnitude = 31'h3E2A_AAAB;
      default: magnitude = 31'h3E80_0000;
    endcase
    return {code[3] && (code[2:0] != 3'd0), magnitude};
  endfunction

  // Of a difference of two numbers of 8 bits, exact: -255 to 255.
  function automatic logic [31:0] integer_level(logic [8:0] difference);
    logic [7:0] magnitude;  // left-aligned
    logic [2:0] shift;
    magnitude = difference[8] ? -difference[7:0] : difference[7:0];
    shift[2]  = (magnitude[7:4] == 4'd0);
    magnitude = shift[2] ? magnitude << 4 : magnitude;
    shift[1]  = (magnitude[7:6] == 2'd0);
    magnitude = shift[1] ? magnitude << 2 : magnitude;
    shift[0]  = !magnitude[7];
    magnitude = shift[0] ? magnitude << 1 : magnitude;
    if (!magnitude[7]) return 32'd0;
    return {difference[8], 8'd134 - 8'(shift), magnitude[6:0], 16'd0};
  endfunction

  // code: one of 4 bits has zeros above.
  function automatic logic [31:0] level_of(logic [1:0] element, logic [7:0] code,
                                           logic [7:0] zero);
    unique case (element)
      2'(ElementNf4): return nf4_level(code[3:0]);
      2'(ElementFp4): return fp4_level(code[3:0]);
      default: begin
        return integer_level({(element == 2'(ElementSigned8)) && code[7], code} - {zero[7], zero});
      end
    endcase
  endfunction

endpackage

`default_nettype wire
