// Where a program finds the files of corank that it reads at run time: RTL, memories.
#pragma once

#include <filesystem>

namespace corank {

/// `built`, a folder of the tree that this program was built in; where that is gone, the folder
/// `installed` below CMAKE_INSTALL_DATADIR, if `cmake --install` has put it there.
std::filesystem::path built_or_installed(const std::filesystem::path& built, const char* installed);

}  // namespace corank
