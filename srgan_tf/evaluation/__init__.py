"""Scores, tables, plots and the report page."""
