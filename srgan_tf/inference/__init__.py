"""Upscalers, wrappers around them, and loading of models."""
