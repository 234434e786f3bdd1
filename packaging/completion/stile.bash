# SPDX-License-Identifier: Apache-2.0
# Completion for bash. What there is to complete is asked of `stile` itself, so it is always that of this build; names are
# those of the running one, and there are none where nobody answers within a second.

# The texts of a member, whatever the layout.
_stile_texts() { grep -oE "\"$1\": ?\"[^\"]*\"" | cut -d'"' -f4 | sort -u; }

_stile() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} command=${COMP_WORDS[1]}
    local words="" i socket=() said=()

    if [ "$COMP_CWORD" -eq 1 ]; then
        words=$(stile --help 2>/dev/null | sed -nE '/^usage:/,/^stile COMMAND/s/^  ([a-z-]+)  .*/\1/p')
        mapfile -t COMPREPLY < <(compgen -W "$words --help" -- "$word")
        return
    fi
    case $before in
    -c | --config | --log | --socket | --state) mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
    esac
    if [[ $word == -* ]]; then
        words=$(stile "$command" --help 2>/dev/null | grep -oE '(^|[ ,])--?[a-zA-Z][a-z-]*' | tr -d ' ,' | sort -u)
        mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
        return
    fi
    # What was said before it, without options and their values; and whom to ask.
    for ((i = 2; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in
        --socket) socket=(--socket "${COMP_WORDS[++i]}") ;;
        -[cr] | --config | --reason | --if-match | --cell | --log | --state) ((++i)) ;;
        -*) ;;
        *) said+=("${COMP_WORDS[i]}") ;;
        esac
    done
    case $command-${#said[@]} in
    rollout-0) words=$(stile rollout --words 2>/dev/null) ;;
    rollout-1 | report-0) words=$(timeout 1 stile rollout --json "${socket[@]}" 2>/dev/null | _stile_texts name) ;;
    weight-0) words=$(timeout 1 stile weight --json "${socket[@]}" 2>/dev/null | _stile_texts route) ;;
    shadow-0) words=$(timeout 1 stile shadow --json "${socket[@]}" 2>/dev/null | _stile_texts route) ;;
    endpoint-0) words="list drain undrain" ;;
    endpoint-1) words=$(timeout 1 stile endpoint --json "${socket[@]}" 2>/dev/null | _stile_texts pool) ;;
    endpoint-*) words=$(timeout 1 stile endpoint list "${said[1]}" --json "${socket[@]}" 2>/dev/null | _stile_texts url) ;;
    *) mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
    esac
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}
complete -o filenames -F _stile stile
