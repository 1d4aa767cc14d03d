# SPDX-License-Identifier: GPL-2.0-or-later
# Compiler options that hold for every room. Results must not depend on the compiler: no contraction of a*b+c, no
# fast-math (docs/determinism.md).
option(HVSIM_SANITIZE "Build with AddressSanitizer and UndefinedBehaviorSanitizer" OFF)
option(HVSIM_FUZZ "Build the fuzzing harnesses with libFuzzer, and with them only what they link (clang)" OFF)

add_compile_options(-Wall -Wextra -Werror -Wshadow -Wvla -ffp-contract=off -fno-fast-math
                    "$<$<COMPILE_LANGUAGE:C>:-Wstrict-prototypes;-Wmissing-prototypes>")
if(HVSIM_SANITIZE)
    add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
    add_link_options(-fsanitize=address,undefined)
endif()
if(HVSIM_FUZZ)
    add_compile_options(-fsanitize=fuzzer-no-link)
endif()

# The core and its port call each other a dozen times a page; optimising across files is worth a tenth of a run. Programs
# of the tests are built without it (tests/CMakeLists.txt), from the same libraries: these hold machine code, too.
if(CMAKE_BUILD_TYPE STREQUAL "Release" AND CMAKE_C_COMPILER_ID STREQUAL "GNU")
    set(HVSIM_LTO ON)
    set(CMAKE_INTERPROCEDURAL_OPTIMIZATION ON)
    add_compile_options($<$<IN_LIST:$<TARGET_PROPERTY:TYPE>,STATIC_LIBRARY$<SEMICOLON>OBJECT_LIBRARY>:-ffat-lto-objects>)
endif()

# hvsim_library(NAME SOURCES ... DEPENDS ... ) : a room's static library with its public include directory.
function(hvsim_library name)
    cmake_parse_arguments(ARG "" "" "SOURCES;INCLUDE;DEPENDS" ${ARGN})
    add_library(${name} STATIC ${ARG_SOURCES})
    target_include_directories(${name} PUBLIC ${ARG_INCLUDE})
    target_link_libraries(${name} PUBLIC ${ARG_DEPENDS})
endfunction()

# hvsim_cunit(NAME SOURCES ... DEPENDS ...) : a CUnit suite, run by CTest under its own name.
function(hvsim_cunit name)
    cmake_parse_arguments(ARG "" "" "SOURCES;DEPENDS" ${ARGN})
    add_executable(${name} ${ARG_SOURCES})
    target_link_libraries(${name} PRIVATE ${ARG_DEPENDS} cunit)
    target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR}/tests/include)
    target_compile_definitions(${name} PRIVATE HVSIM_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
    add_test(NAME ${name} COMMAND ${name})
    set_tests_properties(${name} PROPERTIES TIMEOUT 300)
endfunction()
