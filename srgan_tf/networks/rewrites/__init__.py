"""Graph rewrites: mathematically equivalent networks that are faster or thread-safe."""
