// Commands that the command processor must let pass.
#pragma once

#include <random>

#include "rtl/interface/interface.h"

namespace corank::test {

/// Units that take commands, in the order of the hardware's queues.
enum { kLoadQueue, kArrayQueue, kVectorQueue, kStoreQueue, kQueues };

/// The tokens that a unit may wait for and signal: 4 * giver + taker.
constexpr std::uint32_t tokens_to(int unit) { return 0x1111u << unit; }
constexpr std::uint32_t tokens_from(int unit) { return 0xfu << (4 * unit); }

/// A command of the unit with every field drawn from its whole range (the extremes often), so that
/// all bits of a command are seen somewhere.
interface::CommandWords random_command(std::mt19937& random, int unit, std::uint32_t wait_tokens,
                                       std::uint32_t signal_tokens);

}  // namespace corank::test
