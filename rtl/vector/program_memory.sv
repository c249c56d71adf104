// The vector unit's program: instructions of 64 bits.
//
// Function: a write stores the AxiDataBits / 64 instructions of a bus beat at write_word_i and up,
//   whatever its alignment: instruction n lies in bank n % Words, so that a beat touches every bank
//   once. What would lie beyond the end is dropped; a program that needs it faults when it runs.
// Latency: read_data_o is the instruction at the read_index_i of the cycle before. A write is seen
//   by a read of a later cycle.
// Flow control: none.

`default_nettype none

module program_memory #(
  parameter int unsigned AxiDataBits  = 128,  // 64 to 512, a power of two
  parameter int unsigned Instructions = interface_pkg::ProgramInstructions  // a power of two
) (
  input  wire logic                            clk_i,
  input  wire logic                            write_valid_i,
  input  wire logic [15:0]                     write_word_i,
  input  wire logic [AxiDataBits-1:0]          write_data_i,
  input  wire logic [$clog2(Instructions)-1:0] read_index_i,
  output logic [63:0]                          read_data_o
);

  localparam int unsigned Words    = AxiDataBits / 64;
  localparam int unsigned Depth    = Instructions / Words;
  localparam int unsigned RowShift = $clog2(Words);
  localparam int unsigned RowBits  = $clog2(Depth);

  logic [63:0] bank_data_q[Words];

  for (genvar b = 0; b < Words; b++) begin : gen_bank
    logic [63:0]        words_q[Depth];
    logic [15:0]        place;  // of this bank's instruction in the beat
    logic [16:0]        index;  // of that instruction
    logic [RowBits-1:0] write_row, read_row;

    assign place     = (16'(b) - write_word_i) & 16'(Words - 1);
    assign index     = 17'(write_word_i) + 17'(place);
    assign write_row = RowBits'(index >> RowShift);
    assign read_row  = RowBits'(read_index_i >> RowShift);

    always_ff @(posedge clk_i) begin : p_bank
      if (write_valid_i && (index < 17'(Instructions))) begin
        words_q[write_row] <= write_data_i[64*place+:64];
      end
      bank_data_q[b] <= words_q[read_row];
    end
  end

  if (Words == 1) begin : gen_one_bank
    assign read_data_o = bank_data_q[0];
  end else begin : gen_banks
    logic [RowShift-1:0] bank_q;
    always_ff @(posedge clk_i) begin : p_select
      bank_q <= read_index_i[RowShift-1:0];
    end
    assign read_data_o = bank_data_q[bank_q];
  end

endmodule

`default_nettype wire
