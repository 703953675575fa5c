# SPDX-License-Identifier: MIT
#
# What a folder's CMakeLists.txt may say. All of them are lists of files:
#
#   vel_layer(<name> <source>...)                src/<name>: one static library, linked to exactly
#                                                what src/LAYERS says
#   vel_program(<name> <layer> <source>...)      an executable on top of that layer, in bin/
#   vel_optimise_whole(<program>)                with VEL_LTO: optimised across all files when it is linked
#   vel_support(<name> <layer> <source>...)      a library for tests, linked to that layer
#   vel_test(<layer> <source>... [USES <support>...])
#                                                a test program on top of its own layer only: a
#                                                hidden upward call fails to link
#   vel_fuzz(<layer> <source>...)                a libFuzzer program, in preset fuzz only
#
# The first source names the test: tests/pki/test_chain.c becomes pki/chain. Tests include from src/
# and tests/: "pki/chain.h", "testing/test.h", "sim/sim.h".

set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/LAYERS)
file(STRINGS ${CMAKE_SOURCE_DIR}/src/LAYERS VEL_LAYER_LINES REGEX "^[a-z]+:")

function(vel_layer name)
    add_library(vel_${name} STATIC ${ARGN})
    target_include_directories(vel_${name} PUBLIC ${CMAKE_SOURCE_DIR}/include ${CMAKE_SOURCE_DIR}/src)
    target_compile_options(vel_${name} PRIVATE ${VEL_WARNINGS} ${VEL_LTO_OBJECTS})
    foreach(line IN LISTS VEL_LAYER_LINES)
        if(line MATCHES "^${name}: *(.*)$")
            string(REGEX MATCHALL "[a-z]+" uses "${CMAKE_MATCH_1}")
            foreach(used IN LISTS uses)
                if(NOT EXISTS ${CMAKE_SOURCE_DIR}/src/${used}/CMakeLists.txt)
                    continue() # listed, not built yet
                endif()
                target_link_libraries(vel_${name} PUBLIC vel_${used})
            endforeach()
        endif()
    endforeach()
endfunction()

# Names a program after its folder and first source: tests/pki/test_chain.c is pki and chain.
function(vel_name_of source folder_var name_var)
    get_filename_component(folder ${CMAKE_CURRENT_SOURCE_DIR} NAME)
    get_filename_component(stem ${source} NAME_WE)
    string(REGEX REPLACE "^(test|fuzz|bench)_" "" stem ${stem})
    set(${folder_var} ${folder} PARENT_SCOPE)
    set(${name_var} ${stem} PARENT_SCOPE)
endfunction()

function(vel_program name layer)
    add_executable(${name} ${ARGN})
    target_compile_options(${name} PRIVATE ${VEL_WARNINGS})
    target_link_libraries(${name} PRIVATE vel_${layer})
    set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
    if(NOT TARGET programs)
        add_custom_target(programs)
    endif()
    add_dependencies(programs ${name})
endfunction()

function(vel_optimise_whole name)
    target_compile_options(${name} PRIVATE ${VEL_LTO_OBJECTS})
    target_link_options(${name} PRIVATE ${VEL_LTO_LINK})
    set_target_properties(${name} PROPERTIES VEL_OPTIMISE_WHOLE ON)
endfunction()

function(vel_support name layer)
    if(NOT TARGET vel::cmocka)
        return()
    endif()
    add_library(vel_${name} STATIC ${ARGN})
    target_compile_options(vel_${name} PRIVATE ${VEL_WARNINGS})
    target_include_directories(vel_${name} PUBLIC ${CMAKE_SOURCE_DIR}/tests)
    target_link_libraries(vel_${name} PUBLIC vel_${layer} vel::cmocka)
endfunction()

function(vel_test layer)
    cmake_parse_arguments(arg "" "" "USES" ${ARGN})
    if(NOT TARGET vel::cmocka OR VEL_FUZZ)
        return()
    endif()
    list(GET arg_UNPARSED_ARGUMENTS 0 first)
    vel_name_of(${first} folder name)
    set(target test_${folder}_${name})
    add_executable(${target} ${arg_UNPARSED_ARGUMENTS})
    target_compile_options(${target} PRIVATE ${VEL_WARNINGS})
    target_include_directories(${target} PRIVATE ${CMAKE_SOURCE_DIR}/tests)
    list(TRANSFORM arg_USES PREPEND vel_)
    target_link_libraries(${target} PRIVATE ${arg_USES})
    if(TARGET vel_testing)
        target_link_libraries(${target} PRIVATE vel_testing)
    endif()
    target_link_libraries(${target} PRIVATE vel_${layer} vel::cmocka m)
    set_target_properties(${target} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
    add_test(NAME ${folder}/${name} COMMAND ${target} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
    set_tests_properties(${folder}/${name} PROPERTIES
        LABELS ${folder} ENVIRONMENT CMOCKA_MESSAGE_OUTPUT=TAP)
endfunction()

function(vel_fuzz layer first)
    if(NOT VEL_FUZZ)
        return()
    endif()
    vel_name_of(${first} folder name)
    set(target fuzz_${name})
    add_executable(${target} ${first} ${ARGN})
    target_compile_options(${target} PRIVATE ${VEL_WARNINGS})
    target_include_directories(${target} PRIVATE ${CMAKE_SOURCE_DIR}/tests)
    target_link_libraries(${target} PRIVATE vel_${layer})
    target_link_options(${target} PRIVATE -fsanitize=fuzzer)
    set_target_properties(${target} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/fuzz)
    # scripts/test.py fuzz gives the time and the folders; ctest alone replays the stored corpus.
    set(corpus ${CMAKE_SOURCE_DIR}/fuzz/corpus/${name})
    if(NOT EXISTS ${corpus})
        set(corpus "")
    endif()
    add_test(NAME fuzz/${name} COMMAND ${target} -runs=0 ${corpus}
             WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
    set_tests_properties(fuzz/${name} PROPERTIES LABELS fuzz)
endfunction()
