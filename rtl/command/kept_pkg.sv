// What a queue keeps of a command: the fields that its unit looks at, no wider than the command
// processor lets them be. Sizes and lines have 24 bits, memory addresses and strides are multiples
// of a unit of packed weights, and a unit waits only for tokens that are given to it and gives only
// its own.

`default_nettype none

// verilator lint_off UNUSEDPARAM
// verilator lint_off UNUSEDSIGNAL
// Each function drops what need not be kept.
package kept_pkg;

  import interface_pkg::*;

  localparam int unsigned UnitShift = $clog2(PackedUnitBytes);

  typedef logic [23:0] size_t;

  typedef struct packed {
    logic [Queues-1:0] wait_tokens;    // of each giver
    logic [Queues-1:0] signal_tokens;  // to each taker
  } kept_tokens_t;

  typedef enum logic [1:0] {
    DmaPlain,    // a load or a store
    DmaIndexed,  // a gather or a scatter
    DmaPacked,   // a load_quantized
    DmaScales    // a load_scales
  } dma_kind_e;

  // What only some of them have lies in words 9 to 12, and is kept as it is.
  typedef struct packed {
    kept_tokens_t         tokens;
    dma_kind_e            kind;
    logic                 stream_take;
    logic                 stream_release;
    logic [1:0]           target;
    logic [47:UnitShift]  address;
    size_t                rows;
    size_t                columns;
    logic [31:UnitShift]  panel_stride;
    size_t                line;
    size_t                line_stride;
    logic [2:0][31:0]     words;   // 9 to 11
    logic [23:0]          format;  // of word 12
  } kept_dma_t;

  typedef struct packed {
    kept_tokens_t tokens;
    logic [3:0]   kind;
    logic         accumulate;
    logic         stream_transposed;
    logic         stationary_transposed;
    size_t        rows;
    size_t        columns;
    size_t        depth;
    size_t        stream_line;
    size_t        stream_stride;
    size_t        stationary_line;
    size_t        stationary_stride;
    size_t        accumulator_line;
    size_t        accumulator_stride;
  } kept_gemm_t;

  typedef struct packed {
    logic       broadcast_column;
    logic       broadcast_row;
    logic       transposed;
    logic       accumulator;
    size_t      line;
    size_t      stride;
    logic [4:0] column;  // a line has 32 elements at most
  } kept_stream_t;

  typedef struct packed {
    kept_tokens_t       tokens;
    logic [1:0]         walk;
    logic [15:0]        first_instruction;
    logic [15:0]        length;
    size_t              rows;
    size_t              columns;
    kept_stream_t [3:0] streams;
    logic [31:0]        first_row;
    logic [31:0]        first_column;
  } kept_vector_t;

  // Of whichever command has most.
  localparam int unsigned MostKeptBits = $bits(kept_vector_t);

  // A command in the RAM of the queues.
  typedef struct packed {
    logic [31:0]             index;
    logic [MostKeptBits-1:0] kept;
  } queued_t;

  // Token 4 * giver + taker.
  function automatic kept_tokens_t kept_tokens(nop_command_t header, int unsigned unit);
    for (int unsigned giver = 0; giver < Queues; giver++) begin
      kept_tokens.wait_tokens[giver] = header.wait_tokens[Queues*giver+unit];
    end
    kept_tokens.signal_tokens = header.signal_tokens[Queues*unit+:Queues];
  endfunction

  function automatic logic [15:0] tokens_taken(kept_tokens_t tokens, int unsigned unit);
    tokens_taken = '0;
    for (int unsigned giver = 0; giver < Queues; giver++) begin
      tokens_taken[Queues*giver+unit] = tokens.wait_tokens[giver];
    end
  endfunction

  function automatic logic [15:0] tokens_given(kept_tokens_t tokens, int unsigned unit);
    tokens_given                      = '0;
    tokens_given[Queues*unit+:Queues] = tokens.signal_tokens;
  endfunction

  function automatic dma_kind_e dma_kind(logic [7:0] opcode);
    unique case (opcode)
      OpGather, OpScatter: return DmaIndexed;
      OpLoadQuantized:     return DmaPacked;
      OpLoadScales:        return DmaScales;
      default:             return DmaPlain;
    endcase
  endfunction

  // Where a load says what it does to the ring of streamed weights others have nothing to say.
  function automatic kept_dma_t kept_dma(logic [CommandBits-1:0] bits, int unsigned unit);
    load_command_t dma;
    logic          streams;
    dma                     = bits;
    kept_dma.tokens         = kept_tokens(bits, unit);
    kept_dma.kind           = dma_kind(dma.opcode);
    streams                 = (dma.opcode == OpLoad) || (kept_dma.kind == DmaPacked);
    kept_dma.stream_take    = dma.stream_take && streams;
    kept_dma.stream_release = dma.stream_release && streams;
    kept_dma.target         = dma.target;
    kept_dma.address        = {dma.address_hi, dma.address_lo[31:UnitShift]};
    kept_dma.rows           = size_t'(dma.rows);
    kept_dma.columns        = size_t'(dma.columns);
    kept_dma.panel_stride   = dma.panel_stride[31:UnitShift];
    kept_dma.line           = size_t'(dma.line);
    kept_dma.line_stride    = size_t'(dma.line_stride);
    kept_dma.words          = bits[32*9+:96];
    kept_dma.format         = bits[32*12+:24];
  endfunction

  function automatic opcode_e dma_opcode(int unsigned unit, dma_kind_e kind);
    unique case (kind)
      DmaIndexed: return (unit == QueueLoad) ? OpGather : OpScatter;
      DmaPacked:  return OpLoadQuantized;
      DmaScales:  return OpLoadScales;
      default:    return (unit == QueueLoad) ? OpLoad : OpStore;
    endcase
  endfunction

  function automatic logic [CommandBits-1:0] dma_of(kept_dma_t kept, int unsigned unit);
    load_command_t dma;
    dma                 = '0;
    dma.opcode          = dma_opcode(unit, kept.kind);
    dma.version         = InterfaceVersion;
    dma.wait_tokens     = tokens_taken(kept.tokens, unit);
    dma.signal_tokens   = tokens_given(kept.tokens, unit);
    dma.stream_take     = kept.stream_take;
    dma.stream_release  = kept.stream_release;
    dma.target          = kept.target;
    {dma.address_hi, dma.address_lo} = {kept.address, UnitShift'(0)};
    dma.rows            = 32'(kept.rows);
    dma.columns         = 32'(kept.columns);
    dma.panel_stride    = {kept.panel_stride, UnitShift'(0)};
    dma.line            = 32'(kept.line);
    dma.line_stride     = 32'(kept.line_stride);
    dma_of              = dma;
    dma_of[32*9+:96]    = kept.words;
    dma_of[32*12+:24]   = kept.format;
  endfunction

  function automatic kept_gemm_t kept_gemm(gemm_command_t gemm, int unsigned unit);
    kept_gemm.tokens                = kept_tokens(gemm, unit);
    kept_gemm.kind                  = gemm.kind;
    kept_gemm.accumulate            = gemm.accumulate;
    kept_gemm.stream_transposed     = gemm.stream_transposed;
    kept_gemm.stationary_transposed = gemm.stationary_transposed;
    kept_gemm.rows                  = size_t'(gemm.rows);
    kept_gemm.columns               = size_t'(gemm.columns);
    kept_gemm.depth                 = size_t'(gemm.depth);
    kept_gemm.stream_line           = size_t'(gemm.stream_line);
    kept_gemm.stream_stride         = size_t'(gemm.stream_stride);
    kept_gemm.stationary_line       = size_t'(gemm.stationary_line);
    kept_gemm.stationary_stride     = size_t'(gemm.stationary_stride);
    kept_gemm.accumulator_line      = size_t'(gemm.accumulator_line);
    kept_gemm.accumulator_stride    = size_t'(gemm.accumulator_stride);
  endfunction

  function automatic gemm_command_t gemm_of(kept_gemm_t kept, int unsigned unit);
    gemm_of                       = '0;
    gemm_of.opcode                = OpGemm;
    gemm_of.version               = InterfaceVersion;
    gemm_of.wait_tokens           = tokens_taken(kept.tokens, unit);
    gemm_of.signal_tokens         = tokens_given(kept.tokens, unit);
    gemm_of.kind                  = kept.kind;
    gemm_of.accumulate            = kept.accumulate;
    gemm_of.stream_transposed     = kept.stream_transposed;
    gemm_of.stationary_transposed = kept.stationary_transposed;
    gemm_of.rows                  = 32'(kept.rows);
    gemm_of.columns               = 32'(kept.columns);
    gemm_of.depth                 = 32'(kept.depth);
    gemm_of.stream_line           = 32'(kept.stream_line);
    gemm_of.stream_stride         = 32'(kept.stream_stride);
    gemm_of.stationary_line       = 32'(kept.stationary_line);
    gemm_of.stationary_stride     = 32'(kept.stationary_stride);
    gemm_of.accumulator_line      = 32'(kept.accumulator_line);
    gemm_of.accumulator_stride    = 32'(kept.accumulator_stride);
  endfunction

  function automatic kept_stream_t kept_stream(stream_word_t stream, logic [23:0] stride,
                                               logic [7:0] column);
    kept_stream.line             = stream.line;
    kept_stream.accumulator      = stream.accumulator;
    kept_stream.transposed       = stream.transposed;
    kept_stream.broadcast_row    = stream.broadcast_row;
    kept_stream.broadcast_column = stream.broadcast_column;
    kept_stream.stride           = stride;
    kept_stream.column           = column[4:0];
  endfunction

  function automatic stream_word_t stream_of(kept_stream_t kept);
    stream_of                  = '0;
    stream_of.line             = kept.line;
    stream_of.accumulator      = kept.accumulator;
    stream_of.transposed       = kept.transposed;
    stream_of.broadcast_row    = kept.broadcast_row;
    stream_of.broadcast_column = kept.broadcast_column;
  endfunction

  function automatic kept_vector_t kept_vector(vector_command_t command, int unsigned unit);
    kept_vector.tokens            = kept_tokens(command, unit);
    kept_vector.walk              = command.walk;
    kept_vector.first_instruction = command.first_instruction;
    kept_vector.length            = command.length;
    kept_vector.rows              = size_t'(command.rows);
    kept_vector.columns           = size_t'(command.columns);
    kept_vector.streams[0]        =
        kept_stream(command.stream0, command.stride0, command.column0);
    kept_vector.streams[1]        =
        kept_stream(command.stream1, command.stride1, command.column1);
    kept_vector.streams[2]        =
        kept_stream(command.stream2, command.stride2, command.column2);
    kept_vector.streams[3]        =
        kept_stream(command.stream3, command.stride3, command.column3);
    kept_vector.first_row         = command.first_row;
    kept_vector.first_column      = command.first_column;
  endfunction

  function automatic vector_command_t vector_of(kept_vector_t kept, int unsigned unit);
    vector_of                   = '0;
    vector_of.opcode            = OpVector;
    vector_of.version           = InterfaceVersion;
    vector_of.wait_tokens       = tokens_taken(kept.tokens, unit);
    vector_of.signal_tokens     = tokens_given(kept.tokens, unit);
    vector_of.walk              = kept.walk;
    vector_of.first_instruction = kept.first_instruction;
    vector_of.length            = kept.length;
    vector_of.rows              = 32'(kept.rows);
    vector_of.columns           = 32'(kept.columns);
    vector_of.stream0           = stream_of(kept.streams[0]);
    vector_of.stride0           = kept.streams[0].stride;
    vector_of.column0           = 8'(kept.streams[0].column);
    vector_of.stream1           = stream_of(kept.streams[1]);
    vector_of.stride1           = kept.streams[1].stride;
    vector_of.column1           = 8'(kept.streams[1].column);
    vector_of.stream2           = stream_of(kept.streams[2]);
    vector_of.stride2           = kept.streams[2].stride;
    vector_of.column2           = 8'(kept.streams[2].column);
    vector_of.stream3           = stream_of(kept.streams[3]);
    vector_of.stride3           = kept.streams[3].stride;
    vector_of.column3           = 8'(kept.streams[3].column);
    vector_of.first_row         = kept.first_row;
    vector_of.first_column      = kept.first_column;
  endfunction

endpackage
// verilator lint_on UNUSEDSIGNAL
// verilator lint_on UNUSEDPARAM

`default_nettype wire
