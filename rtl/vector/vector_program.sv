// The program of a vector command: its memory, and which instruction comes next.
//
// Function: a program consists of sections. A section ends with an instruction that has
//   section_end, or with the program. Where its last instruction has not `once`, it is executed for
//   each strip of a group of the region, else once; then the next section follows, and after the
//   last one the first one of the next group.
//   From the cycle after advance_i on instruction_o is the instruction at hand, and of its slot:
//     last_of_section_o   after it a strip, or what is done once, is over
//     odd_strip_o         the strip is the second, fourth, ... of its group in this section
//   and two cycles after advance_i, for one cycle, what becomes of the strip that follows:
//     next_strip_o        the section goes on with the group's next strip
//     first_strip_o       with the next section the group begins anew
//     next_group_o        so does the next group (together with first_strip_o)
//   and from then on ends_o: nothing follows.
//   last_strip_i and last_group_i, of the strip at hand, are looked at in the cycle after
//   advance_i.
// Latency: start_i takes first_i and length_i; the first instruction is fetched in the cycle after
//   it and is at fetched_o in the one after that. After advance_i the next one is fetched in the
//   third cycle and is at fetched_o in the fourth, so 4 cycles is how near advances may follow each
//   other.
// Flow control: advance_i makes the fetched instruction the one at hand.

`default_nettype none

module vector_program #(
  parameter int unsigned AxiDataBits = 128
) (
  input  wire logic                                clk_i,
  input  wire logic                                rst_ni,

  input  wire logic                                program_write_valid_i,
  input  wire logic [15:0]                         program_write_word_i,
  input  wire logic [AxiDataBits-1:0]              program_write_data_i,

  input  wire logic                                start_i,
  input  wire logic [15:0]                         first_i,
  input  wire logic [15:0]                         length_i,

  output interface_pkg::vector_instruction_t       fetched_o,
  output logic [16:0]                              fetched_index_o,
  output logic                                     fetched_illegal_o,  // or beyond the memory
  input  wire logic                                advance_i,

  input  wire logic                                last_strip_i,
  input  wire logic                                last_group_i,
  output interface_pkg::vector_instruction_t       instruction_o,
  output logic                                     last_of_section_o,
  output logic                                     odd_strip_o,
  output logic                                     next_strip_o,
  output logic                                     first_strip_o,
  output logic                                     next_group_o,
  output logic                                     ends_o
);

  import interface_pkg::*;

  // The fetched instruction; from the third cycle after an advance on the one that follows.
  logic [16:0]         index_q, following;
  logic [16:0]         first_q, last_q;  // of the program
  logic [16:0]         section_q;        // first instruction of the section at hand
  logic [63:0]         fetched_bits;
  vector_instruction_t instruction_q;
  logic                last_instruction_q;

  logic advanced_q, decided_q, fetch_q;  // steps after an advance
  logic again, group_over;
  logic again_q, group_over_q, ends_q, odd_q;

  beat_memory #(
    .AxiDataBits(AxiDataBits),
    .WordBits   (64),
    .Words      (ProgramInstructions)
  ) u_program_memory (
    .clk_i,
    .write_valid_i(program_write_valid_i),
    .write_word_i (program_write_word_i),
    .write_data_i (program_write_data_i),
    .read_enable_i(fetch_q),
    .read_index_i (index_q[$clog2(ProgramInstructions)-1:0]),
    .read_data_o  (fetched_bits)
  );

  assign fetched_o         = fetched_bits;
  assign fetched_index_o   = index_q;
  assign fetched_illegal_o = (index_q >= 17'(ProgramInstructions)) || !exists(fetched_o.opcode);
  assign instruction_o     = instruction_q;
  assign last_of_section_o = instruction_q.section_end || last_instruction_q;
  assign odd_strip_o       = odd_q;
  assign next_strip_o      = decided_q && again_q;
  assign first_strip_o     = decided_q && last_of_section_o && !again_q;
  assign next_group_o      = decided_q && group_over_q;
  assign ends_o            = ends_q;

  assign again      = last_of_section_o && !instruction_q.once && !last_strip_i;
  assign group_over = last_instruction_q && !again;
  assign following  = index_q + 17'd1;

  always_ff @(posedge clk_i) begin : p_steps
    if (!rst_ni) begin
      advanced_q <= 1'b0;
      decided_q  <= 1'b0;
      fetch_q    <= 1'b0;
    end else begin
      advanced_q <= advance_i;
      decided_q  <= advanced_q;
      fetch_q    <= decided_q || start_i;
    end
  end

  always_ff @(posedge clk_i) begin : p_program
    if (!rst_ni) begin
      index_q            <= '0;
      first_q            <= '0;
      last_q             <= '0;
      section_q          <= '0;
      instruction_q      <= '0;
      last_instruction_q <= 1'b0;
      again_q            <= 1'b0;
      group_over_q       <= 1'b0;
      ends_q             <= 1'b0;
      odd_q              <= 1'b0;
    end else if (start_i) begin
      index_q   <= 17'(first_i);
      first_q   <= 17'(first_i);
      last_q    <= 17'(first_i) + 17'(length_i) - 17'd1;
      section_q <= 17'(first_i);
      again_q   <= 1'b0;
      ends_q    <= 1'b0;
      odd_q     <= 1'b0;
    end else begin
      if (advance_i) begin
        instruction_q      <= fetched_o;
        last_instruction_q <= (index_q == last_q);
        if (last_of_section_o) odd_q <= again_q && !odd_q;
      end
      if (advanced_q) begin
        again_q      <= again;
        group_over_q <= group_over;
        ends_q       <= group_over && last_group_i;
      end
      if (decided_q) begin
        if (again_q) begin
          index_q <= section_q;
        end else if (last_instruction_q) begin
          index_q   <= first_q;
          section_q <= first_q;
        end else begin
          index_q <= following;
          if (last_of_section_o) section_q <= following;
        end
      end
    end
  end

endmodule

`default_nettype wire
