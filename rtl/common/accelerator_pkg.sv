// Types and constants that the units share.

`default_nettype none

// verilator lint_off UNUSEDPARAM
// A module under test alone uses only a part of it.
package accelerator_pkg;

  // An access to a local memory (tile_memory): `count` elements, either along a line from `column`
  // on, or (transposed) one element of each of the lines `line` .. `line + count - 1`, at `column`.
  typedef struct packed {
    logic        transposed;
    logic [7:0]  count;
    logic [7:0]  column;
    logic [31:0] line;
  } tile_request_t;

  // Cycles from a read request to its data.
  localparam int unsigned TileReadLatency = 3;

  typedef struct packed {
    logic                  valid;
    interface_pkg::fault_e cause;
    logic [47:0]           address;
  } unit_fault_t;

  // A command on its way to a unit.
  typedef struct packed {
    logic [31:0]                           index;
    logic [interface_pkg::CommandBits-1:0] bits;
  } queued_command_t;

  // What a counter counts in a cycle.
  typedef struct packed {
    logic                                  valid;
    logic [interface_pkg::CounterBits-1:0] counter;
    logic [7:0]                            elements;
  } counter_event_t;

  // Ports of a local memory in one direction, at most.
  localparam int unsigned LocalPorts = 4;

  // What happens in a cycle and is counted, beside the activities and completions of the units.
  typedef struct packed {
    logic [7:0]     decoded;    // elements of packed weights
    logic           slot;       // the cycle belongs to a kind of gemm
    logic [3:0]     slot_kind;
    logic           row;        // the array streams a row
    logic           fetch_burst;
    logic           fetch_beat;
    logic           load_burst;
    logic           load_beat;
    logic           store_burst;
    logic           store_beat;
    logic [7:0]     scratchpad_read;  // elements, of all ports together
    logic [7:0]     scratchpad_written;
    logic [7:0]     accumulator_read;
    logic [7:0]     accumulator_written;
    counter_event_t computed;
  } events_t;

  // A command that is complete, one cycle.
  typedef struct packed {
    logic        valid;
    logic [31:0] index;
    logic [15:0] signal_tokens;
  } completion_t;

  // AXI4, the part of each channel that does not depend on the data width. Bursts are INCR, size is
  // the bus width.
  localparam int unsigned AxiIdBits = 2;
  typedef struct packed {
    logic [AxiIdBits-1:0] id;
    logic [47:0]          address;
    logic [7:0]           len;  // beats - 1
  } axi_address_t;
  localparam logic       AxiLock  = 1'b0;
  localparam logic [3:0] AxiCache = 4'b0010;
  localparam logic [2:0] AxiProt  = 3'b010;
  localparam logic [3:0] AxiQos   = 4'd0;
  localparam logic [AxiIdBits-1:0] AxiIdFetch = 2'd0;
  localparam logic [AxiIdBits-1:0] AxiIdLoad  = 2'd1;
  localparam logic [AxiIdBits-1:0] AxiIdStore = 2'd2;

  // Elements of a line of the local memories: enough for a row of the array, a row of outputs, the
  // vector lanes and a BF16 beat of the bus, rounded up to a power of two so that rotating a line
  // is a shift.
  function automatic int unsigned memory_lanes(int unsigned rows, int unsigned columns,
                                               int unsigned vector_lanes,
                                               int unsigned axi_data_bits);
    int unsigned most;
    most = rows;
    if (columns > most) most = columns;
    if (vector_lanes > most) most = vector_lanes;
    if (axi_data_bits / 16 > most) most = axi_data_bits / 16;
    return 1 << $clog2(most);
  endfunction

  // Panels that hold so many columns of FP32 (wide) or BF16 numbers: 32 or 64 each.
  function automatic logic [23:0] panels_of(logic [23:0] columns, logic wide);
    return wide ? 24'((25'(columns) + 25'd31) >> 5) : 24'((25'(columns) + 25'd63) >> 6);
  endfunction

endpackage
// verilator lint_on UNUSEDPARAM

`default_nettype wire
