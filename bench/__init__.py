"""Benchmarks: ratios against a baseline of the same run, on a durable server of their own. Never a timed test."""
