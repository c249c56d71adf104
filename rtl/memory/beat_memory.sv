// A memory that is written by the beats of a load and read word by word: the vector unit's program,
// the indices of gathers and scatters.
//
// Function: a write stores the AxiDataBits / WordBits words of a bus beat at write_word_i and up,
//   whatever its alignment: word n lies in bank n % BeatWords, so that a beat touches every bank
//   once. What would lie beyond the end is dropped; whoever needs it faults when it looks for it.
// Latency: a read enabled in cycle t has its word at read_data_o from t + 1 until the next enabled
//   read. A write is seen by a read of a later cycle.
// Flow control: none. A word must not be read in the cycle in which it is written: the command that
//   reads has a token for that.

`default_nettype none

module beat_memory #(
  parameter int unsigned AxiDataBits = 128,  // WordBits to 512, a power of two
  parameter int unsigned WordBits    = 64,
  parameter int unsigned Words       = 256   // a power of two
) (
  input  wire logic                     clk_i,
  input  wire logic                     write_valid_i,
  input  wire logic [15:0]              write_word_i,
  input  wire logic [AxiDataBits-1:0]   write_data_i,
  input  wire logic                     read_enable_i,
  input  wire logic [$clog2(Words)-1:0] read_index_i,
  output logic      [WordBits-1:0]      read_data_o
);

  localparam int unsigned BeatWords = AxiDataBits / WordBits;
  localparam int unsigned Depth     = Words / BeatWords;
  localparam int unsigned RowShift  = $clog2(BeatWords);
  localparam int unsigned RowBits   = $clog2(Depth);

  logic [BeatWords-1:0][WordBits-1:0] bank_data;

  for (genvar b = 0; b < BeatWords; b++) begin : gen_bank
    logic               selected;
    logic [15:0]        place;  // of this bank's word in the beat
    logic [16:0]        index;  // of that word
    logic [RowBits-1:0] write_row, read_row;

    assign selected  = (BeatWords == 1) || (32'(read_index_i) % BeatWords == b);
    assign place     = (16'(b) - write_word_i) & 16'(BeatWords - 1);
    assign index     = 17'(write_word_i) + 17'(place);
    assign write_row = RowBits'(index >> RowShift);
    assign read_row  = RowBits'(read_index_i >> RowShift);

    ram_1r1w #(.Width(WordBits), .Words(Depth)) u_ram (
      .clk_i,
      .read_enable_i  (read_enable_i && selected),
      .read_address_i (read_row),
      .read_data_o    (bank_data[b]),
      .write_enable_i (write_valid_i && (index < 17'(Words))),
      .write_address_i(write_row),
      .write_data_i   (write_data_i[WordBits*place+:WordBits])
    );
  end

  if (BeatWords == 1) begin : gen_one_bank
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
