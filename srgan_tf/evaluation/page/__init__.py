"""report.html: its templates, tables and picture viewers."""
