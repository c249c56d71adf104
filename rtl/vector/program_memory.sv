// The vector unit's program: instructions of 64 bits.
//
// Function: a write stores the AxiDataBits / 64 instructions of a bus beat at write_word_i and up,
//   whatever its alignment: instruction n lies in bank n % Words, so that a beat touches every bank
//   once. What would lie beyond the end is dropped; a program that needs it faults when it runs.
// Latency: a read enabled in cycle t has its instruction at read_data_o from t + 1 until the next
//   enabled read. A write is seen by a read of a later cycle.
// Flow control: none. An instruction must not be read in the cycle in which it is written: a
//   program has the tokens for that.

`default_nettype none

module program_memory #(
  parameter int unsigned AxiDataBits  = 128,  // 64 to 512, a power of two
  parameter int unsigned Instructions = interface_pkg::ProgramInstructions  // a power of two
) (
  input  wire logic                            clk_i,
  input  wire logic                            write_valid_i,
  input  wire logic [15:0]                     write_word_i,
  input  wire logic [AxiDataBits-1:0]          write_data_i,
  input  wire logic                            read_enable_i,
  input  wire logic [$clog2(Instructions)-1:0] read_index_i,
  output logic [63:0]                          read_data_o
);

  localparam int unsigned Words    = AxiDataBits / 64;
  localparam int unsigned Depth    = Instructions / Words;
  localparam int unsigned RowShift = $clog2(Words);
  localparam int unsigned RowBits  = $clog2(Depth);

  logic [Words-1:0][63:0] bank_data;

  for (genvar b = 0; b < Words; b++) begin : gen_bank
    logic               selected;
    logic [15:0]        place;  // of this bank's instruction in the beat
    logic [16:0]        index;  // of that instruction
    logic [RowBits-1:0] write_row, read_row;

    assign selected  = (Words == 1) || (32'(read_index_i) % Words == b);
    assign place     = (16'(b) - write_word_i) & 16'(Words - 1);
    assign index     = 17'(write_word_i) + 17'(place);
    assign write_row = RowBits'(index >> RowShift);
    assign read_row  = RowBits'(read_index_i >> RowShift);

    ram_1r1w #(.Width(64), .Words(Depth)) u_ram (
      .clk_i,
      .read_enable_i  (read_enable_i && selected),
      .read_address_i (read_row),
      .read_data_o    (bank_data[b]),
      .write_enable_i (write_valid_i && (index < 17'(Instructions))),
      .write_address_i(write_row),
      .write_data_i   (write_data_i[64*place+:64])
    );
  end

  if (Words == 1) begin : gen_one_bank
    assign read_data_o = bank_data[0];
  end else begin : gen_banks
    logic [RowShift-1:0] bank_q;
    always_ff @(posedge clk_i) begin : p_select
      if (read_enable_i) bank_q <= read_index_i[RowShift-1:0];
    end
    assign read_data_o = bank_data[bank_q];
  end

endmodule

`default_nettype wire
