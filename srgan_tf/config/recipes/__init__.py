"""Functions that return a `Config`: one module for each family of networks."""
