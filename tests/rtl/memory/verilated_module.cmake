# Verilated when it is built, in parallel, not when CMake runs (as verilate() would do): these tests verilate a module many
# times.
find_package(verilator 5.006 REQUIRED HINTS /usr/share/verilator)

# What every verilated class needs, once a program. Generated and foreign code keeps its own flags.
if(NOT TARGET verilated_runtime)
  add_library(verilated_runtime STATIC
    ${VERILATOR_ROOT}/include/verilated.cpp ${VERILATOR_ROOT}/include/verilated_threads.cpp)
  target_include_directories(verilated_runtime SYSTEM PUBLIC
    ${VERILATOR_ROOT}/include ${VERILATOR_ROOT}/include/vltstd)
  target_link_libraries(verilated_runtime PUBLIC Threads::Threads)
endif()

# Library verilated_NAME with the class VNAME of the module TOP. OPTIONS are Verilator's (-G, +define+), SOURCES come
# after the packages.
function(corank_verilated_module NAME TOP)
  cmake_parse_arguments(ARG "" "" "OPTIONS;SOURCES" ${ARGN})
  set(DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/V${NAME})
  set(SOURCES ${CMAKE_BINARY_DIR}/generated/rtl/interface/interface_pkg.sv
              ${CMAKE_SOURCE_DIR}/rtl/common/accelerator_pkg.sv ${ARG_SOURCES})
  # OPT_FAST is what the hot code is compiled with. No module uses every constant of the packages.
  add_custom_command(
    OUTPUT ${DIRECTORY}/V${NAME}__ALL.a
    COMMAND ${VERILATOR_BIN} --cc --build --assert -Wall -Wno-UNUSEDPARAM
            --Mdir ${DIRECTORY} --prefix V${NAME} --top-module ${TOP} ${ARG_OPTIONS}
            -MAKEFLAGS "OPT_FAST=-O1 OPT_SLOW=-O0 OBJCACHE=$<$<BOOL:${CCACHE}>:${CCACHE}>"
            ${SOURCES} > ${DIRECTORY}.log
    DEPENDS ${SOURCES}
    COMMENT "Verilating ${NAME}" VERBATIM)
  add_custom_target(verilate_${NAME} DEPENDS ${DIRECTORY}/V${NAME}__ALL.a)
  add_library(verilated_${NAME} INTERFACE)
  add_dependencies(verilated_${NAME} verilate_${NAME})
  target_include_directories(verilated_${NAME} SYSTEM INTERFACE ${DIRECTORY})
  target_link_libraries(verilated_${NAME} INTERFACE ${DIRECTORY}/V${NAME}__ALL.a verilated_runtime)
endfunction()
