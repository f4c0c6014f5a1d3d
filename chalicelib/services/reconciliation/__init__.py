"""Reconciliation: finds what drifted, explains it, and mends what may be mended.

facts: one reseller's sources, counted at one moment. names: claims and links, both ways.
runs: a pass over everything, in pieces. repairs: what each action does. resolution: a
person's decision about one finding. sync: one reseller, now.
"""
