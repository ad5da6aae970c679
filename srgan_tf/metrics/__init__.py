"""Scores of one picture.

`fidelity` holds functions of `(reference, estimate)`, `niqe`, `stlpips` and `lpips` perceptual ones; `table` names all
of them as functions of a `Sample` and says which protocol asks for which.
"""
