// What the parts of the vector unit say to each other.

`default_nettype none

package vector_pkg;

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

endpackage

`default_nettype wire
