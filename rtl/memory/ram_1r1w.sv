// A random access memory with one read and one write port: the cell that synthesis maps to a RAM.
//
// Latency:      a read enabled in cycle t has its data at the output from t + 1 until the next
//               enabled read.
// Flow control: none, both ports work every cycle. A read in the cycle of a write to the same word
//               gives the old word. The contents are undefined until they are written.

`default_nettype none

module ram_1r1w #(
  parameter  int unsigned Width       = 16,
  parameter  int unsigned Words       = 512,
  localparam int unsigned AddressBits = $clog2(Words)
) (
  input  wire logic                   clk_i,

  input  wire logic                   read_enable_i,
  input  wire logic [AddressBits-1:0] read_address_i,
  output logic      [Width-1:0]       read_data_o,

  input  wire logic                   write_enable_i,
  input  wire logic [AddressBits-1:0] write_address_i,
  input  wire logic [Width-1:0]       write_data_i
);

  logic [Width-1:0] words_q[Words];

  always_ff @(posedge clk_i) begin
    if (read_enable_i) read_data_o <= words_q[read_address_i];
    if (write_enable_i) words_q[write_address_i] <= write_data_i;
  end

endmodule

`default_nettype wire
