"""Procedures of several API calls: start once, wait, find, delete."""
