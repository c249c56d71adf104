// The standard streams, which the user may have closed, or sent where no more can be written.
#pragma once

#include <string>

namespace corank {

/// Before anything is opened: a closed stream becomes one that nobody reads (its number would be
/// given to the next file), and a write that fails is an error of that write instead of a signal
/// that ends the program (a pipe without a reader, a limit to the size of files).
void prepare_standard_streams();

/// Writes to the standard output. Returns why that failed; "": it did not, or the reader of a pipe
/// has gone and wants no more.
std::string print(const std::string& text);

/// Writes to the standard error stream. Where that fails there is nobody to tell.
void print_error(const std::string& text);

}  // namespace corank
