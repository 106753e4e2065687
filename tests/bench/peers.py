#!/usr/bin/env python3
"""Compares expansion-bench with LightGBM, EBM and scikit-learn's logistic regression on the same files.

    pip install -r tests/bench/requirements.txt
    cargo build --release -p expansion-bench
    tests/bench/peers.py --train A.csv --test B.csv --label y [--group COL] [--segment COL]

Prints a Markdown table. Every model runs on one core, in this run. LightGBM stops early on a fifth of the training
customers (groups), and is then fitted again to all rows with the number of trees found.
"""

import argparse
import json
import os
import subprocess
import sys
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


def ece(y, p):
    """Σ |mean probability − share of expansions| · share of rows, over ten bins of equal size."""
    order = np.argsort(-p, kind="stable")
    size = -(-len(p) // 10)
    return sum(abs((p[i] - y[i]).sum()) for i in (order[s : s + size] for s in range(0, len(p), size))) / len(p)


def figures(y, p, cpu):
    return dict(zip(COLUMNS, [roc_auc_score(y, p), average_precision_score(y, p), log_loss(y, p),
                              brier_score_loss(y, p), ece(y, p), cpu]))


def read(path):
    with open(path) as file:
        head = file.readline()
    return pd.read_csv(path, sep=";" if head.count(";") > head.count(",") else ",")


def ours(arguments):
    command = [os.environ.get("EXPANSION_BENCH", str(ROOT / "target/release/expansion-bench")), "table"]
    for name in ("train", "test", "label", "group", "segment"):
        if value := getattr(arguments, name):
            command += [f"--{name}", value]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


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


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--train", required=True)
    parser.add_argument("--test", required=True)
    parser.add_argument("--label", required=True)
    parser.add_argument("--group")
    parser.add_argument("--segment")
    parser.add_argument("--without", nargs="*", default=[], choices=["lightgbm", "ebm", "logistic"])
    parser.add_argument("--json", action="store_true", help="one JSON object instead of the table")
    arguments = parser.parse_args()

    train, test = read(arguments.train), read(arguments.test)
    y, y_test = train[arguments.label].to_numpy(), test[arguments.label].to_numpy()
    groups = train[arguments.group].to_numpy() if arguments.group else np.arange(len(train))
    columns = [c for c in train.columns if c not in (arguments.label, arguments.group)]
    x, x_test = train[columns].copy(), test[columns].copy()
    for column in columns:
        if not pd.api.types.is_numeric_dtype(x[column]):
            levels = x[column].dropna().astype(str).unique()
            for frame in (x, x_test):
                frame[column] = pd.Categorical(frame[column].astype(str).where(frame[column].notna()), levels)

    result = {}
    own = ours(arguments)
    result[f"expansion-propensity ({own['family']})"] = {name: own[name] for name in COLUMNS}
    for name, fit in (("LightGBM", lightgbm), ("EBM", ebm), ("logistic regression", logistic)):
        if name.split()[0].lower() in arguments.without:
            continue
        frames = (x, x_test)
        if fit is logistic:
            frames = tuple(f.astype({c: object for c in f.select_dtypes("category").columns}) for f in frames)
        start = time.process_time()
        p = fit(frames[0], y, groups, frames[1])
        result[name] = figures(y_test, p, time.process_time() - start)

    if arguments.json:
        json.dump(result, sys.stdout)
        print()
        return
    print(f"{len(train)} rows to fit on, {len(test)} to try on, base rate {y_test.mean():.3f}\n")
    print("| | AUC | PR-AUC | log-loss | Brier | calibration error | CPU s |\n|---|---|---|---|---|---|---|")
    for name, r in result.items():
        print(f"| {name} | {r['auc']:.4f} | {r['pr_auc']:.4f} | {r['log_loss']:.4f} | {r['brier']:.4f} "
              f"| {r['ece']:.4f} | {r['cpu_seconds']:.1f} |")


if __name__ == "__main__":
    main()
