"""An evaluation as files: `run` makes them all, the other modules one kind each."""
