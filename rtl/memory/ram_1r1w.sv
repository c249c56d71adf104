// A random access memory with one read and one write port: the cell that synthesis maps to a RAM.
//
// Latency:      a read enabled in cycle t has its data at the output from t + 1 until the next
//               enabled read.
// Flow control: none, both ports work every cycle, but never on the same word in the same cycle:
//               what would be read then differs from one kind of RAM to the next, so whoever has
//               a RAM keeps out of it (NoCollision). The contents are undefined until they are
//               written.

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

  (* no_rw_check *)
  logic [Width-1:0] words_q[Words];

  always_ff @(posedge clk_i) begin
    if (read_enable_i) read_data_o <= words_q[read_address_i];
    if (write_enable_i) words_q[write_address_i] <= write_data_i;
  end

`ifndef SYNTHESIS
  always_ff @(posedge clk_i) begin
    NoCollision: assert (!(read_enable_i && write_enable_i && (read_address_i == write_address_i)))
    else $error("ram_1r1w: a word is read in the cycle in which it is written");
  end
`endif

endmodule

`default_nettype wire
