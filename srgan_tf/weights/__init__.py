"""Trained generators that come with the package, each with a model card."""
