# For find_package(corank): what the libraries themselves link, then their targets.
include(CMakeFindDependencyMacro)
find_dependency(Eigen3 3.4)
find_dependency(yaml-cpp 0.7)
find_dependency(nlohmann_json 3.11)
find_dependency(fmt 9)
find_dependency(Threads)
include(${CMAKE_CURRENT_LIST_DIR}/corankTargets.cmake)
