# SPDX-License-Identifier: Apache-2.0
"""The goals, and how the measured medians stand to them."""

OURS = "proctor"

# scenario, peer, at least or at most, factor
RATIO_GOALS = [
    ("submit-64", "bullmq", ">=", 2),
    ("submit-64", "beanstalkd", ">=", 2.5),
    ("submit-64", "pgbench insert", ">=", 1.5),
    ("submit-1", "beanstalkd", ">=", 0.6),
    ("submit-1", "bullmq", "", None),
    ("submit-1", "pgbench insert", "", None),
    ("submit-64-slow", "beanstalkd", ">=", 20),
    ("submit-64-slow", "bullmq", "", None),
    ("submit-64-slow", "pgbench insert", "", None),
    ("life-64", "bullmq", ">=", 4),
    ("life-64", "pgbench claim+complete", ">=", 4),
    ("life-64", "pg-boss", ">=", 4),
    ("life-64", "beanstalkd", "", None),
    ("bulk", "graphile-worker addJobs", ">=", 4),
    ("bulk", "bullmq addBulk", "", None),
    ("playwright", "node cli.js test", "<=", 0.3),
    ("playwright", "npx playwright test", "<=", 0.25),
    ("syncs", "beanstalkd", "", None),
    ("syncs", "bullmq", "", None),
    ("syncs", "pgbench insert", "", None),
]


# scenario, ours, peer, figure, its unit, at least or at most, factor
FIGURE_GOALS = [
    ("browser-test", OURS, "playwright-core", "medianMs", "ms", "<=", 0.4),
    ("browser-test", OURS, "playwright-core", "p95Ms", "ms", "", None),
    ("browser-test", OURS, "playwright-core", "cpuMs", "ms CPU", "<=", 0.4),
    ("browser-test", OURS, "playwright-core", "driverMs", "ms CPU, driver", "", None),
    ("browser-test", OURS, "testcafe", "medianMs", "ms", "<=", 0.1),
    ("browser-test", OURS, "testcafe", "cpuMs", "ms CPU", "", None),
] + [
    ("browser-connections", f"proctor, {n}", f"playwright-core, {n}", figure, unit, "", None)
    for n in (1, 2, 4)
    for figure, unit in (("testsPerSecond", "tests/s"), ("cpuMs", "ms CPU"),
                         ("connectionMb", "MiB each"))
] + [
    ("browser-suite", OURS, peer, figure, unit, sign, factor)
    for peer, sign, factor in (("testcafe", "<=", 0.1), ("playwright cli.js", "", None))
    for figure, unit in (("wallMs", "ms"), ("cpuMs", "ms CPU"))
] + [
    ("browser-suite", "proctor, Playwright", "playwright cli.js", "cpuMs", "ms CPU", "", None),
    ("browser-single", OURS, "testcafe", "wallMs", "ms", "<=", 0.1),
    ("browser-single", OURS, "playwright cli.js", "wallMs", "ms", "", None),
    ("browser-single", "proctor, Playwright", "playwright cli.js", "wallMs", "ms", "<=", 0.3),
    ("browser-single", "proctor, Playwright", "npx playwright", "wallMs", "ms", "<=", 0.25),
]


def verdicts(result):
    found = []
    for scenario, peer, sign, factor in RATIO_GOALS:
        found += ratio_verdict(result, scenario, peer, sign, factor)
    for scenario, ours, peer, figure, unit, sign, factor in FIGURE_GOALS:
        found += ratio_verdict(result, scenario, peer, sign, factor, ours, figure, unit)
    for scenario, judge in (("latency", judge_latency), ("idle", judge_idle),
                            ("cold-start", judge_cold_start), ("streams", judge_streams),
                            ("backlog", judge_backlog),
                            ("browser-connections", judge_contexts),
                            ("browser-jobs", judge_jobs), ("browser-suite", judge_suite)):
        summary = result["scenarios"].get(scenario, {}).get("summary")
        if summary:
            found += [dict(verdict, scenario=scenario) for verdict in judge(summary)]
    return found


def ratio_verdict(result, scenario, peer, sign, factor, who=OURS, figure="rate", unit=None):
    measured = result["scenarios"].get(scenario)
    if not measured:
        return []
    ours, theirs = (measured["summary"].get(name, {}).get(figure) for name in (who, peer))
    verdict = {"scenario": scenario if who == OURS else f"{scenario}: {who}", "peer": peer,
               "unit": unit or measured["unit"], "figure": figure,
               "goal": f"{sign} {factor:g} x" if sign else "-", "ours": ours, "theirs": theirs}
    if not ours or not theirs:
        return [dict(verdict, ratio=None, verdict="no figure")]
    ratio = ours["median"] / theirs["median"]
    return [dict(verdict, ratio=ratio, rounds=round_ratios(measured["rows"], who, peer, figure),
                 verdict=judged(ratio, sign, factor))]


def round_ratios(rows, who, peer, figure):
    """Range of the ratios within a round: what was measured in the same seconds."""
    found = {(row["round"], row["contestant"]): row[figure] for row in rows
             if not row["errors"] and figure in row}
    ratios = [value / found[(number, peer)] for (number, name), value in found.items()
              if name == who and found.get((number, peer))]
    return [min(ratios), max(ratios)] if ratios else None


def judged(value, sign, goal):
    if not sign:
        return ""
    return "reached" if (value >= goal if sign == ">=" else value <= goal) else "SHORT"


def absolute(what, value, unit, sign, goal):
    return {"what": what, "value": value, "unit": unit, "goal": f"{sign} {goal:.4g} {unit}",
            "verdict": judged(value, sign, goal)}


def judge_latency(summary):
    row = {key: value["median"] for key, value in summary[OURS].items()}
    return [absolute("dispatch p50 (goal: one fdatasync + 0.5 ms)", row["p50Ms"], "ms", "<=",
                     row["diskP50Ms"] + 0.5),
            absolute("dispatch p99 (goal: 3 x fdatasync p99)", row["p99Ms"], "ms", "<=",
                     3 * row["diskP99Ms"])]


def judge_idle(summary):
    row = {key: value["median"] for key, value in summary[OURS].items()}
    found = [absolute("idle, resident", row["rssKb"] / 1024, "MiB", "<=", 12),
             absolute("idle, bytes written in 5 s", row["written"], "B", "<=", 0),
             absolute("idle, processor", row["cpuPercent"], "%", "<=", 0.1)]
    both = summary.get("proctor and its worker")
    if both:
        found.append({"what": "idle with the local worker, Pss of the tree",
                      "value": both["pssKb"]["median"] / 1024, "unit": "MiB", "goal": "-",
                      "verdict": ""})
    return found


def judge_cold_start(summary):
    return [absolute("exec to listening", summary[OURS]["p50Ms"]["median"], "ms", "<=", 50)]


def judge_streams(summary):
    found = []
    if OURS in summary:
        found.append(absolute("one event to 2,000 readers, p99", summary[OURS]["p99Ms"]["median"],
                              "ms", "<=", 10))
    many = summary.get("proctor, 10,000 streams")
    if many:
        found.append(absolute("10,000 idle streams, memory on top", many["idleMb"]["median"],
                              "MiB", "<=", 40))
    return found


def judge_backlog(summary):
    sizes = [size for size in (1000, 100_000, 1_000_000, 10_000_000)
             if f"proctor, {size:,} queued" in summary]
    found = []
    for size in sizes:
        row = {key: value["median"] for key, value in summary[f"proctor, {size:,} queued"].items()}
        base = summary[f"proctor, {sizes[0]:,} queued"]["rate"]["median"]
        loss = 100 * (1 - row["rate"] / base)
        limit = {10_000_000: 15}.get(size, 5)
        label = f"{size:,} queued"
        found.append({"what": f"{label}, completions", "value": row["rate"], "unit": "jobs/s",
                      "goal": "-", "verdict": ""})
        if size != sizes[0]:
            found.append(absolute(f"{label}, loss of throughput", loss, "%", "<=", limit))
        found.append({"what": f"{label}, resident", "value": row["rssKb"] / 1024, "unit": "MiB",
                      "goal": "-", "verdict": ""})
        found.append(absolute(f"{label}, kill -9 to first lease", row["firstLeaseMs"], "ms", "<=",
                              200))
    return found


def plain(what, value, unit):
    return {"what": what, "value": value, "unit": unit, "goal": "-", "verdict": ""}


def judge_contexts(summary):
    """What an open page adds to a warm browser; every connection of ours has its own browser."""
    one = summary.get("proctor, 1")
    found = [absolute("an open context and page", one["contextMb"]["median"], "MiB, Pss", "<=",
                      16)] if one else []
    return found + [plain(f"{name}, a connection in a test",
                          row["heldMb"]["median"] / int(name.split()[-1]), "MiB, Pss")
                    for name, row in summary.items()]


def judge_jobs(summary):
    return [plain(f"{name} of one job", row["testsPerSecond"]["median"], "tests/s")
            for name, row in summary.items()]


def judge_suite(summary):
    ours = summary.get("proctor, Playwright")
    return [absolute("20 Playwright tests in one job, each", ours["cpuMs"]["median"] / 1000,
                     "CPU-s", "<=", 0.45)] if ours else []


# ---- the table ----------------------------------------------------------------------------------


def print_table(result):
    print("\n")
    lines = [("scenario", "Proctor, median (range)", "peer", "peer, median (range)", "ratio",
              "goal", "verdict")]
    for verdict in result["verdicts"]:
        if "peer" in verdict:
            lines.append((verdict["scenario"], spread(verdict["ours"], verdict["unit"]),
                          verdict["peer"], spread(verdict["theirs"], verdict["unit"]),
                          ratio_text(verdict), verdict["goal"], verdict["verdict"]))
        else:
            lines.append((verdict["scenario"], f"{number(verdict['value'])} {verdict['unit']}",
                          verdict["what"], "", "", verdict["goal"], verdict["verdict"]))
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    for at, line in enumerate(lines):
        print("  ".join(text.ljust(width) for text, width in zip(line, widths)).rstrip())
        if at == 0:
            print("  ".join("-" * width for width in widths))

    unsteady = [name for name, s in result["scenarios"].items() if s.get("diskSteady") is False]
    if unsteady:
        print("\nThe disk moved by more than 30 % between the calibrations around: "
              + ", ".join(unsteady) + ". Compare ratios, not rates.")
    busy = max((c["load"] for c in result["calibrations"]), default=0)
    print(f"\nHighest load average while calibrating: {busy} (includes the bench itself).")


def ratio_text(verdict):
    if verdict["ratio"] is None:
        return "-"
    text = f"{verdict['ratio']:.2f}"
    if verdict.get("rounds"):
        text += f" ({verdict['rounds'][0]:.2f}-{verdict['rounds'][1]:.2f})"
    return text


def spread(figure, unit):
    if not figure:
        return "-"
    return f"{number(figure['median'])} ({number(figure['min'])}-{number(figure['max'])}) {unit}"


def number(value):
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
