// Whether the tokens of a ring order its commands: worked out from the commands alone, it shares
// nothing with what put the tokens there. Where they do, two units never meet at one port of a bank
// (the fault bank_conflict), and none reads what another one is writing, in whatever time memory,
// link and host take.
//
// Two commands of different units, of which neither is known to be complete when the other one
// starts, must not
//   - touch the same lines of a local memory, the same rows of device memory, the same instructions
//     or the same indices, if one of them writes there;
//   - use the same port, of reads or of writes, of a bank of a local memory.
//
// Of one unit the next command may begin before the last one is complete. Two things need an order
// there, and are verified, too:
//   - A gather begins before the load of its indices is complete: it takes a token of its own unit.
//   - The array reads two operands side by side, what it streams and what is stationary in this
//     command or the next one: they lie in different banks.
// The rest is in order by itself:
//   - A load of indices does not overtake the gather before it: while that has rows to give, the
//     load unit takes no command (giving_rows in load_unit.sv).
//   - The tables of packed weights the load unit alone reads and writes, in order.
//   - Loads write local memories in the order of their beats, stores read them through one port and
//     write device memory in the order of their bursts: each have one AXI id.
//   - The array waits for the sums that it goes on with (D in array_unit.sv); what starts from +0
//     is written behind what was streamed before.
//   - The vector unit takes one command at a time.
//
// No command may touch a line beyond a local memory. The command unit and the host give no tokens.
// No store may touch the rings of commands and of streamed weights. When the host may write a tile
// of streamed weights stream_take and stream_release say; that is not looked at here.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "host/compiler/compiler.h"
#include "sim/machine/shape.h"

namespace corank {

/// What tokens do not order, a sentence each, the first four: two commands, and what they share.
/// Also a command that touches lines beyond a local memory: the device would stop; a token that is
/// waited for and that no command before gives: the device would hang; one that nobody takes: the
/// next step would find it; more of one kind than a counter holds. Empty: every two commands are
/// ordered. `graph` is for names. A million commands take a few seconds.
std::vector<std::string> unordered(const CompiledStep& step, const Graph& graph,
                                   const MachineShape& machine);

/// The same as lines of text; "" where every two commands are ordered.
std::string disorder(const CompiledStep& step, const Graph& graph, const MachineShape& machine);

/// A line that says of so many commands that they are ordered.
std::string ordered_text(std::uint64_t commands);

}  // namespace corank
