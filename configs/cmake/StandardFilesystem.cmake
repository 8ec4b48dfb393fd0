# PyTorch's LibTorch exports the std::filesystem of an older compiler. Found first by the dynamic
# linker it takes calls away from the standard library, and they crash (docs/decisions/0004).
# caldera_keep_standard_filesystem(target)
# Whoever links the target carries the compiler's own std::filesystem inside, where nothing else is
# asked for it. Does nothing with a LibTorch that exports none, like Debian's.
function(caldera_keep_standard_filesystem target)
    get_filename_component(torch_folder "${TORCH_LIBRARY}" DIRECTORY) # libtorch.so, from TorchConfig
    file(GLOB torch_libraries "${torch_folder}/libtorch.so" "${torch_folder}/libtorch_cpu.so")
    set(exported "")
    foreach(library ${torch_libraries})
        execute_process(COMMAND ${CMAKE_NM} -D --defined-only ${library}
            OUTPUT_VARIABLE symbols ERROR_QUIET)
        string(APPEND exported "${symbols}")
    endforeach()
    if(NOT exported MATCHES "_ZNSt10filesystem10remove_all")
        return()
    endif()

    set(folder ${CMAKE_CURRENT_BINARY_DIR}/standard_filesystem)
    set(archive ${folder}/libstandard_filesystem.a)
    if(NOT EXISTS ${archive})
        execute_process(COMMAND ${CMAKE_CXX_COMPILER} -print-file-name=libstdc++.a
            OUTPUT_VARIABLE standard_library OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
        file(MAKE_DIRECTORY ${folder})
        execute_process(
            COMMAND ${CMAKE_AR} x ${standard_library}
                fs_dir.o fs_ops.o fs_path.o
            WORKING_DIRECTORY ${folder} COMMAND_ERROR_IS_FATAL ANY)
        file(GLOB objects ${folder}/*.o)
        execute_process(COMMAND ${CMAKE_AR} rcs ${archive} ${objects} COMMAND_ERROR_IS_FATAL ANY)
    endif()
    add_library(standard_filesystem STATIC IMPORTED GLOBAL)
    set_target_properties(standard_filesystem PROPERTIES IMPORTED_LOCATION ${archive})
    target_link_libraries(${target} INTERFACE $<LINK_LIBRARY:WHOLE_ARCHIVE,standard_filesystem>)
    # Only for the program itself: LibTorch goes on using its own.
    target_link_options(${target} INTERFACE LINKER:--exclude-libs,libstandard_filesystem.a)
endfunction()
