# SPDX-License-Identifier: MIT
#
# What every preset compiles with: warnings as errors, the sanitizers, the hardening of a release and
# its link-time optimisation.

include(CheckCCompilerFlag)

set(VEL_WARNINGS
    -Werror -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow
    -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wundef -Wcast-qual -Wformat=2
    -Wswitch-enum -Wimplicit-fallthrough)

set(VEL_SANITIZE "" CACHE STRING "comma-separated sanitizers, as in -fsanitize=")
option(VEL_FUZZ "build the libFuzzer targets of fuzz/" OFF)

if(VEL_SANITIZE)
    add_compile_options(-fsanitize=${VEL_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
    add_link_options(-fsanitize=${VEL_SANITIZE})
endif()
if(VEL_FUZZ)
    add_compile_options(-fsanitize=fuzzer-no-link)
endif()

if(CMAKE_BUILD_TYPE STREQUAL "Release")
    foreach(flag -fstack-protector-strong -fstack-clash-protection -fcf-protection=full
                 -mbranch-protection=standard -fzero-call-used-regs=used-gpr)
        string(MAKE_C_IDENTIFIER "VEL_HAS${flag}" has)
        check_c_compiler_flag("-Werror ${flag}" ${has})
        if(${has})
            add_compile_options(${flag})
        endif()
    endforeach()
    # GCC before 12 and old libcs know level 2 only; the libc headers warn when the level is unknown.
    check_c_compiler_flag("-Werror -O2 -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3" VEL_HAS_FORTIFY_3)
    add_compile_options(-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=$<IF:$<BOOL:${VEL_HAS_FORTIFY_3}>,3,2>)
    add_link_options(-Wl,-z,relro,-z,now,-z,noexecstack)
endif()

# Objects of the layers hold machine code and what link-time optimisation needs. Only the programs whose
# speed counts (vel_optimise_whole) pay for the second, the slow part of a build; all others, and who
# embeds the archives, link the machine code as it is.
option(VEL_LTO "optimise across files in vel_optimise_whole programs" OFF)
if(VEL_LTO)
    set(VEL_LTO_OBJECTS -flto=auto -ffat-lto-objects)
    set(VEL_LTO_LINK -flto=auto)
    # gcc leaves its linker plugin out as soon as this stands anywhere, whatever -flto follows.
    add_link_options($<$<NOT:$<BOOL:$<TARGET_PROPERTY:VEL_OPTIMISE_WHOLE>>>:-fno-lto>)
endif()
