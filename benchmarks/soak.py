"""Send a million requests and check that memory stays flat: `python -m benchmarks.soak`.

A server with two workers gets a mixture: answers as JSON and as pages, curves, batches, mistakes, other versions. Its
memory is read 20 times on the way. Needs wrk (Debian: `apt install wrk`); takes some minutes.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlencode

from benchmarks.faults import server, versions
from benchmarks.measuring import machine, people
from benchmarks.starting import memory
from glassform.settings import ARTIFACTS

REQUESTS, PARTS, PEOPLE, SECONDS, CONNECTIONS = 1_000_000, 20, 2_000, 5, 16
MOST_GROWTH = 5  # MB, after the first quarter of the requests
SCRIPT = """
local mixture, i, threads = {{ {mixture} }}, 0, {{}}
request = function()
  i = i % #mixture + 1
  return wrk.format(unpack(mixture[i], 1, 4))
end
init = function() failures = 0 end
response = function(status)
  if status >= 500 then failures = failures + 1 end
end
setup = function(thread) table.insert(threads, thread) end
done = function(summary)
  local failed = summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout
  for _, thread in ipairs(threads) do failed = failed + thread:get("failures") end
  io.write(string.format("COUNTED %d %d\\n", summary.requests, failed))
end
"""
HTML = '{["Accept"] = "text/html"}'
SENT = '{["Content-Type"] = "application/json"}'


def mixture() -> list[str]:
    """Return requests as Lua tables: of each twenty, fifteen ask for an answer and five for something else."""
    made, every = [], people(PEOPLE)
    for number, person in enumerate(every):
        query = urlencode(person)
        several = json.dumps(every[number : number + 20])
        others = [
            f'{{"GET", "/probability?{query}", {HTML}}}',
            f'{{"GET", "/curves?{query}"}}',
            f'{{"GET", "/probability?{query}&age=x"}}',
            f'{{"POST", "/probabilities", {SENT}, [==[{several}]==]}}',
            f'{{"GET", "/probability?{query}&model=b"}}',
        ]
        place = number % 20
        made.append(others[place] if place < len(others) else f'{{"GET", "/probability?{query}"}}')
    return made


def main() -> None:
    """Send the requests and print the memory on the way."""
    parser = argparse.ArgumentParser(description="Send a server a million requests and watch its memory.")
    parser.add_argument("--requests", type=int, default=REQUESTS)
    wanted = parser.parse_args().requests
    print(f"{wanted:,} requests, {CONNECTIONS} connections, two workers; {machine()}\n")
    with versions(ARTIFACTS) as (registry, _), server(registry.folder) as (process, port):
        script = registry.folder / "mixture.lua"
        script.write_text(SCRIPT.format(mixture=", ".join(mixture())))
        total, failed, sizes = 0, 0, list[float]()
        print(f"{'requests':>12}  all MB")
        while total < wanted:
            if total >= wanted * len(sizes) / PARTS:
                sizes.append(memory(process.pid)["all"])
                print(f"{total:12,}  {sizes[-1]:6.1f}", flush=True)
            done, broken = ask(port, script)
            total, failed = total + done, failed + broken
        growth = memory(process.pid)["all"] - sizes[len(sizes) // 4]
    print(f"{total:12,}  {sizes[len(sizes) // 4] + growth:6.1f}")
    print(f"\nfailed or cut: {failed}; growth after the first quarter: {growth:.1f} MB (at most {MOST_GROWTH})")
    sys.exit(bool(failed) or growth > MOST_GROWTH)


def ask(port: int, script: Path) -> tuple[int, int]:
    """Send requests for some seconds; return the number of answers, and of those that failed or were cut."""
    load = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{SECONDS}s", "-s", str(script), f"http://127.0.0.1:{port}"]
    printed = subprocess.run(load, check=True, capture_output=True, text=True).stdout
    done, failed = (int(word) for word in printed.rpartition("COUNTED ")[2].split()[:2])
    return done, failed


if __name__ == "__main__":
    main()
