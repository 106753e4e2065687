"""Writes the demo with each exporter's defaults, has the program read it, and compares its answers with the original's.

Prints a Markdown table, and writes it to the end of a page. Exits with 1 if an answer differs and nothing was said of rows left out.
"""

import argparse
import pathlib
import re
import shutil
import sys
import tempfile
import traceback

import exporters
import original
from program import ask, demo, difference

HEAD = "| Exporter | Format | "
# Random parts of file names.
RANDOM = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{32}"


def verdict(base, answer):
    """In a word, and what the program says."""
    if answer.refusal:
        return "refused", answer.refusal.removeprefix("error: ")
    new = {issue["reason"]: issue for issue in answer.issues if issue not in base.issues}
    said = "; ".join(new)
    if answer.rows == base.rows:
        return "same", said
    if base.rows.keys() != answer.rows.keys():
        how = f"{len(base.rows)} → {len(answer.rows)} customers"
    else:
        scores = sum(base.rows[one]["propensity_score"] != answer.rows[one]["propensity_score"] for one in base.rows)
        rows = sum(base.rows[one] != answer.rows[one] for one in base.rows)
        how = f"{rows} rows and {scores} scores of {len(base.rows)}, first {difference(base.rows, answer.rows)}"
    if figures(answer.rows) == figures(base.rows):
        # An exporter may lose letters that its encoding lacks.
        return "same scores, other texts", how
    if any(issue["count"] for issue in new.values()):
        return "different, said", f"{said} ({how})"
    return "SILENTLY DIFFERENT", how


def figures(value):
    """The value without what its texts say."""
    if isinstance(value, dict):
        return {key: figures(inner) for key, inner in value.items()}
    return [figures(inner) for inner in value] if isinstance(value, list) else "" if isinstance(value, str) else value


def tried(write, tables, source, base):
    """What comes of one exporter and one kind of columns."""
    shutil.rmtree(source, ignore_errors=True)
    source.mkdir()
    try:
        write(tables, source)
        result, said = verdict(base, ask(source))
    except Exception as error:
        traceback.print_exc(limit=-2)
        result, said = "not written", f"{type(error).__name__}: {error}"
    said = re.sub(RANDOM, "…", said.replace(f"{source}/", "").replace(str(source), "the folder"))
    return result, " ".join(said.split()).replace("|", "\\|")[:200]


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--only", default="", help="exporters whose name and format match this regular expression")
    arguments.add_argument("--keep", type=pathlib.Path, help="keep the sources in this folder")
    arguments.add_argument("--customers", type=int, default=200)
    arguments.add_argument("--page", type=pathlib.Path, help="replace the table at the end of this page")
    options = arguments.parse_args()
    folder = options.keep or pathlib.Path(tempfile.mkdtemp(prefix="exporters-"))
    folder.mkdir(exist_ok=True, parents=True)
    demo(folder / "demo", options.customers)
    shutil.rmtree(folder / "original", ignore_errors=True)
    rows = original.original(folder / "demo", folder / "original")
    base = ask(folder / "original")
    assert base.rows, base.refusal
    tables = {kind: original.arrow(rows, kind) for kind in original.KINDS}
    results, lines = set(), []

    def line(text):
        lines.append(text)
        print(text, flush=True)

    line(f"{HEAD}{' | '.join(original.KINDS.values())} |")
    line("|---|---|---|---|")
    for (tool, form), write in exporters.EXPORTERS.items():
        if not re.search(options.only, f"{tool} {form}", re.IGNORECASE):
            continue
        cells = []
        for kind in original.KINDS:
            source = folder / re.sub(r"\W+", "-", f"{tool} {form} {kind}").strip("-").lower()
            result, said = tried(write, tables[kind], source, base)
            results.add(result)
            cells.append(f"{result}: {said}" if said else result)
            if options.keep is None:
                shutil.rmtree(source)
        line(f"| {tool} | {form} | {' | '.join(cells)} |")
    if options.page:
        before, _, _ = options.page.read_text().partition(HEAD)
        options.page.write_text(before + "\n".join(lines) + "\n")
    return 1 if "SILENTLY DIFFERENT" in results else 0


if __name__ == "__main__":
    with exporters.CLEAN_UP:
        sys.exit(main())
