// The commands that wait in front of the units.
//
// Function: a FIFO of Depth commands for each unit. The oldest command of a unit is in registers
//   (oldest_command), where it waits for its tokens; the others are in one memory for all units,
//   which takes in a command a cycle and gives out one a cycle, to the first unit, in the order of
//   queue_e, that holds none. Of a command only what its unit looks at is kept (kept_pkg).
// Timing: a command taken in in cycle t can be read from t + 1 on; one that is read in t is held by
//   oldest_command from t + 2 on. When a unit accepts its command in t, its place is free, and its
//   next command can be read, from t + 1 on. So commands that wait for nothing follow each other
//   every three cycles at most.
// Flow control: valid/ready on both sides, valid_i of at most one unit in a cycle, that of the
//   command's opcode. ready_o is high while fewer than Depth commands of the unit are here,
//   whatever the other side does. To the units: oldest_command.

`default_nettype none

module command_queues #(
  parameter  int unsigned Depth     = 4,
  localparam int unsigned Queues    = interface_pkg::Queues,
  localparam int unsigned CountBits = $clog2(Depth + 1)
) (
  input  wire logic                                     clk_i,
  input  wire logic                                     rst_ni,
  input  wire logic                                     stop_i,

  input  wire logic [Queues-1:0]                        valid_i,
  output logic      [Queues-1:0]                        ready_o,
  input  wire accelerator_pkg::queued_command_t         command_i,

  input  wire logic [15:0]                              available_i,  // of token_file
  output logic      [Queues-1:0][15:0]                  take_o,       // to token_file
  input  wire logic [Queues-1:0]                        hold_i,

  output logic      [Queues-1:0]                        command_valid_o,
  input  wire logic [Queues-1:0]                        command_ready_i,
  output accelerator_pkg::queued_command_t [Queues-1:0] command_o,

  output logic      [Queues-1:0]                        held_o,       // command_o has meaning
  output logic      [Queues-1:0]                        accept_o,
  output logic      [Queues-1:0]                        waiting_o,    // it lacks tokens
  output logic      [Queues-1:0]                        held_back_o,  // it waits for hold_i alone
  output logic      [Queues-1:0][CountBits-1:0]         count_o
);

  import accelerator_pkg::*;
  import interface_pkg::*;
  import kept_pkg::*;

  localparam int unsigned PlaceBits   = (Depth > 1) ? $clog2(Depth) : 1;
  localparam int unsigned AddressBits = $clog2(Queues * Depth);
  localparam int unsigned UnitBits    = $clog2(Queues);

  typedef logic [PlaceBits-1:0] place_t;

  function automatic place_t next_place(place_t place);
    return (place == place_t'(Depth - 1)) ? '0 : place + place_t'(1);
  endfunction

  function automatic logic [AddressBits-1:0] address_of(logic [UnitBits-1:0] unit, place_t place);
    return AddressBits'(unit) * AddressBits'(Depth) + AddressBits'(place);
  endfunction

  // ------------------------------------------------------------------ what is kept
  nop_command_t        header;
  logic [UnitBits-1:0] write_unit;
  queued_t             written, read;

  assign header = command_i.bits;

  always_comb begin : p_keep
    written.index = command_i.index;
    unique case (header.opcode)
      OpGemm: begin
        write_unit   = UnitBits'(QueueArray);
        written.kept = MostKeptBits'(kept_gemm(command_i.bits, QueueArray));
      end
      OpVector: begin
        write_unit   = UnitBits'(QueueVector);
        written.kept = MostKeptBits'(kept_vector(command_i.bits, QueueVector));
      end
      OpStore, OpScatter: begin
        write_unit   = UnitBits'(QueueStore);
        written.kept = MostKeptBits'(kept_dma(command_i.bits, QueueStore));
      end
      default: begin
        write_unit   = UnitBits'(QueueLoad);
        written.kept = MostKeptBits'(kept_dma(command_i.bits, QueueLoad));
      end
    endcase
  end

  // ------------------------------------------------------------------ the RAM
  place_t [Queues-1:0]                write_place_q, read_place_q;
  logic   [Queues-1:0][CountBits-1:0] count_q;
  logic   [Queues-1:0]                push, read_enable, arrives_q;
  logic   [UnitBits-1:0]              read_unit;

  assign push = valid_i & ready_o;

  // Of a unit that holds no command, and to which none is on its way, all are in the RAM.
  always_comb begin : p_read
    read_enable = '0;
    read_unit   = '0;
    for (int unsigned u = 0; u < Queues; u++) begin
      if ((read_enable == '0) && (count_q[u] != '0) && !held_o[u] && !arrives_q[u]) begin
        read_enable[u] = 1'b1;
        read_unit      = UnitBits'(u);
      end
    end
  end

  // Two narrow RAMs side by side are faster than a wide one.
  localparam int unsigned HalfBits = ($bits(queued_t) + 1) / 2;
  logic [1:0][HalfBits-1:0] written_halves, read_halves;

  assign written_halves = (2 * HalfBits)'(written);
  assign read           = ($bits(queued_t))'(read_halves);

  for (genvar h = 0; h < 2; h++) begin : gen_half
    ram_1r1w #(
      .Width(HalfBits),
      .Words(Queues * Depth)
    ) u_ram (
      .clk_i,
      .read_enable_i  (read_enable != '0),
      .read_address_i (address_of(read_unit, read_place_q[read_unit])),
      .read_data_o    (read_halves[h]),
      .write_enable_i (push != '0),
      .write_address_i(address_of(write_unit, write_place_q[write_unit])),
      .write_data_i   (written_halves[h])
    );
  end

  always_ff @(posedge clk_i) begin : p_places
    if (!rst_ni) begin
      write_place_q <= '0;
      read_place_q  <= '0;
      count_q       <= '0;
      arrives_q     <= '0;
    end else begin
      arrives_q <= read_enable;
      for (int unsigned u = 0; u < Queues; u++) begin
        if (push[u])        write_place_q[u] <= next_place(write_place_q[u]);
        if (read_enable[u]) read_place_q[u]  <= next_place(read_place_q[u]);
        count_q[u] <= count_q[u] + CountBits'(push[u]) - CountBits'(accept_o[u]);
      end
    end
  end

  // ------------------------------------------------------------------ the oldest ones
  for (genvar u = 0; u < Queues; u++) begin : gen_unit
    oldest_command #(.Unit(u)) u_oldest_command (
      .clk_i,
      .rst_ni,
      .stop_i,
      .arrives_i      (arrives_q[u]),
      .queued_i       (read),
      .available_i,
      .take_o         (take_o[u]),
      .hold_i         (hold_i[u]),
      .command_valid_o(command_valid_o[u]),
      .command_ready_i(command_ready_i[u]),
      .command_o      (command_o[u]),
      .held_o         (held_o[u]),
      .accept_o       (accept_o[u]),
      .waiting_o      (waiting_o[u]),
      .held_back_o    (held_back_o[u])
    );
    assign ready_o[u] = count_q[u] != CountBits'(Depth);
    assign count_o[u] = count_q[u];
  end

  logic unused;
  assign unused = ^header;

`ifndef SYNTHESIS
  always_ff @(posedge clk_i) begin : p_check
    if (rst_ni) begin
      OwnQueue: assert ((valid_i & ~(Queues'(1) << write_unit)) == '0)
      else $error("a command is offered to a queue that is not its unit's");
    end
  end
`endif

endmodule

`default_nettype wire
