"""Upscaling of folders on a Ray cluster."""
