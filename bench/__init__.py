"""Figures: they are printed, never judged."""
