# SPDX-License-Identifier: Apache-2.0
# Flags for every target of ours, and what each build option adds.
set(STILE_WARNINGS
    -Wall -Wextra -Wconversion -Wsign-conversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla
    -Wcast-qual -Wcast-align -Wwrite-strings -Wformat=2 -Wundef -Wnull-dereference -Wimplicit-fallthrough
    -Werror=unused-result)

function(stile_flags target)
    target_include_directories(${target} PRIVATE ${CMAKE_SOURCE_DIR})
    target_compile_definitions(${target} PRIVATE _GNU_SOURCE STILE_VERSION="${PROJECT_VERSION}")
    target_compile_options(${target} PRIVATE
        ${STILE_WARNINGS} -Werror -UNDEBUG -fno-omit-frame-pointer -fstack-protector-strong
        -include ${CMAKE_SOURCE_DIR}/proxy/base/banned.h)
    if(STILE_SANDBOX)
        target_compile_definitions(${target} PRIVATE STILE_SANDBOX=1)
    endif()
    if(STILE_ASAN)
        target_compile_options(${target} PRIVATE -fsanitize=address,undefined -fno-sanitize-recover=all)
        target_link_options(${target} PRIVATE -fsanitize=address,undefined)
    endif()
    if(STILE_TSAN)
        target_compile_options(${target} PRIVATE -fsanitize=thread)
        target_link_options(${target} PRIVATE -fsanitize=thread)
    endif()
    if(STILE_FUZZ)
        target_compile_options(${target} PRIVATE -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all)
        target_link_options(${target} PRIVATE -fsanitize=address,undefined)
    endif()
    if(STILE_HARDEN)
        target_compile_options(${target} PRIVATE
            -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 -ftrivial-auto-var-init=zero)
        target_link_options(${target} PRIVATE -Wl,-z,relro,-z,now)
        if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
            # The linker marks a file when all of its parts are marked, and Debian's start files are not. They return as they
            # should, so the shadow stack is said by hand; branch tracking is not, as their first instruction is no target.
            target_compile_options(${target} PRIVATE -fcf-protection)
            target_link_options(${target} PRIVATE -Wl,-z,shstk)
        endif()
    endif()
endfunction()
