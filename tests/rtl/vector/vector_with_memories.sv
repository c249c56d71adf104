// The vector unit with the two local memories that it has in the accelerator. The ports are the
// unit's, those of the memories are for watching; preload_* and readback_* reach the memories when
// the unit is idle (data 3 cycles after the line's number).

`default_nettype none

module vector_with_memories #(
  parameter int unsigned VectorLanes = 4,
  parameter int unsigned Lanes       = 8,
  parameter int unsigned Lines       = 1024,
  parameter int unsigned AxiDataBits = 128
) (
  input  wire logic                             clk_i,
  input  wire logic                             rst_ni,
  input  wire logic                             command_valid_i,
  input  wire accelerator_pkg::queued_command_t command_i,
  output logic                                  command_ready_o,
  output accelerator_pkg::completion_t          completion_o,
  output interface_pkg::activity_e              activity_o,
  output logic [31:0]                           current_index_o,
  output accelerator_pkg::unit_fault_t          fault_o,
  input  wire logic                             stop_i,
  output logic                                  idle_o,
  input  wire logic                             program_write_valid_i,
  input  wire logic [15:0]                      program_write_word_i,
  input  wire logic [AxiDataBits-1:0]           program_write_data_i,
  output logic                                  scratchpad_read_valid_o,
  output accelerator_pkg::tile_request_t        scratchpad_read_request_o,
  output logic                                  accumulator_read_valid_o,
  output accelerator_pkg::tile_request_t        accumulator_read_request_o,
  output logic                                  scratchpad_write_valid_o,
  output accelerator_pkg::tile_request_t        scratchpad_write_request_o,
  output logic                                  accumulator_write_valid_o,
  output accelerator_pkg::tile_request_t        accumulator_write_request_o,
  output accelerator_pkg::counter_event_t       event_o,

  output logic                                  memory_fault_o,
  input  wire logic                             preload_valid_i,
  input  wire logic                             readback_valid_i,
  input  wire logic [31:0]                      memory_line_i,
  input  wire logic [Lanes*16-1:0]              preload_scratchpad_i,
  input  wire logic [Lanes*32-1:0]              preload_accumulator_i,
  output logic [Lanes*16-1:0]                   readback_scratchpad_o,
  output logic [Lanes*32-1:0]                   readback_accumulator_o
);

  logic [Lanes*16-1:0] scratchpad_read_data, scratchpad_write_data;
  logic [Lanes*32-1:0] accumulator_read_data, accumulator_write_data;
  logic [3:0]          scratchpad_range, scratchpad_conflict;
  logic [3:0]          accumulator_range, accumulator_conflict, parity;

  accelerator_pkg::tile_request_t whole_line;
  assign whole_line = {1'b0, 8'(Lanes), 8'd0, memory_line_i};

  assign memory_fault_o = |{scratchpad_range, scratchpad_conflict, accumulator_range,
                            accumulator_conflict, parity};

  vector_unit #(
    .VectorLanes(VectorLanes),
    .Lanes      (Lanes),
    .AxiDataBits(AxiDataBits)
  ) u_vector_unit (
    .clk_i,
    .rst_ni,
    .command_valid_i, .command_i, .command_ready_o, .completion_o, .activity_o, .current_index_o,
    .fault_o, .stop_i, .idle_o,
    .program_write_valid_i, .program_write_word_i, .program_write_data_i,
    .scratchpad_read_valid_o, .scratchpad_read_request_o,
    .scratchpad_read_data_i  (scratchpad_read_data),
    .accumulator_read_valid_o, .accumulator_read_request_o,
    .accumulator_read_data_i (accumulator_read_data),
    .scratchpad_write_valid_o, .scratchpad_write_request_o,
    .scratchpad_write_data_o (scratchpad_write_data),
    .accumulator_write_valid_o, .accumulator_write_request_o,
    .accumulator_write_data_o(accumulator_write_data),
    .event_o
  );

  logic [1:0][31:0] scratchpad_read_line;  // of a fault
  logic [1:0][31:0] accumulator_read_line;
  logic unused_lines;
  assign unused_lines = ^{scratchpad_read_line, accumulator_read_line};

  tile_memory #(
    .ElementBits(16), .Lanes(Lanes), .Lines(Lines), .Banks(4), .Readers(2), .Writers(2)
  ) u_scratchpad (
    .clk_i,
    .rst_ni,
    .read_valid_i       ({readback_valid_i, scratchpad_read_valid_o}),
    .read_request_i     ({whole_line, scratchpad_read_request_o}),
    .read_data_o        ({readback_scratchpad_o, scratchpad_read_data}),
    .write_valid_i      ({preload_valid_i, scratchpad_write_valid_o}),
    .write_request_i    ({whole_line, scratchpad_write_request_o}),
    .write_data_i       ({preload_scratchpad_i, scratchpad_write_data}),
    .read_line_o        (scratchpad_read_line),
    .read_range_fault_o (scratchpad_range[1:0]),
    .read_conflict_o    (scratchpad_conflict[1:0]),
    .read_parity_o      (parity[1:0]),
    .write_range_fault_o(scratchpad_range[3:2]),
    .write_conflict_o   (scratchpad_conflict[3:2])
  );

  tile_memory #(
    .ElementBits(32), .Lanes(Lanes), .Lines(Lines), .Banks(4), .Readers(2), .Writers(2)
  ) u_accumulator (
    .clk_i,
    .rst_ni,
    .read_valid_i       ({readback_valid_i, accumulator_read_valid_o}),
    .read_request_i     ({whole_line, accumulator_read_request_o}),
    .read_data_o        ({readback_accumulator_o, accumulator_read_data}),
    .write_valid_i      ({preload_valid_i, accumulator_write_valid_o}),
    .write_request_i    ({whole_line, accumulator_write_request_o}),
    .write_data_i       ({preload_accumulator_i, accumulator_write_data}),
    .read_line_o        (accumulator_read_line),
    .read_range_fault_o (accumulator_range[1:0]),
    .read_conflict_o    (accumulator_conflict[1:0]),
    .read_parity_o      (parity[3:2]),
    .write_range_fault_o(accumulator_range[3:2]),
    .write_conflict_o   (accumulator_conflict[3:2])
  );

endmodule

`default_nettype wire
