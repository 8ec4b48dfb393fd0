# One interface target carries the language level and the warnings; nothing else sets global flags.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
if(NOT CMAKE_BUILD_TYPE)
    set(CMAKE_BUILD_TYPE RelWithDebInfo)
endif()
# Full debug information makes Torch objects huge; -g1 keeps usable backtraces.
set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O2 -g1 -DNDEBUG")

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
    # The sloppiness is what a precompiled header needs to be cached.
    set(CMAKE_CXX_COMPILER_LAUNCHER
        ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros ${CCACHE_PROGRAM})
endif()

add_library(caldera_options INTERFACE)
target_compile_options(caldera_options INTERFACE
    $<$<COMPILE_LANGUAGE:CXX>:-Wall -Wextra -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual
        -Wno-missing-field-initializers> # options structs are filled by name
    # GCC 12 and 13 see phantom overruns in the inlined operator+ of std::string.
    $<$<COMPILE_LANG_AND_ID:CXX,GNU>:-Wno-array-bounds -Wno-restrict -Wno-stringop-overflow
        -Wno-stringop-overread>
    $<$<COMPILE_LANGUAGE:CXX>:-fpch-preprocess>)
if(CALDERA_WERROR)
    target_compile_options(caldera_options INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-Werror>)
endif()
if(CALDERA_SANITIZE)
    target_compile_options(caldera_options INTERFACE
        $<$<COMPILE_LANGUAGE:CXX>:-fsanitize=${CALDERA_SANITIZE} -fno-omit-frame-pointer>)
    target_link_options(caldera_options INTERFACE -fsanitize=${CALDERA_SANITIZE})
endif()
target_include_directories(caldera_options INTERFACE ${CMAKE_SOURCE_DIR})
