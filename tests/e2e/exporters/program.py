"""Has the program read a source, and says what its answers have in common with those of another."""

import dataclasses
import json
import os
import subprocess

AS_OF = "2026-06-30"
# What differs from run to run of one source.
OF_THE_RUN = {"id", "run_id", "model_id", "calculated_at", "requested_at", "touched_at", "trained_at", "cause"}


@dataclasses.dataclass
class Answer:
    """What the program makes of a source: rows and what it says of the data, or why it refuses it."""

    rows: dict | None
    issues: list
    refusal: str | None


def program(*arguments):
    return subprocess.run([os.environ["EXPANSION_LOCAL"], *arguments], capture_output=True, text=True)


def demo(folder, customers):
    written = program("demo", "--out", folder, "--customers", str(customers), "--seed", "7")
    assert written.returncode == 0, written.stderr


def ask(source):
    done = program("--source", source, "--as-of", AS_OF, "--once", "--json")
    if done.returncode != 0:
        said = [line for line in done.stderr.splitlines() if line.strip()]
        return Answer(None, [], said[-1] if said else f"exit code {done.returncode}")
    document = json.loads(done.stdout)
    rows = {row["customer_id"]: timeless(row) for row in document["rows"]}
    return Answer(rows, document["data_issues"], None)


def timeless(value):
    """The value without what belongs to the run rather than to the data."""
    if isinstance(value, dict):
        return {key: timeless(inner) for key, inner in value.items() if key not in OF_THE_RUN}
    return [timeless(inner) for inner in value] if isinstance(value, list) else value


def difference(base, other, path=""):
    """The first place where two values differ; nothing if they don't."""
    if base == other:
        return None
    if isinstance(base, dict) and isinstance(other, dict):
        keys = [*base, *(key for key in other if key not in base)]
        key = next(key for key in keys if base.get(key) != other.get(key))
        return difference(base.get(key), other.get(key), f"{path}.{key}")
    if isinstance(base, list) and isinstance(other, list) and len(base) == len(other):
        place = next(place for place, (one, another) in enumerate(zip(base, other)) if one != another)
        return difference(base[place], other[place], f"{path}[{place}]")
    return f"{path.lstrip('.')}: {json.dumps(base)[:60]} → {json.dumps(other)[:60]}"
