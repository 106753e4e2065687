"""Writes the demo with each exporter's defaults, has the program read it, and compares its answers with the original's.

Prints a Markdown table. Exits with 1 if one answer is silently another.
"""

import argparse
import json
import pathlib
import re
import shutil
import sys
import tempfile
import traceback

import exporters
import original
from program import ask, demo, difference


def verdict(base, answer):
    if answer.refusal:
        return "refused", answer.refusal
    new = [issue for issue in answer.issues if issue not in base.issues]
    said = "; ".join(json.dumps(issue, ensure_ascii=False) for issue in new)
    if answer.rows == base.rows:
        return "same", said
    if base.rows.keys() != answer.rows.keys():
        how = f"{len(base.rows)} → {len(answer.rows)} customers"
    else:
        scores = sum(base.rows[one]["propensity_score"] != answer.rows[one]["propensity_score"] for one in base.rows)
        rows = sum(base.rows[one] != answer.rows[one] for one in base.rows)
        how = f"{rows} rows and {scores} scores of {len(base.rows)} differ, first {difference(base.rows, answer.rows)}"
    return ("different, said", f"{said} ({how})") if said else ("SILENTLY DIFFERENT", how)


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--only", default="", help="exporters whose name and format match this regular expression")
    arguments.add_argument("--keep", type=pathlib.Path, help="keep the sources in this folder")
    arguments.add_argument("--customers", type=int, default=200)
    options = arguments.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="exporters-")) if options.keep is None else options.keep
    folder.mkdir(exist_ok=True, parents=True)
    demo(folder / "demo", options.customers)
    shutil.rmtree(folder / "original", ignore_errors=True)
    rows = original.original(folder / "demo", folder / "original")
    base = ask(folder / "original")
    assert base.rows, base.refusal
    tables = {kind: original.arrow(rows, kind) for kind in original.KINDS}
    silent = 0
    print("| Exporter | Format | Columns | Result | |\n|---|---|---|---|---|", flush=True)
    for (tool, form), write in exporters.EXPORTERS.items():
        if not re.search(options.only, f"{tool} {form}", re.IGNORECASE):
            continue
        for kind in original.KINDS:
            source = folder / re.sub(r"\W+", "-", f"{tool} {form} {kind}").strip("-").lower()
            shutil.rmtree(source, ignore_errors=True)
            source.mkdir()
            try:
                write(tables[kind], source)
                result, said = verdict(base, ask(source))
            except Exception as error:
                traceback.print_exc(limit=-2)
                result, said = "not written", f"{type(error).__name__}: {error}"
            said = " ".join(said.replace(str(folder), "").split()).replace("|", "\\|")[:400]
            silent += result.startswith("SILENT")
            print(f"| {tool} | {form} | {kind} | {result} | {said} |", flush=True)
            if options.keep is None:
                shutil.rmtree(source)
    return 1 if silent else 0


if __name__ == "__main__":
    with exporters.CLEAN_UP:
        sys.exit(main())
