// The array unit with its two local memories; spare ports of the memories are for the bench.

`default_nettype none

module array_bench #(
  parameter int unsigned Rows    = 4,
  parameter int unsigned Columns = 4,
  parameter int unsigned Lanes   = 4
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
  output logic                     row_o,
  output logic [15:0]              macs_o,  // of the row of the cycle before
  output logic                     slot_o,
  output logic                     fault_o
);
  import accelerator_pkg::*;

  localparam int unsigned Lines = 1024;
  localparam int unsigned Banks = 8;

  function automatic tile_request_t whole_line(logic [31:0] line);
    tile_request_t request;
    request.transposed = 1'b0;
    request.count      = 8'(Lanes);
    request.column     = 8'd0;
    request.line       = line;
    return request;
  endfunction

  // The ports of the scratchpad (sp) and of the accumulator memory (ac); those of the bench are
  // spare.
  typedef enum int unsigned {SpReadStream, SpReadStationary, SpReaders} sp_reader_e;
  typedef enum int unsigned {AcArray, AcBench, AcPorts} ac_port_e;

  logic          [SpReaders-1:0]               sp_read_valid, sp_read_range, sp_read_conflict;
  tile_request_t [SpReaders-1:0]               sp_read_request;
  logic          [SpReaders-1:0][Lanes*16-1:0] sp_read_data;
  logic                                        sp_write_range, sp_write_conflict;
  logic          [AcPorts-1:0]                 ac_read_valid, ac_read_range, ac_read_conflict;
  tile_request_t [AcPorts-1:0]                 ac_read_request;
  logic          [AcPorts-1:0][Lanes*32-1:0]   ac_read_data;
  logic          [AcPorts-1:0]                 ac_write_valid, ac_write_range, ac_write_conflict;
  tile_request_t [AcPorts-1:0]                 ac_write_request;
  logic          [AcPorts-1:0][Lanes*32-1:0]   ac_write_data;

  logic [SpReaders-1:0][31:0] scratchpad_read_line;  // of a fault
  logic [AcPorts-1:0][31:0] accumulator_read_line;
  logic [SpReaders-1:0] sp_read_parity;
  logic [AcPorts-1:0] ac_read_parity;
  logic unused_lines;
  assign unused_lines = ^{scratchpad_read_line, accumulator_read_line};

  tile_memory #(
    .ElementBits(16), .Lanes(Lanes), .Lines(Lines), .Banks(Banks),
    .Readers(SpReaders), .Writers(1)
  ) u_scratchpad (
    .clk_i,
    .rst_ni,
    .read_valid_i       (sp_read_valid),
    .read_request_i     (sp_read_request),
    .read_data_o        (sp_read_data),
    .write_valid_i      (scratchpad_write_i),
    .write_request_i    (whole_line(scratchpad_line_i)),
    .write_data_i       (scratchpad_data_i),
    .read_line_o        (scratchpad_read_line),
    .read_range_fault_o (sp_read_range),
    .read_conflict_o    (sp_read_conflict),
    .read_parity_o      (sp_read_parity),
    .write_range_fault_o(sp_write_range),
    .write_conflict_o   (sp_write_conflict)
  );

  tile_memory #(
    .ElementBits(32), .Lanes(Lanes), .Lines(Lines), .Banks(Banks),
    .Readers(AcPorts), .Writers(AcPorts)
  ) u_accumulator (
    .clk_i,
    .rst_ni,
    .read_valid_i       (ac_read_valid),
    .read_request_i     (ac_read_request),
    .read_data_o        (ac_read_data),
    .write_valid_i      (ac_write_valid),
    .write_request_i    (ac_write_request),
    .write_data_i       (ac_write_data),
    .read_line_o        (accumulator_read_line),
    .read_range_fault_o (ac_read_range),
    .read_conflict_o    (ac_read_conflict),
    .read_parity_o      (ac_read_parity),
    .write_range_fault_o(ac_write_range),
    .write_conflict_o   (ac_write_conflict)
  );

  assign ac_read_valid[AcBench]    = accumulator_read_i;
  assign ac_read_request[AcBench]  = whole_line(accumulator_line_i);
  assign ac_write_valid[AcBench]   = accumulator_write_i;
  assign ac_write_request[AcBench] = whole_line(accumulator_line_i);
  assign ac_write_data[AcBench]    = accumulator_data_i;
  assign accumulator_data_o        = ac_read_data[AcBench];
  assign fault_o = |{sp_read_range, sp_read_conflict, sp_write_range, sp_write_conflict,
                     ac_read_range, ac_read_conflict, ac_write_range, ac_write_conflict,
                     sp_read_parity, ac_read_parity};

  queued_command_t command;
  completion_t     completion;
  assign command.index       = command_index_i;
  assign command.bits        = command_i;
  assign completion_valid_o  = completion.valid;
  assign completion_index_o  = completion.index;
  assign completion_tokens_o = completion.signal_tokens;

  logic [31:0] index;
  logic [3:0]  kind;

  array_unit #(.Rows(Rows), .Columns(Columns), .Lanes(Lanes)) u_array_unit (
    .clk_i,
    .rst_ni,
    .command_valid_i,
    .command_ready_o,
    .command_i                  (command),
    .completion_o               (completion),
    .activity_o,
    .current_index_o            (index),
    .stop_i,
    .idle_o,
    .stream_read_valid_o        (sp_read_valid[SpReadStream]),
    .stream_read_request_o      (sp_read_request[SpReadStream]),
    .stream_read_data_i         (sp_read_data[SpReadStream]),
    .stationary_read_valid_o    (sp_read_valid[SpReadStationary]),
    .stationary_read_request_o  (sp_read_request[SpReadStationary]),
    .stationary_read_data_i     (sp_read_data[SpReadStationary]),
    .accumulator_read_valid_o   (ac_read_valid[AcArray]),
    .accumulator_read_request_o (ac_read_request[AcArray]),
    .accumulator_read_data_i    (ac_read_data[AcArray]),
    .accumulator_write_valid_o  (ac_write_valid[AcArray]),
    .accumulator_write_request_o(ac_write_request[AcArray]),
    .accumulator_write_data_o   (ac_write_data[AcArray]),
    .slot_valid_o               (slot_o),
    .slot_kind_o                (kind),
    .row_o,
    .macs_o
  );

  logic unused;
  assign unused = ^{index, kind};

endmodule

`default_nettype wire
