# SPDX-License-Identifier: MIT
#
# External libraries, as targets:
#
#   vel::crypto   OpenSSL 3.5 or later, libssl and libcrypto
#   vel::nghttp3  for tests to compare with  vel::uv   event loop
#   vel::nghttp2  HTTP/2                    vel::jansson JSON
#   vel::llhttp   HTTP/1.1 parsing
#   vel::ipsec_mb AES-GCM on x86-64 (absent when not installed; then libcrypto does it)
#   vel::cmocka   unit tests (absent when not installed; then tests are not built)
#
# On Debian 12 OpenSSL, the HTTP libraries and llhttp are static archives that scripts/setup.sh unpacked privately.

include(CheckSymbolExists)
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)

if(DEFINED ENV{VELOCITY_DEPS})
    set(deps_default "$ENV{VELOCITY_DEPS}")
else()
    set(deps_default "${CMAKE_SOURCE_DIR}/build/deps")
endif()
set(VELOCITY_DEPS "${deps_default}" CACHE PATH "folder that scripts/setup.sh unpacked libraries into")

set(private_usr "${VELOCITY_DEPS}/root/usr")
file(GLOB private_libcrypto "${private_usr}/lib/*/libcrypto.a")
if(private_libcrypto)
    get_filename_component(private_lib "${private_libcrypto}" DIRECTORY)
    get_filename_component(triplet "${private_lib}" NAME)
endif()

# One privately unpacked static archive and its headers.
function(vel_private_archive target archive)
    add_library(${target} STATIC IMPORTED GLOBAL)
    set_target_properties(${target} PROPERTIES
        IMPORTED_LOCATION "${private_lib}/${archive}"
        INTERFACE_INCLUDE_DIRECTORIES "${private_usr}/include;${private_usr}/include/${triplet}")
endfunction()

# vel_system_library(<target> <module>...): of the system, found by pkg-config.
function(vel_system_library target)
    string(MAKE_C_IDENTIFIER ${target} prefix)
    pkg_check_modules(${prefix} QUIET IMPORTED_TARGET GLOBAL ${ARGN})
    if(${prefix}_FOUND)
        add_library(${target} INTERFACE IMPORTED GLOBAL)
        target_link_libraries(${target} INTERFACE PkgConfig::${prefix})
    endif()
endfunction()

if(private_libcrypto)
    vel_private_archive(vel::libcrypto libcrypto.a)
    vel_private_archive(vel::libssl libssl.a)
    vel_private_archive(vel::nghttp3 libnghttp3.a)
    vel_private_archive(vel::nghttp2 libnghttp2.a)
    vel_private_archive(vel::llhttp libllhttp.a)
    set_property(TARGET vel::libssl PROPERTY INTERFACE_LINK_LIBRARIES vel::libcrypto)
    set_property(TARGET vel::nghttp3 PROPERTY INTERFACE_COMPILE_DEFINITIONS NGHTTP3_STATICLIB)
    set_property(TARGET vel::nghttp2 PROPERTY INTERFACE_COMPILE_DEFINITIONS NGHTTP2_STATICLIB)
    set(libcrypto_needs z zstd ${CMAKE_DL_LIBS} Threads::Threads)
    check_symbol_exists(__isoc23_strtol stdlib.h VEL_LIBC_HAS_ISOC23)
    if(NOT VEL_LIBC_HAS_ISOC23)
        add_library(vel_isoc23 STATIC ${CMAKE_SOURCE_DIR}/cmake/isoc23.c)
        list(PREPEND libcrypto_needs vel_isoc23)
    endif()
    set_property(TARGET vel::libcrypto PROPERTY INTERFACE_LINK_LIBRARIES ${libcrypto_needs})
    add_library(vel::crypto INTERFACE IMPORTED GLOBAL)
    target_link_libraries(vel::crypto INTERFACE vel::libssl vel::libcrypto)
else()
    vel_system_library(vel::crypto libssl>=3.5 libcrypto>=3.5)
    vel_system_library(vel::nghttp3 libnghttp3)
    vel_system_library(vel::nghttp2 libnghttp2>=1.57)
    vel_system_library(vel::llhttp libllhttp)
endif()

# Intel's library, of the system on Debian 12 too: no static archive, which would add 13 MB to each program.
# It has no pkg-config file. Before 1.3 it was not tried.
option(VEL_IPSEC_MB "AES-GCM by Intel's ipsec-mb, when it is installed" ON)
if(VEL_IPSEC_MB AND CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|amd64|AMD64)$")
    find_path(IPSEC_MB_INCLUDE intel-ipsec-mb.h)
    find_library(IPSEC_MB_LIBRARY IPSec_MB)
    mark_as_advanced(IPSEC_MB_INCLUDE IPSEC_MB_LIBRARY)
    if(IPSEC_MB_INCLUDE AND IPSEC_MB_LIBRARY)
        file(STRINGS "${IPSEC_MB_INCLUDE}/intel-ipsec-mb.h" version REGEX "define IMB_VERSION_STR ")
        string(REGEX MATCH "[0-9.]+" version "${version}")
        if(version VERSION_GREATER_EQUAL 1.3)
            add_library(vel::ipsec_mb UNKNOWN IMPORTED GLOBAL)
            set_target_properties(vel::ipsec_mb PROPERTIES
                IMPORTED_LOCATION "${IPSEC_MB_LIBRARY}"
                INTERFACE_INCLUDE_DIRECTORIES "${IPSEC_MB_INCLUDE}")
        endif()
    endif()
endif()
if(TARGET vel::ipsec_mb)
    message(STATUS "AES-GCM by ipsec-mb ${version} where the processor is fit for it, else by libcrypto")
else()
    message(STATUS "AES-GCM by libcrypto: no ipsec-mb 1.3 or later (libipsec-mb-dev)")
endif()

vel_system_library(vel::uv libuv)
vel_system_library(vel::jansson jansson)
vel_system_library(vel::cmocka cmocka)

foreach(needed crypto nghttp3 nghttp2 llhttp uv jansson)
    if(NOT TARGET vel::${needed})
        message(FATAL_ERROR "The library behind vel::${needed} is missing: run scripts/setup.sh")
    endif()
endforeach()
if(NOT TARGET vel::cmocka)
    message(STATUS "cmocka is not installed: tests are not built (scripts/setup.sh test)")
endif()

# Symbols of the static archives stay private: otherwise other libraries in the process, which
# bring the system's own OpenSSL, bind to ours. The sanitizers' run-time is an archive too and
# must stay visible, so there the archives are named.
if(VEL_SANITIZE)
    add_link_options(-Wl,--exclude-libs,libcrypto.a:libssl.a:libnghttp3.a:libnghttp2.a:libllhttp.a)
else()
    add_link_options(-Wl,--exclude-libs,ALL)
endif()
