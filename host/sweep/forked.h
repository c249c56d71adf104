// Tasks that processes of this machine carry out: what one of them does, or what is done to it,
// ends that task alone.
#pragma once

#include <cstddef>
#include <functional>
#include <string>

namespace corank {

/// How a task ended: with a result, or with why there is none ("signal 11 (Segmentation fault)").
struct TaskEnd {
  std::string result, failure;
};

/// Processors that this process may use.
int usable_processors();

/// Carries out tasks 0 .. count-1, in this order or nearly, in `workers` processes that are forked
/// from this one now. `task` is called in one of them; `done` here, as they end. A process that
/// dies is replaced and its task tried once more; one that was killed from outside, which says
/// little about the task (but for the kernel, which takes memory back like that), up to four times
/// more. Returns when all have ended, or early, with the processes, when `stop` says so. An
/// exception of `task` ends everything: MachineError with its text.
void carry_out_forked(std::size_t count, int workers,
                      const std::function<std::string(std::size_t)>& task,
                      const std::function<void(std::size_t, TaskEnd)>& done,
                      const std::function<bool()>& stop);

}  // namespace corank
