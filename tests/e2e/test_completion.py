# SPDX-License-Identifier: Apache-2.0
"""What the shells complete: the words of this build and the names of the one that runs; nothing, and at once, where none does."""
import shutil

from stile import until
from test_rollouts import plan, scene, state

BASH = 'source "$1"; PATH="$2:$PATH"; COMP_WORDS=(stile "${@:3}"); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _stile; printf "%s\\n" "${COMPREPLY[@]}"'
# The function as zsh calls it, with what it would offer printed instead.
ZSH = 'script=$1; PATH="$2:$PATH"; shift 2; words=(stile "$@"); CURRENT=$#words; PREFIX=$words[-1]; compadd() { shift; print -l -- "$@" }; ' \
      '_files() { : }; source $script'


def test_the_shells_know_rollout_s_words_and_the_names_of_what_runs(t):
    s, _, _ = scene(t, plan("[{weight: 10%, hold: 1h}, {weight: 100%, hold: 1h}]"))
    until(lambda: state(s) == "approved", "control is up")
    folder = t.source / "packaging/completion"
    shells = [("bash", "-c", BASH, "bash", folder / "stile.bash")]
    if shutil.which("zsh"):
        shells.append(("zsh", "-fc", ZSH, "zsh", folder / "_stile"))
    for shell in shells:
        def offered(*words):
            return [w for w in t.command(*shell, t.build, *map(str, words)).stdout.split("\n") if w]

        asked = ("--socket", s.socket)
        told = offered("rollout", "")
        assert {"show", "start", "promote", "reopen", "evidence", "rollback"} <= set(told), (shell[0], told)
        assert offered("rollout", *asked, "start", "") == ["ios"], shell[0]
        assert offered("rollout", "start", "--reason", "as planned", *asked, "") == ["ios"], shell[0]
        assert offered("report", *asked, "") == ["ios"], shell[0]
        assert offered("rollout", "start", "--socket", s.folder / "nobody", "") == [], shell[0]
        assert {"blue", "green"} <= set(offered("endpoint", *asked, "drain", "")), shell[0]
