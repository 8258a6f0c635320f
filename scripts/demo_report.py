"""Reads the log of one job (act --json), prints a line a step; writes the job's step summary to the file named."""

import json
import re
import sys

COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def main(summary_path: str) -> int:
    log, summary, result, total = [], [], None, 0.0
    compiled: dict[str, int] = {}
    hits: dict[str, dict[str, str]] = {}
    for line in sys.stdin:
        try:
            event = json.loads(line)
        except ValueError:
            event = {"msg": line}
        message = COLOUR.sub("", event.get("msg", ""))
        log.append(message)
        result = event.get("jobResult", result)
        # Steps inside of a composite action have longer ids.
        if event.get("stage") != "Main" or len(event["stepID"]) != 1:
            continue
        step = event["step"]
        if event.get("raw_output"):
            compiled[step] = compiled.get(step, 0) + message.lstrip().startswith("Compiling ")
        elif event.get("command") == "set-output":
            hits.setdefault(step, {})[event["name"]] = event["arg"]
        elif event.get("command") == "summary":
            summary.append(event["content"])
        elif event.get("stepResult"):
            seconds = event["executionTime"] / 1e9
            total += seconds
            note = ""
            if step in compiled and step.startswith("cargo"):
                note = f"{compiled[step]} crates compiled"
            elif "target-hit" in hits.get(step, {}):
                note = "cargo: {cargo-hit}, target: {target-hit}".format(**hits[step])
            print(f"   {step:<12}{seconds:8.2f} s   {note}".rstrip(), flush=True)
    if result != "success":
        sys.stdout.writelines(message.rstrip("\n") + "\n" for message in log)
        return 1
    print(f"   {'together':<12}{total:8.2f} s")
    with open(summary_path, "w", encoding="utf-8") as file:
        file.writelines(summary)
    return 0


sys.exit(main(sys.argv[1]))
