# SPDX-License-Identifier: Apache-2.0
# What `cmake --install` puts where: the binary, and libstile (static, shared, header, pkg-config).
#
# libstile is the rooms below translators/libstile in one file. The shared one shows what stile.map says; of the
# static one the same names alone are global, for what is linked with it has names of its own.
include(GNUInstallDirs)

if(STILE_FUZZ)
    return() # its sanitizers are in the programs alone
endif()

# Every room that translators/libstile stands on, whichever they are.
set(STILE_LIBRARY_ROOMS libstile)
set(todo libstile)
while(todo)
    list(POP_FRONT todo room)
    get_target_property(links stile_${room} LINK_LIBRARIES)
    foreach(link ${links})
        if(link MATCHES "^stile_(.+)$" AND NOT CMAKE_MATCH_1 IN_LIST STILE_LIBRARY_ROOMS)
            list(APPEND STILE_LIBRARY_ROOMS ${CMAKE_MATCH_1})
            list(APPEND todo ${CMAKE_MATCH_1})
        endif()
    endforeach()
endwhile()
set(STILE_LIBRARY_MAP ${CMAKE_SOURCE_DIR}/translators/libstile/stile.map)
# From the folder of libstile.pc to the prefix, so that an installed tree may be moved.
file(RELATIVE_PATH STILE_PC_PREFIX /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)

set(STILE_LIBRARY_OBJECTS)
foreach(room ${STILE_LIBRARY_ROOMS})
    list(APPEND STILE_LIBRARY_OBJECTS $<TARGET_OBJECTS:stile_${room}>)
endforeach()

add_library(libstile_shared SHARED ${STILE_LIBRARY_OBJECTS})
set_target_properties(libstile_shared PROPERTIES
    OUTPUT_NAME stile VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR} LINKER_LANGUAGE C
    LINK_DEPENDS ${STILE_LIBRARY_MAP})
target_link_libraries(libstile_shared PRIVATE PkgConfig::YAML)
target_link_options(libstile_shared PRIVATE -Wl,--version-script=${STILE_LIBRARY_MAP} -Wl,--no-undefined -Wl,-z,relro,-z,now)
stile_flags(libstile_shared)

add_custom_command(OUTPUT libstile.o
    COMMAND ${CMAKE_LINKER} -r -o libstile.o ${STILE_LIBRARY_OBJECTS}
    COMMAND ${CMAKE_OBJCOPY} --wildcard --keep-global-symbol=stile_* libstile.o
    DEPENDS ${STILE_LIBRARY_OBJECTS} COMMAND_EXPAND_LISTS VERBATIM)
add_library(libstile_static STATIC ${CMAKE_BINARY_DIR}/libstile.o)
set_target_properties(libstile_static PROPERTIES OUTPUT_NAME stile LINKER_LANGUAGE C)

configure_file(${CMAKE_SOURCE_DIR}/translators/libstile/libstile.pc.in libstile.pc @ONLY)

install(TARGETS libstile_shared LIBRARY COMPONENT library)
install(TARGETS libstile_static ARCHIVE COMPONENT library)
install(FILES translators/libstile/stile.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT library)
install(FILES ${CMAKE_BINARY_DIR}/libstile.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT library)
if(TARGET stile)
    install(TARGETS stile RUNTIME COMPONENT binary)
endif()

# Manual pages are the pages of docs/, and what the binary says of itself.
function(stile_man name section page summary)
    add_custom_command(OUTPUT ${name}.${section}
        COMMAND /usr/bin/python3 ${CMAKE_SOURCE_DIR}/cmake/man.py ${name} ${section} ${PROJECT_VERSION} ${summary}
            ${CMAKE_SOURCE_DIR}/docs/${page} ${ARGN} > ${name}.${section}
        DEPENDS ${CMAKE_SOURCE_DIR}/cmake/man.py ${CMAKE_SOURCE_DIR}/docs/${page} stile VERBATIM)
    set_property(GLOBAL APPEND PROPERTY stile_pages ${CMAKE_BINARY_DIR}/${name}.${section})
    install(FILES ${CMAKE_BINARY_DIR}/${name}.${section} DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section} COMPONENT binary)
endfunction()
stile_man(stile 1 operating.md "a reverse proxy that takes clients over schema versions" $<TARGET_FILE:stile>)
stile_man(stile.yaml 5 configuration.md "the configuration of Stile")
stile_man(stile-changes 5 language.md "the change language of Stile")
get_property(pages GLOBAL PROPERTY stile_pages)
add_custom_target(pages ALL DEPENDS ${pages})

install(FILES packaging/completion/stile.bash DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME stile
    COMPONENT binary)
install(FILES packaging/completion/_stile DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/vendor-completions COMPONENT binary)
install(FILES packaging/stile.service DESTINATION lib/systemd/system COMPONENT service)
install(FILES packaging/sysusers.conf DESTINATION lib/sysusers.d RENAME stile.conf COMPONENT service)
install(FILES packaging/stile.socket packaging/stile.yaml DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples COMPONENT service)
install(DIRECTORY config/examples/shop DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples COMPONENT service)
