#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""man: a page of docs/ as a manual page, so that there is one text and it is in both places.

usage: man.py NAME SECTION VERSION SUMMARY PAGE.md [BINARY] > NAME.SECTION

With BINARY its own --help texts become the sections of synopsis and commands.
"""
import re
import subprocess
import sys
import textwrap


def escaped(text):
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return "\\&" + text if text[:1] in ".'" else text


def inline(text):
    """Code and strong words in bold, links by their text, all else as it is."""
    out = []
    for part in re.split(r"(`[^`]+`|\*\*[^*]+\*\*|\[[^\]]+\]\([^)]*\))", text):
        if part.startswith("`"):
            out.append("\\fB" + escaped(part[1:-1]).removeprefix("\\&") + "\\fR")
        elif part.startswith("**"):
            out.append("\\fB" + escaped(part[2:-2]).removeprefix("\\&") + "\\fR")
        elif part.startswith("[") and "](" in part:
            out.append(escaped(part[1:part.index("](")]).removeprefix("\\&"))
        else:
            out.append(escaped(part).removeprefix("\\&"))
    line = "".join(out)
    return "\\&" + line if line[:1] in ".'" else line


def cells(row):
    return [c.strip().replace("\\|", "|") for c in re.split(r"(?<!\\)\|", row.strip().strip("|"))]


def literal(lines):
    """As it stands."""
    return [".PP", ".RS 4", ".nf", *(escaped(line) for line in lines), ".fi", ".RE"]


def table(rows):
    """A row is a paragraph under its first cell; its other cells follow each other."""
    out = []
    for row in rows[2:]:
        first, *rest = cells(row)
        out += [".TP", inline(first), inline(". ".join(c.rstrip(".") for c in rest if c) or "\\&") if rest else "\\&"]
    return out


def blocks(text):
    """Runs of lines that belong together, with what they are."""
    lines, i = text.splitlines(), 0
    while i < len(lines):
        line, begin = lines[i], i
        if not line.strip():
            i += 1
        elif line.startswith("```"):
            i += 1
            while i < len(lines) and not lines[i].startswith("```"):
                i += 1
            yield "code", lines[begin + 1:i]
            i += 1
        elif line.startswith("    "):
            while i < len(lines) and (lines[i].startswith("    ") or not lines[i].strip()):
                i += 1
            yield "code", textwrap.dedent("\n".join(lines[begin:i])).rstrip().splitlines()
        elif line.startswith("#"):
            yield "head", [line]
            i += 1
        elif line.startswith("|"):
            while i < len(lines) and lines[i].startswith("|"):
                i += 1
            yield "table", lines[begin:i]
        else:
            is_item = re.match(r"(-|\d+\.) ", line)
            i += 1
            while i < len(lines) and lines[i].strip() and not re.match(r"(-|\d+\.) |#|\||```", lines[i]):
                i += 1
            yield "item" if is_item else "text", lines[begin:i]


def body(text):
    out = []
    for kind, lines in blocks(text):
        if kind == "head":
            level, title = lines[0].split(" ", 1)
            if len(level) > 1:
                out.append((".SH " if len(level) == 2 else ".SS ") + '"' + escaped(title.replace('"', "'").replace("`", "")) + '"')
        elif kind == "code":
            out += literal(lines)
        elif kind == "table":
            out += table(lines)
        elif kind == "item":
            mark, rest = " ".join(line.strip() for line in lines).split(" ", 1)
            out += [".IP " + ("\\(bu" if mark == "-" else mark) + " 3", inline(rest)]
        else:
            out += [".PP", inline(" ".join(line.strip() for line in lines))]
    return out


def commands(binary):
    ask = lambda *words: subprocess.run([binary, *words], check=True, capture_output=True, text=True).stdout
    main = ask("--help")
    out = [".SH SYNOPSIS", ".B stile", "\\fICOMMAND\\fR [\\fIOPTION\\fR...]", ".SH COMMANDS"]
    for name, summary in re.findall(r"^  ([a-z-]+)  +(\S.*)$", main[:main.index("stile COMMAND --help")], re.M):
        out += [".SS " + escaped(name), escaped(summary[0].upper() + summary[1:] + "."), *literal(ask(name, "--help").splitlines())]
    codes = main[main.index("Exit codes"):].splitlines()[1:5]
    return out + ['.SH "EXIT STATUS"', *literal(textwrap.dedent("\n".join(codes)).splitlines())]


def main():
    name, section, version, summary, page, *binary = sys.argv[1:]
    out = [f'.TH "{name.upper()}" {section} "" "stile {version}" "Stile"', ".SH NAME", f"{escaped(name)} \\- {escaped(summary)}"]
    if binary:
        out += commands(binary[0])
    text = open(page, encoding="utf-8").read()
    if "\n## " in text and not text.lstrip().startswith("## "):
        out.append(".SH DESCRIPTION")
    out += body(text)
    others = [n for n in ("stile(1)", "stile.yaml(5)", "stile-changes(5)") if n != f"{name}({section})"]
    out += ['.SH "SEE ALSO"', ", ".join(f"\\fB{escaped(n[:-3])}\\fR{n[-3:]}" for n in others)]
    # A heading begins a paragraph by itself.
    print("\n".join(line for before, line in zip(["", *out], out) if line != ".PP" or not before.startswith((".SH ", ".SS "))))


if __name__ == "__main__":
    main()
