"""The outcome of a run: medians, their ratios, and how far the rounds lie apart."""

from __future__ import annotations

import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Mapping
from pathlib import Path

RESULTS = Path(__file__).parent / "results"


class Results:
    """Figures of two servers, by measure and round."""

    def __init__(self, baseline: str, gateway: str) -> None:
        self.baseline = baseline
        self.gateway = gateway
        self.samples: dict[str, dict[str, list[float]]] = {}

    def add(self, server: str, figures: Mapping[str, float]) -> None:
        for measure, value in figures.items():
            self.samples.setdefault(measure, {self.baseline: [], self.gateway: []})[server].append(value)

    def table(self) -> str:
        """One line for each measure. The spread is of the rounds' ratios, without the outer tenths."""
        lines = [f"| | {self.baseline} | {self.gateway} | ratio | spread |", "|---|--:|--:|--:|--:|"]
        for measure, samples in self.samples.items():
            baseline, gateway = samples[self.baseline], samples[self.gateway]
            ratios = sorted(ours / theirs for theirs, ours in zip(baseline, gateway, strict=True))
            outer = len(ratios) // 10
            low, high = ratios[outer], ratios[-1 - outer]
            medians = statistics.median(baseline), statistics.median(gateway)
            lines.append(
                f"| {measure} | {medians[0]:.4g} | {medians[1]:.4g} | **{medians[1] / medians[0]:.2f}** "
                f"| {low:.2f}-{high:.2f} |"
            )
        return "\n".join(lines)


def show_progress(text: str) -> None:
    """On a terminal, one line that is written over and over."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\033[K{text}")
        sys.stderr.flush()


def write(results: Results) -> None:
    """Prints the table, and keeps it with all figures it was made from."""
    RESULTS.mkdir(exist_ok=True)
    stamp = time.strftime("%Y%m%d-%H%M%S")
    load = os.getloadavg()[0]
    machine = {"processors": os.cpu_count(), "load average": load, "python": platform.python_version()}
    table = results.table()
    (RESULTS / f"{stamp}.md").write_text(f"{table}\n")
    (RESULTS / f"{stamp}.json").write_text(json.dumps({"machine": machine, "samples": results.samples}, indent=1))
    show_progress("")
    sys.stdout.write(f"{table}\n\nload average {load:.1f} on {os.cpu_count()} processors\n")
