"""Trained generators that come with the package, each with a card that tells where it is from."""
