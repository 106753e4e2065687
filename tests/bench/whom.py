#!/usr/bin/env python3
"""Whom to call: compares the model with LightGBM and with the truth, among customers whom nobody works on, over several seeds.

    pip install -r tests/bench/requirements.txt
    cargo build --release -p expansion-bench -p expansion-local
    tests/bench/whom.py [--seeds 61-70] [--customers 3000] [--work FOLDER]

Each seed is a simulated portfolio, written by `demo` with its truth. Both models are fitted on the same rows with the same
features, on one core, and tried on the newest cutoffs. Prints Markdown tables: the means over the seeds, and the mean
differences seed by seed with their standard errors. The truth is the customers' true probability at the cutoff: what
it reaches is the most that a model can reach but by luck. With --work, data sets and LightGBM's answers are kept there and
used again.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import peers  # keeps every library to one core: first

import numpy as np
import pandas as pd
from sklearn.metrics import average_precision_score, log_loss, roc_auc_score

AS_OF = "2026-06-30"
# Name and digits of each figure; those among all customers first.
FIGURES = {"AUC, all": 4, "AUC": 4, "PR-AUC": 4, "log-loss": 4, "lift at 5 %": 2, "lift at 10 %": 2}
US, LIGHTGBM, TRUTH = "expansion-propensity", "LightGBM", "the truth itself"


def program(name):
    variable = name.upper().replace("-", "_")
    return os.environ.get(variable, str(peers.ROOT / "target/release" / name))


def run(*command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def simulated(work, seed, customers):
    """The folder of a portfolio and the file of its truth."""
    source, truth = work / f"demo-{seed}", work / f"truth-{seed}.csv"
    if not truth.exists():
        # Under another name until it is whole.
        part = truth.with_suffix(".part")
        run(program("expansion-local"), "demo", "--out", str(source), "--customers", str(customers), "--seed", str(seed),
            "--truth", str(part))
        part.rename(truth)
    return source, truth


def known_truth(file, rows):
    """The true probability of each row: NaN where the file has none."""
    truth = pd.read_csv(file, dtype={"customer_id": str, "cutoff": str})
    rows = rows.merge(truth, how="left", on=["customer_id", "cutoff"], validate="many_to_one")
    return rows.probability.to_numpy()


def by_lightgbm(work, seed, train, test):
    kept = work / f"lightgbm-{seed}.npz"
    columns = [column for column in train.columns if column not in ("customer", "expanded")]
    # Answers to other rows or features are of no use.
    key = np.array([len(train), len(test), train.expanded.sum(), *sorted(columns)], dtype=str)
    if kept.exists():
        with np.load(kept) as answers:
            if np.array_equal(answers["key"], key):
                return answers["p"]
    x, x_test = peers.framed(train, test, columns)
    p = peers.lightgbm(x, train.expanded.to_numpy(), train.customer.to_numpy(), x_test)
    np.savez(kept, p=p, key=key)
    return p


def figures(y, p, unworked):
    y_unworked, p_unworked = y[unworked], p[unworked]
    # The truth may say 0 of what happened: a few hundred futures don't show everything.
    clipped = np.clip(p_unworked, 1e-4, 1 - 1e-4)
    values = [roc_auc_score(y, p), roc_auc_score(y_unworked, p_unworked), average_precision_score(y_unworked, p_unworked),
              log_loss(y_unworked, clipped), peers.lift(y_unworked, p_unworked, 0.05),
              peers.lift(y_unworked, p_unworked, 0.1)]
    return dict(zip(FIGURES, values))


def one_seed(work, seed, arguments):
    source, truth = simulated(work, seed, arguments.customers)
    tables = work / f"tables-{seed}"
    json.loads(run(program("expansion-bench"), "portfolio", "--source", str(source), "--as-of", AS_OF,
                   "--tables", str(tables), "--out", str(tables) + ".csv"))
    train, test = pd.read_csv(tables / "train.csv"), pd.read_csv(tables / "test.csv")
    rows = pd.read_csv(tables / "test_rows.csv", dtype=str)
    y = test.expanded.to_numpy()
    truths = known_truth(truth, rows)
    known = ~np.isnan(truths)
    unworked = peers.is_unworked(test, arguments.stale_deal_days)
    said = {US: pd.read_csv(str(tables) + ".csv").p.to_numpy(), LIGHTGBM: by_lightgbm(work, seed, train, test),
            TRUTH: truths}
    result = {name: figures(y[known], p[known], unworked[known]) for name, p in said.items()}
    sizes = {"rows": int(known.sum()), "without truth": int((~known).sum()), "unworked": int(unworked[known].sum()),
             "expansions among them": int(y[known & unworked].sum())}
    print(seed, sizes, {name: round(r["AUC"], 4) for name, r in result.items()}, file=sys.stderr, flush=True)
    return result, sizes


def seeds(text):
    first, _, last = text.partition("-")
    found = range(int(first), int(last or first) + 1)
    if len(found) < 2:
        raise argparse.ArgumentTypeError("standard errors need two seeds or more, such as 61-70")
    return found


def difference(results, one, other, figure):
    """The mean difference over the seeds, and its standard error."""
    differences = np.array([result[one][figure] - result[other][figure] for result in results])
    return differences.mean(), differences.std(ddof=1) / len(differences) ** 0.5


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=seeds, default="61-70")
    parser.add_argument("--customers", type=int, default=3000)
    parser.add_argument("--stale-deal-days", type=float, default=180)
    parser.add_argument("--work", type=Path, help="keep data sets and LightGBM's answers here")
    arguments = parser.parse_args()

    with tempfile.TemporaryDirectory() as scratch:
        work = arguments.work or Path(scratch)
        work.mkdir(parents=True, exist_ok=True)
        measured = [one_seed(work, seed, arguments) for seed in arguments.seeds]
    results = [result for result, _ in measured]
    sizes = {name: sum(size[name] for _, size in measured) for name in measured[0][1]}
    print(f"{len(results)} seeds, {arguments.customers} customers each; " +
          ", ".join(f"{count:,} {name}" for name, count in sizes.items()) + "\n")
    heading = "| | " + " | ".join(FIGURES) + " |\n|---|" + "---|" * len(FIGURES)
    print(heading)
    for name in (US, LIGHTGBM, TRUTH):
        means = (f"{np.mean([result[name][figure] for result in results]):.{digits}f}" for figure, digits in FIGURES.items())
        print(f"| {name} | " + " | ".join(means) + " |")
    for other in (LIGHTGBM, TRUTH):
        cells = []
        for figure, digits in FIGURES.items():
            mean, error = difference(results, US, other, figure)
            cells.append(f"{mean:+.{digits}f} ± {error:.{digits}f}")
        print(f"| {US} less {other} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
