// The array unit with its two local memories; spare ports of the memories are for the bench.
`default_nettype none
module array_bench #(
  parameter int Rows    = 4,
  parameter int Columns = 4,
  parameter int Lanes   = 4
) (
  input  wire logic                clk_i,
  input  wire logic                rst_ni,
  input  wire logic                command_valid_i,
  output logic                     command_ready_o,
  input  wire logic [511:0]        command_i,
  input  wire logic [31:0]         command_index_i,
  output logic                     completion_valid_o,
  output logic [31:0]              completion_index_o,
  output logic [15:0]              completion_tokens_o,
  output logic [2:0]               activity_o,
  output logic                     idle_o,
  input  wire logic                stop_i,
  input  wire logic                scratchpad_write_i,
  input  wire logic [31:0]         scratchpad_line_i,
  input  wire logic [Lanes*16-1:0] scratchpad_data_i,
  input  wire logic                accumulator_write_i,
  input  wire logic                accumulator_read_i,
  input  wire logic [31:0]         accumulator_line_i,
  input  wire logic [Lanes*32-1:0] accumulator_data_i,
  output logic [Lanes*32-1:0]      accumulator_data_o,
  output logic [15:0]              macs_o,
  output logic                     slot_o,
  output logic                     fault_o
);
  import accelerator_pkg::*;

  localparam int Lines = 1024;
  localparam int Banks = 8;

  function automatic tile_request_t whole_line(logic [31:0] line);
    tile_request_t request;
    request.transposed = 1'b0;
    request.count      = 8'(Lanes);
    request.column     = 8'd0;
    request.line       = line;
    return request;
  endfunction

  logic          [1:0]               sp_valid;
  tile_request_t [1:0]               sp_request;
  logic          [1:0][Lanes*16-1:0] sp_data;
  logic          [1:0]               ac_read_valid, ac_write_valid;
  tile_request_t [1:0]               ac_read_request, ac_write_request;
  logic          [1:0][Lanes*32-1:0] ac_read_data, ac_write_data;
  logic [1:0] sp_range, sp_conflict, ac_range, ac_conflict, acw_range, acw_conflict;
  logic       spw_range, spw_conflict;

  tile_memory #(.ElementBits(16), .Lanes(Lanes), .Lines(Lines), .Banks(Banks), .Readers(2), .Writers(1)) u_scratchpad (
    .clk_i, .rst_ni,
    .read_valid_i(sp_valid), .read_request_i(sp_request), .read_data_o(sp_data),
    .write_valid_i(scratchpad_write_i), .write_request_i(whole_line(scratchpad_line_i)), .write_data_i(scratchpad_data_i),
    .read_range_fault_o(sp_range), .read_conflict_o(sp_conflict),
    .write_range_fault_o(spw_range), .write_conflict_o(spw_conflict)
  );
  tile_memory #(.ElementBits(32), .Lanes(Lanes), .Lines(Lines), .Banks(Banks), .Readers(2), .Writers(2)) u_accumulator (
    .clk_i, .rst_ni,
    .read_valid_i(ac_read_valid), .read_request_i(ac_read_request), .read_data_o(ac_read_data),
    .write_valid_i(ac_write_valid), .write_request_i(ac_write_request), .write_data_i(ac_write_data),
    .read_range_fault_o(ac_range), .read_conflict_o(ac_conflict),
    .write_range_fault_o(acw_range), .write_conflict_o(acw_conflict)
  );
  assign ac_read_valid[1]    = accumulator_read_i;
  assign ac_read_request[1]  = whole_line(accumulator_line_i);
  assign ac_write_valid[1]   = accumulator_write_i;
  assign ac_write_request[1] = whole_line(accumulator_line_i);
  assign ac_write_data[1]    = accumulator_data_i;
  assign accumulator_data_o  = ac_read_data[1];
  assign fault_o = |{sp_range, sp_conflict, ac_range, ac_conflict, acw_range, acw_conflict, spw_range, spw_conflict};

  queued_command_t command;
  completion_t     completion;
  assign command.index       = command_index_i;
  assign command.bits        = command_i;
  assign completion_valid_o  = completion.valid;
  assign completion_index_o  = completion.index;
  assign completion_tokens_o = completion.signal_tokens;

  logic [31:0] unused_index;
  logic [3:0]  unused_kind;
  array_unit #(.Rows(Rows), .Columns(Columns), .Lanes(Lanes)) u_array_unit (
    .clk_i, .rst_ni,
    .command_valid_i, .command_ready_o, .command_i(command),
    .completion_o(completion), .activity_o, .current_index_o(unused_index), .stop_i, .idle_o,
    .stream_read_valid_o(sp_valid[0]), .stream_read_request_o(sp_request[0]), .stream_read_data_i(sp_data[0]),
    .stationary_read_valid_o(sp_valid[1]), .stationary_read_request_o(sp_request[1]), .stationary_read_data_i(sp_data[1]),
    .accumulator_read_valid_o(ac_read_valid[0]), .accumulator_read_request_o(ac_read_request[0]),
    .accumulator_read_data_i(ac_read_data[0]),
    .accumulator_write_valid_o(ac_write_valid[0]), .accumulator_write_request_o(ac_write_request[0]),
    .accumulator_write_data_o(ac_write_data[0]),
    .slot_valid_o(slot_o), .slot_kind_o(unused_kind), .macs_o
  );
  logic unused;
  assign unused = ^{unused_index, unused_kind};
endmodule
`default_nettype wire
