// A local memory for matrices: `Lines` lines of `Lanes` elements, of which a reader or writer
// touches up to `Lanes` elements a cycle, along a line or (transposed) down a column.
//
// Column c of line L lies in lane (c + L) % Lanes. So a run of columns of one line, and one column
// of up to `Lanes` consecutive lines, have every element in another lane. Element n of an access
// that begins at (L, c) is in lane (c + L + n) % Lanes either way: the two kinds of access differ
// in the address of a lane only, not in the rotation. (Skewed storage: P. Budnik and D. Kuck, "The
// Organization and Use of Parallel Memories", IEEE Trans. Comp., 1971.)
//
// Banks: line L is in bank L / (Lines / Banks). A bank is `Lanes` RAMs side by side with one read
// and one write port. A transposed access may straddle two neighbouring banks; then it uses the
// port of both.
//
// Latency:      a read requested in cycle t takes place in t + 1 and has its data in t + 3
//               (TileReadLatency), and until the next read of that port: t the request's register,
//               t + 1 the RAMs, t + 2 rotation and output register. A write of cycle t is seen by a
//               read requested in t, or later. Of an element that is written in t + 1 a read
//               requested in t gets nothing that means anything (ram_1r1w): a program has tokens
//               for that.
// Flow control: none; every port takes a request every cycle. Faults are combinational in the
//               cycle in which the access takes place, for a write that of its request:
//               *_range_fault_o  a line at or beyond `Lines`; the access does nothing;
//               *_conflict_o     a port with a lower number uses the read (write) port of the same
//                                bank in this cycle; the access does nothing.
//               read_line_o is the line of the read that takes place. The data of an access that
//               did nothing is what the port read before. An access without valid does nothing.
//               Elements from `count` on are undefined.
// Parity:       with it each element is stored with a bit more, which makes the number of its ones
//               odd. In the cycle in which a read has its data (t + 3) read_parity_o says that an
//               element among the first `count` has an even number: a bit of it has changed since
//               it was written. In a simulation, where memories begin as zeros, an element that was
//               never written has it too.
// The contents are undefined until they are written; there is no reset of them.

`default_nettype none

module tile_memory #(
  parameter int unsigned ElementBits = 16,
  parameter int unsigned Lanes       = 8,
  parameter int unsigned Lines       = 4096,
  parameter int unsigned Banks       = 8,
  parameter int unsigned Readers     = 4,
  parameter int unsigned Writers     = 2,
  parameter int unsigned Parity      = 0  // 1: with it
) (
  input  wire logic                                        clk_i,
  input  wire logic                                        rst_ni,

  input  wire logic [Readers-1:0]                          read_valid_i,
  input  wire accelerator_pkg::tile_request_t [Readers-1:0] read_request_i,
  output logic [Readers-1:0][Lanes*ElementBits-1:0]        read_data_o,

  input  wire logic [Writers-1:0]                          write_valid_i,
  input  wire accelerator_pkg::tile_request_t [Writers-1:0] write_request_i,
  input  wire logic [Writers-1:0][Lanes*ElementBits-1:0]   write_data_i,

  output logic [Readers-1:0][31:0]                         read_line_o,
  output logic [Readers-1:0]                               read_range_fault_o,
  output logic [Readers-1:0]                               read_conflict_o,
  output logic [Readers-1:0]                               read_parity_o,
  output logic [Writers-1:0]                               write_range_fault_o,
  output logic [Writers-1:0]                               write_conflict_o
);

  import accelerator_pkg::*;

  localparam int unsigned Words       = Lines / Banks;  // of a RAM
  localparam int unsigned AddressBits = $clog2(Words);
  localparam int unsigned LaneBits    = $clog2(Lanes);
  localparam int unsigned StoredBits  = ElementBits + Parity;  // of an element
  localparam int unsigned LineBits    = Lanes * StoredBits;
  localparam int unsigned BankBits    = (Banks > 1) ? $clog2(Banks) : 1;

  if ((Lanes < 2) || ((1 << LaneBits) != Lanes) || ((1 << $clog2(Banks)) != Banks) ||
      ((1 << $clog2(Lines)) != Lines)) begin : gen_bad_size
    $error("tile_memory: Lanes (from 2 on), Lines and Banks must be powers of two");
  end
  if (Words < Lanes) begin : gen_bad_bank  // or an access would meet three banks
    $error("tile_memory: a bank must have at least as many lines as there are lanes");
  end

  typedef logic [LineBits-1:0] line_t;  // as stored
  typedef logic [LaneBits-1:0] lane_t;
  typedef logic [BankBits-1:0] bank_t;

  // Where the lines of an access are.
  typedef struct packed {
    logic  in_range;
    bank_t first;  // bank of the first and of the last line
    bank_t last;
  } place_t;

  function automatic place_t place(logic [31:0] line, logic [7:0] lines);
    logic [32:0] last_line;
    last_line      = 33'(line) + 33'(lines) - 33'd1;
    place.in_range = last_line < 33'(Lines);
    place.first    = bank_t'(line >> AddressBits);
    place.last     = bank_t'(last_line >> AddressBits);
  endfunction

  function automatic logic [7:0] lines_of(logic transposed, logic [7:0] count);
    return transposed ? count : 8'd1;
  endfunction

  // Element n goes to lane n + lanes. One stage a bit of the distance, so the shifts are by
  // constants.
  function automatic line_t rotate(line_t data, lane_t lanes);
    rotate = data;
    for (int unsigned stage = 0; stage < LaneBits; stage++) begin
      if (lanes[stage]) begin
        rotate = (rotate << (StoredBits << stage)) |
            (rotate >> (LineBits - (StoredBits << stage)));
      end
    end
  endfunction

  function automatic line_t stored(logic [Lanes-1:0][ElementBits-1:0] elements);
    stored = '0;
    for (int unsigned n = 0; n < Lanes; n++) begin
      stored[n*StoredBits+:StoredBits] = StoredBits'({~^elements[n], elements[n]});
    end
  endfunction

  // ------------------------------------------------------------------ requests
  // The units take long to work a read out, and so does the way from here to the RAMs.
  logic          [Readers-1:0] read_valid_q;
  tile_request_t [Readers-1:0] read_q;
  for (genvar port = 0; port < Readers; port++) begin : gen_request
    always_ff @(posedge clk_i) begin
      if (!rst_ni) read_valid_q[port] <= 1'b0;
      else read_valid_q[port] <= read_valid_i[port];
    end
    always_ff @(posedge clk_i) begin
      if (read_valid_i[port]) read_q[port] <= read_request_i[port];
    end
    assign read_line_o[port] = read_q[port].line;
  end

  // ------------------------------------------------------------------ banks
  // Which access gets which of them.
  place_t [Readers-1:0]            read_place;
  place_t [Writers-1:0]            write_place;
  logic   [Readers-1:0][Banks-1:0] read_banks;   // of the accesses that take place
  logic   [Writers-1:0][Banks-1:0] write_banks;
  logic   [Banks-1:0]              read_taken, write_taken;

  always_comb begin
    read_taken         = '0;
    read_range_fault_o = '0;
    read_conflict_o    = '0;
    for (int unsigned port = 0; port < Readers; port++) begin
      read_place[port] = '0;
      read_banks[port] = '0;
      if (read_valid_q[port]) begin
        read_place[port] = place(read_q[port].line,
                                 lines_of(read_q[port].transposed, read_q[port].count));
        read_banks[port] = (Banks'(1) << read_place[port].first) |
            (Banks'(1) << read_place[port].last);
        read_range_fault_o[port] = !read_place[port].in_range;
        read_conflict_o[port]    = read_place[port].in_range && |(read_banks[port] & read_taken);
        if (read_range_fault_o[port] || read_conflict_o[port]) read_banks[port] = '0;
        read_taken = read_taken | read_banks[port];
      end
    end
  end

  always_comb begin
    write_taken         = '0;
    write_range_fault_o = '0;
    write_conflict_o    = '0;
    for (int unsigned port = 0; port < Writers; port++) begin
      write_place[port] = '0;
      write_banks[port] = '0;
      if (write_valid_i[port]) begin
        write_place[port] = place(write_request_i[port].line,
                                  lines_of(write_request_i[port].transposed,
                                           write_request_i[port].count));
        write_banks[port] = (Banks'(1) << write_place[port].first) |
            (Banks'(1) << write_place[port].last);
        write_range_fault_o[port] = !write_place[port].in_range;
        write_conflict_o[port]    =
            write_place[port].in_range && |(write_banks[port] & write_taken);
        if (write_range_fault_o[port] || write_conflict_o[port]) write_banks[port] = '0;
        write_taken = write_taken | write_banks[port];
      end
    end
  end

  // ------------------------------------------------------------------ writes
  // Element n goes to its lane.
  line_t [Writers-1:0] write_rotated;
  always_comb begin
    for (int unsigned port = 0; port < Writers; port++) begin
      write_rotated[port] = stored(write_data_i[port]);
      if (write_valid_i[port]) begin
        write_rotated[port] = rotate(stored(write_data_i[port]),
                                     lane_t'(write_request_i[port].column) +
                                     lane_t'(write_request_i[port].line));
      end
    end
  end

  // ------------------------------------------------------------------ RAMs
  line_t bank_data[Banks];

  for (genvar bank = 0; bank < Banks; bank++) begin : gen_bank
    // The port that has this bank, if one has.
    tile_request_t read_request, write_request;
    line_t         write_line;
    always_comb begin
      read_request = '0;
      if (read_taken[bank]) begin
        for (int unsigned port = 0; port < Readers; port++) begin
          if (read_banks[port][bank]) read_request = read_q[port];
        end
      end
    end
    always_comb begin
      write_request = '0;
      write_line    = '0;
      if (write_taken[bank]) begin
        for (int unsigned port = 0; port < Writers; port++) begin
          if (write_banks[port][bank]) begin
            write_request = write_request_i[port];
            write_line    = write_rotated[port];
          end
        end
      end
    end

    // A lane has element n = lane - rotation of an access, if there is one and it is in this bank.
    // verilator lint_off UNUSEDSIGNAL
    // The line does not depend on the count.
    function automatic logic [31:0] line_of(tile_request_t request, lane_t lane);
      // verilator lint_on UNUSEDSIGNAL
      lane_t element;
      element = lane - lane_t'(request.column) - lane_t'(request.line);
      return request.line + (request.transposed ? 32'(element) : 32'd0);
    endfunction

    function automatic logic takes_part(tile_request_t request, lane_t lane);
      lane_t element;
      element = lane - lane_t'(request.column) - lane_t'(request.line);
      return (8'(element) < request.count) && (line_of(request, lane) >> AddressBits == 32'(bank));
    endfunction

`ifdef SYNTHESIS
    for (genvar lane = 0; lane < Lanes; lane++) begin : gen_lane
      ram_1r1w #(.Width(StoredBits), .Words(Words)) u_ram (
        .clk_i,
        .read_enable_i  (read_taken[bank] && takes_part(read_request, lane_t'(lane))),
        .read_address_i (AddressBits'(line_of(read_request, lane_t'(lane)))),
        .read_data_o    (bank_data[bank][lane*StoredBits+:StoredBits]),
        .write_enable_i (write_taken[bank] && takes_part(write_request, lane_t'(lane))),
        .write_address_i(AddressBits'(line_of(write_request, lane_t'(lane)))),
        .write_data_i   (write_line[lane*StoredBits+:StoredBits])
      );
    end
`else
    // The same RAMs in one process, so that a simulator passes an idle bank with two tests instead
    // of two a lane (the tests run both forms). Nobody else looks at the words. Lanes that take no
    // part in a read give an undefined element here too, and an element that is written meanwhile
    // is read as its complement, so that whoever relies on it finds out.
    // verilator lint_off BLKSEQ
    logic [StoredBits-1:0] words[Lanes][Words];
    always_ff @(posedge clk_i) begin : p_rams
      line_t                  line;
      logic [AddressBits-1:0] address;
      line = '0;
      if (read_taken[bank]) begin
        for (int unsigned lane = 0; lane < Lanes; lane++) begin
          line[lane*StoredBits+:StoredBits] =
              words[lane][AddressBits'(line_of(read_request, lane_t'(lane)))];
        end
      end
      if (write_taken[bank]) begin
        for (int unsigned lane = 0; lane < Lanes; lane++) begin
          if (takes_part(write_request, lane_t'(lane))) begin
            address = AddressBits'(line_of(write_request, lane_t'(lane)));
            if (address == AddressBits'(line_of(read_request, lane_t'(lane)))) begin
              line[lane*StoredBits+:StoredBits] = ~line[lane*StoredBits+:StoredBits];
            end
            words[lane][address] = write_line[lane*StoredBits+:StoredBits];
          end
        end
      end
      if (read_taken[bank]) bank_data[bank] <= line;
    end
    // verilator lint_on BLKSEQ
`endif
  end

  // ------------------------------------------------------------------ reads
  // In the cycle after that of the RAMs: the bank, the rotation, the output register.
  for (genvar port = 0; port < Readers; port++) begin : gen_reader
    logic                   valid_q, straddles_q;
    bank_t                  first_q, last_q;
    lane_t                  rotation_q, element;
    logic [AddressBits-1:0] address_q;  // of the first element
    line_t                  selected, data_q;

    always_ff @(posedge clk_i) begin
      if (!rst_ni) valid_q <= 1'b0;
      else valid_q <= |read_banks[port];
    end

    always_ff @(posedge clk_i) begin
      if (|read_banks[port]) begin
        first_q     <= read_place[port].first;
        last_q      <= read_place[port].last;
        straddles_q <= read_place[port].first != read_place[port].last;
        rotation_q  <= lane_t'(read_q[port].column) + lane_t'(read_q[port].line);
        address_q   <= AddressBits'(read_q[port].line);
      end
    end

    always_comb begin
      element  = '0;
      selected = bank_data[first_q];
      if (straddles_q) begin
        for (int unsigned lane = 0; lane < Lanes; lane++) begin
          element = lane_t'(lane) - rotation_q;
          if (32'(address_q) + 32'(element) >= 32'(Words)) begin
            selected[lane*StoredBits+:StoredBits] =
                bank_data[last_q][lane*StoredBits+:StoredBits];
          end
        end
      end
    end

    always_ff @(posedge clk_i) begin
      if (valid_q) data_q <= rotate(selected, -rotation_q);
    end
    for (genvar n = 0; n < Lanes; n++) begin : gen_element
      assign read_data_o[port][n*ElementBits+:ElementBits] = data_q[n*StoredBits+:ElementBits];
    end

    if (Parity != 0) begin : gen_parity
      logic       data_valid_q, wrong;
      logic [7:0] count_q, data_count_q;
      always_ff @(posedge clk_i) begin
        if (!rst_ni) data_valid_q <= 1'b0;
        else data_valid_q <= valid_q;
      end
      always_ff @(posedge clk_i) begin
        count_q      <= read_q[port].count;
        data_count_q <= count_q;
      end
      always_comb begin
        wrong = 1'b0;
        for (int unsigned n = 0; n < Lanes; n++) begin
          wrong |= (8'(n) < data_count_q) && !(^data_q[n*StoredBits+:StoredBits]);
        end
      end
      assign read_parity_o[port] = data_valid_q && wrong;
    end else begin : gen_no_parity
      assign read_parity_o[port] = 1'b0;
    end
  end

`ifndef SYNTHESIS
  function automatic logic fits(logic transposed, logic [7:0] count, logic [7:0] column);
    return (count >= 8'd1) && (32'(count) <= Lanes) && (32'(column) < Lanes) &&
        (transposed || (32'(column) + 32'(count) <= Lanes));
  endfunction
  always_ff @(posedge clk_i) begin
    for (int unsigned port = 0; port < Readers; port++) begin
      ReadWithinLine: assert (!read_valid_i[port] ||
          fits(read_request_i[port].transposed, read_request_i[port].count,
               read_request_i[port].column))
      else $error("tile_memory: reader %0d: an access beyond the line", port);
    end
    for (int unsigned port = 0; port < Writers; port++) begin
      WriteWithinLine: assert (!write_valid_i[port] ||
          fits(write_request_i[port].transposed, write_request_i[port].count,
               write_request_i[port].column))
      else $error("tile_memory: writer %0d: an access beyond the line", port);
    end
  end
`endif

endmodule

`default_nettype wire
