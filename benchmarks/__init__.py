"""What is measured, and how; `python3 run.py bench` runs it and writes benchmarks/README.md."""
