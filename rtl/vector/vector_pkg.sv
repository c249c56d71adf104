// What the parts of the vector unit say to each other.

`default_nettype none

package vector_pkg;

  import interface_pkg::*;

  // A matrix in a local memory, as a command names it.
  typedef struct packed {
    logic        accumulator;
    logic        transposed;
    logic        broadcast_row;
    logic        broadcast_column;
    logic [7:0]  column;  // where its first column, or row of a transposed one, lies in the line
    logic [23:0] stride;
    logic [23:0] line;
  } stream_t;

  // verilator lint_off UNUSEDSIGNAL
  // A word has bits without a meaning.
  function automatic stream_t stream_of(stream_word_t word, logic [23:0] stride,
                                        logic [7:0] column);
    stream_of.line             = word.line;
    stream_of.stride           = stride;
    stream_of.column           = column;
    stream_of.accumulator      = word.accumulator;
    stream_of.transposed       = word.transposed;
    stream_of.broadcast_row    = word.broadcast_row;
    stream_of.broadcast_column = word.broadcast_column;
  endfunction
  // verilator lint_on UNUSEDSIGNAL

endpackage

`default_nettype wire
