#include "random_commands.h"

namespace corank::test {

namespace {

std::uint32_t between(std::mt19937& random, std::uint32_t low, std::uint32_t high) {
  switch (random() % 4) {
    case 0:
      return low;
    case 1:
      return high;
    default:
      return std::uniform_int_distribution<std::uint32_t>(low, high)(random);
  }
}

std::uint32_t size(std::mt19937& random) { return between(random, 1, 0xff'ffff); }
std::uint32_t line(std::mt19937& random) { return between(random, 0, 0xff'ffff); }
std::uint32_t word(std::mt19937& random) { return between(random, 0, 0xffff'ffff); }

template <class Dma>
Dma random_dma(std::mt19937& random, std::uint32_t last_target) {
  Dma c;
  c.target = between(random, 0, last_target);
  c.address_lo = word(random) & ~127u;
  c.address_hi = between(random, 0, 0xffff);
  c.rows = size(random);
  c.columns = size(random);
  c.panel_stride = word(random) & ~127u;
  c.line = line(random);
  c.line_stride = line(random);
  return c;
}

template <class Indexed>
Indexed random_indexed(std::mt19937& random) {
  auto c = random_dma<Indexed>(random, 1);
  c.rows = between(random, 1, interface::kIndexWords);
  c.row_pitch = word(random) & ~127u;
  c.first_index = between(random, 0, 0xffff);
  c.limit = between(random, 1, 0xffff'ffff);
  return c;
}

interface::GemmCommand random_gemm(std::mt19937& random) {
  interface::GemmCommand c;
  c.kind = between(random, 0, 15);
  c.accumulate = random() & 1u;
  c.stream_transposed = random() & 1u;
  c.stationary_transposed = random() & 1u;
  c.rows = size(random);
  c.columns = size(random);
  c.depth = size(random);
  c.stream_line = line(random);
  c.stream_stride = line(random);
  c.stationary_line = line(random);
  c.stationary_stride = line(random);
  c.accumulator_line = line(random);
  c.accumulator_stride = line(random);
  return c;
}

// Of a machine with 32 elements a line and 8 vector lanes.
std::uint32_t column(std::mt19937& random, std::uint32_t stream) {
  const std::uint32_t place = between(random, 0, 31);
  return interface::decode_stream_word(stream).transposed ? place : place & ~7u;
}

interface::VectorCommand random_vector(std::mt19937& random) {
  interface::VectorCommand c;
  c.walk = between(random, 0, 2);
  c.first_instruction = between(random, 0, 0xffff);
  c.length = between(random, 1, 0xffff);
  c.rows = size(random);
  c.columns = size(random);
  c.stream0 = word(random) & 0x0fff'ffffu;
  c.stride0 = line(random);
  c.column0 = column(random, c.stream0);
  c.stream1 = word(random) & 0x0fff'ffffu;
  c.stride1 = line(random);
  c.column1 = column(random, c.stream1);
  c.stream2 = word(random) & 0x0fff'ffffu;
  c.stride2 = line(random);
  c.column2 = column(random, c.stream2);
  c.stream3 = word(random) & 0x0fff'ffffu;
  c.stride3 = line(random);
  c.column3 = column(random, c.stream3);
  c.first_row = word(random);
  c.first_column = word(random);
  return c;
}

template <class Command>
interface::CommandWords with_tokens(Command c, std::uint32_t wait, std::uint32_t signal) {
  c.wait_tokens = wait;
  c.signal_tokens = signal;
  return encode(c);
}

}  // namespace

interface::CommandWords random_command(std::mt19937& random, int unit, std::uint32_t wait_tokens,
                                       std::uint32_t signal_tokens) {
  const bool indexed = random() % 2 == 0;
  switch (unit) {
    case kLoadQueue:
      if (indexed) {
        return with_tokens(random_indexed<interface::GatherCommand>(random), wait_tokens,
                           signal_tokens);
      }
      return with_tokens(random_dma<interface::LoadCommand>(random, 3), wait_tokens, signal_tokens);
    case kArrayQueue:
      return with_tokens(random_gemm(random), wait_tokens, signal_tokens);
    case kVectorQueue:
      return with_tokens(random_vector(random), wait_tokens, signal_tokens);
    default:
      if (indexed) {
        return with_tokens(random_indexed<interface::ScatterCommand>(random), wait_tokens,
                           signal_tokens);
      }
      return with_tokens(random_dma<interface::StoreCommand>(random, 1), wait_tokens,
                         signal_tokens);
  }
}

}  // namespace corank::test
