// The address sanitizer and SystemC's threads.
#pragma once

#include <cstddef>

#if defined(__SANITIZE_ADDRESS__)
#include <pthread.h>
#include <sanitizer/common_interface_defs.h>
#endif

namespace corank {

/// To be called on the program's own stack, before anything throws there while a simulation exists.
/// SystemC 2.3.4 tells the sanitizer the bounds of a thread's stack when it switches to it, but not
/// those of the program's own stack when it switches back; the sanitizer then does not clean up
/// after exceptions and reports what is no error. Does nothing in a build without the sanitizer.
inline void tell_sanitizer_own_stack() {
#if defined(__SANITIZE_ADDRESS__)
  struct Stack {
    void* bottom = nullptr;
    std::size_t size = 0;
  };
  // Asked for once: the C library reads /proc/self/maps for it, and this is called in every cycle.
  thread_local const Stack stack = [] {
    Stack found;
    pthread_attr_t attributes;
    if (pthread_getattr_np(pthread_self(), &attributes) != 0) return found;
    pthread_attr_getstack(&attributes, &found.bottom, &found.size);
    pthread_attr_destroy(&attributes);
    return found;
  }();
  if (stack.bottom == nullptr) return;
  void* fake_stack = nullptr;
  __sanitizer_start_switch_fiber(&fake_stack, stack.bottom, stack.size);
  __sanitizer_finish_switch_fiber(fake_stack, nullptr, nullptr);
#endif
}

}  // namespace corank
