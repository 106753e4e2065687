#!/usr/bin/env python3
"""Compares expansion-bench with LightGBM, EBM and scikit-learn's logistic regression on the same files.

    pip install -r tests/bench/requirements.txt
    cargo build --release -p expansion-bench
    tests/bench/peers.py --train A.csv --test B.csv --label y [--group COL] [--segment COL]

Prints a Markdown table; where there is a column open_deal_age (--tables of the portfolio command writes one) also a second
one, among the customers whom nobody works on: without an open deal, or with a stale one. Every model runs on one core, in this run. LightGBM stops early on a fifth of the training
customers (groups), and is then fitted again to all rows with the number of trees found.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "LOKY_MAX_CPU_COUNT"):
    os.environ[variable] = "1"

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, brier_score_loss, log_loss, roc_auc_score
from sklearn.model_selection import GroupShuffleSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer

ROOT = Path(__file__).resolve().parents[2]
COLUMNS = ["auc", "pr_auc", "log_loss", "brier", "ece", "cpu_seconds"]
UNWORKED_COLUMNS = ["auc", "pr_auc", "log_loss", "lift_at_5", "lift_at_10"]


def ece(y, p):
    """Σ |mean probability − share of expansions| · share of rows, over ten bins of equal size."""
    order = np.argsort(-p, kind="stable")
    size = -(-len(p) // 10)
    return sum(abs((p[i] - y[i]).sum()) for i in (order[s : s + size] for s in range(0, len(p), size))) / len(p)


def figures(y, p, cpu):
    return dict(zip(COLUMNS, [roc_auc_score(y, p), average_precision_score(y, p), log_loss(y, p),
                              brier_score_loss(y, p), ece(y, p), cpu]))


def lift(y, p, share):
    """Share of expansions among the best-ranked, over the base rate; rows tied at the border take part in proportion."""
    size = share * len(y)
    ranked = pd.DataFrame({"p": p, "y": y}).groupby("p").y.agg(["size", "sum"]).sort_index(ascending=False)
    before = ranked["size"].cumsum() - ranked["size"]
    taken = (size - before).clip(lower=0).clip(upper=ranked["size"])
    return (ranked["sum"] * taken / ranked["size"]).sum() / size / y.mean()


def unworked_figures(y, p):
    return dict(zip(UNWORKED_COLUMNS, [roc_auc_score(y, p), average_precision_score(y, p), log_loss(y, p),
                                       lift(y, p, 0.05), lift(y, p, 0.1)]))


def is_unworked(rows, stale_deal_days):
    """Which rows are of customers whom nobody works on."""
    return ~(rows.open_deal_age <= stale_deal_days).to_numpy()


def read(path):
    with open(path) as file:
        head = file.readline()
    return pd.read_csv(path, sep=";" if head.count(";") > head.count(",") else ",")


def ours(arguments):
    """The figures, and the probability of each test row."""
    command = [os.environ.get("EXPANSION_BENCH", str(ROOT / "target/release/expansion-bench")), "table"]
    for name in ("train", "test", "label", "group", "segment"):
        if value := getattr(arguments, name):
            command += [f"--{name}", value]
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "p.csv"
        command += ["--out", str(out)]
        measured = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
        return measured, pd.read_csv(out).p.to_numpy()


def split(groups, seed=0):
    fit, stop = next(GroupShuffleSplit(1, test_size=0.2, random_state=seed).split(groups, groups=groups))
    return fit, stop


def lightgbm(x, y, groups, test):
    import lightgbm as lgb

    options = dict(learning_rate=0.03, num_leaves=15, min_child_samples=50, subsample=0.8, subsample_freq=1,
                   colsample_bytree=0.8, n_jobs=1, verbose=-1, random_state=0)
    fit, stop = split(groups)
    model = lgb.LGBMClassifier(n_estimators=3000, **options)
    model.fit(x.iloc[fit], y[fit], eval_set=[(x.iloc[stop], y[stop])], eval_metric="binary_logloss",
              callbacks=[lgb.early_stopping(100, verbose=False)])
    final = lgb.LGBMClassifier(n_estimators=max(model.best_iteration_, 1), **options).fit(x, y)
    return final.predict_proba(test)[:, 1]


def ebm(x, y, groups, test):
    from interpret.glassbox import ExplainableBoostingClassifier

    return ExplainableBoostingClassifier(n_jobs=1, random_state=0).fit(x, y).predict_proba(test)[:, 1]


def logistic(x, y, groups, test):
    numbers = x.select_dtypes("number").columns
    texts = x.columns.difference(numbers)
    code = make_column_transformer(
        (make_pipeline(SimpleImputer(add_indicator=True), StandardScaler()), numbers),
        (OneHotEncoder(handle_unknown="ignore", min_frequency=10), texts),
    )
    return make_pipeline(code, LogisticRegression(max_iter=1000)).fit(x, y).predict_proba(test)[:, 1]


def framed(train, test, columns):
    """The features of both tables, with texts as categories of the training table."""
    x, x_test = train[columns].copy(), test[columns].copy()
    for column in columns:
        if not pd.api.types.is_numeric_dtype(x[column]):
            levels = x[column].dropna().astype(str).unique()
            for frame in (x, x_test):
                frame[column] = pd.Categorical(frame[column].astype(str).where(frame[column].notna()), levels)
    return x, x_test


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--train", required=True)
    parser.add_argument("--test", required=True)
    parser.add_argument("--label", required=True)
    parser.add_argument("--group")
    parser.add_argument("--segment")
    parser.add_argument("--without", nargs="*", default=[], choices=["lightgbm", "ebm", "logistic"])
    parser.add_argument("--stale-deal-days", type=float, default=180, help="from then on nobody works on an open deal")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of the tables")
    arguments = parser.parse_args()

    train, test = read(arguments.train), read(arguments.test)
    y, y_test = train[arguments.label].to_numpy(), test[arguments.label].to_numpy()
    groups = train[arguments.group].to_numpy() if arguments.group else np.arange(len(train))
    columns = [c for c in train.columns if c not in (arguments.label, arguments.group)]
    x, x_test = framed(train, test, columns)

    result, said = {}, {}
    own, p = ours(arguments)
    name = f"expansion-propensity ({own['family']})"
    result[name], said[name] = {name: own[name] for name in COLUMNS}, p
    for name, fit in (("LightGBM", lightgbm), ("EBM", ebm), ("logistic regression", logistic)):
        if name.split()[0].lower() in arguments.without:
            continue
        frames = (x, x_test)
        if fit is logistic:
            frames = tuple(f.astype({c: object for c in f.select_dtypes("category").columns}) for f in frames)
        start = time.process_time()
        p = fit(frames[0], y, groups, frames[1])
        result[name], said[name] = figures(y_test, p, time.process_time() - start), p
    unworked = is_unworked(test, arguments.stale_deal_days) if "open_deal_age" in test else np.zeros(len(test), bool)
    if unworked.any():
        for name, p in said.items():
            result[name]["unworked"] = unworked_figures(y_test[unworked], p[unworked])

    if arguments.json:
        json.dump(result, sys.stdout)
        print()
        return
    print(f"{len(train)} rows to fit on, {len(test)} to try on, base rate {y_test.mean():.3f}\n")
    print("| | AUC | PR-AUC | log-loss | Brier | calibration error | CPU s |\n|---|---|---|---|---|---|---|")
    for name, r in result.items():
        print(f"| {name} | {r['auc']:.4f} | {r['pr_auc']:.4f} | {r['log_loss']:.4f} | {r['brier']:.4f} "
              f"| {r['ece']:.4f} | {r['cpu_seconds']:.1f} |")
    if not unworked.any():
        return
    print(f"\nCustomers whom nobody works on: {unworked.sum()} rows, base rate {y_test[unworked].mean():.3f}\n")
    print("| | AUC | PR-AUC | log-loss | lift at 5 % | lift at 10 % |\n|---|---|---|---|---|---|")
    for name, r in result.items():
        r = r["unworked"]
        print(f"| {name} | {r['auc']:.4f} | {r['pr_auc']:.4f} | {r['log_loss']:.4f} | {r['lift_at_5']:.2f} "
              f"| {r['lift_at_10']:.2f} |")


if __name__ == "__main__":
    main()
