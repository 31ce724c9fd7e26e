"""Side-by-side measurements of speed, as ratios in one run; run with `python -m benchmarks.NAME`."""
