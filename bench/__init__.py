"""Measures this provider and a plain dynamic provider on the real engine, in turns: ``make bench``."""
