# SPDX-License-Identifier: Apache-2.0
# Completion for bash. What there is to complete is asked of `stile` itself, so it is always that of this build.
_stile() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} words

    if [ "$COMP_CWORD" -eq 1 ]; then
        words=$(stile --help 2>/dev/null | sed -nE '/^usage:/,/^stile COMMAND/s/^  ([a-z-]+)  .*/\1/p')
        mapfile -t COMPREPLY < <(compgen -W "$words --help" -- "$word")
        return
    fi
    case $before in
    -c | --config | --log | --socket | --state) mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
    esac
    if [[ $word == -* ]]; then
        words=$(stile "${COMP_WORDS[1]}" --help 2>/dev/null | grep -oE '(^|[ ,])--?[a-zA-Z][a-z-]*' | tr -d ' ,' | sort -u)
        mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
    elif [ "${COMP_WORDS[1]}" = weight ] && [ "$COMP_CWORD" -eq 2 ]; then
        words=$(stile weight --json 2>/dev/null | grep -oE '"route": ?"[^"]*"' | cut -d'"' -f4)
        mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
    elif [ "${COMP_WORDS[1]}" = endpoint ]; then
        case $COMP_CWORD in
        2) words="list drain undrain" ;;
        3) words=$(stile endpoint --json 2>/dev/null | grep -oE '"pool": ?"[^"]*"' | cut -d'"' -f4) ;;
        *) words=$(stile endpoint list "${COMP_WORDS[3]}" --json 2>/dev/null | grep -oE '"url": ?"[^"]*"' | cut -d'"' -f4) ;;
        esac
        mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
    else
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
    fi
}
complete -o filenames -F _stile stile
