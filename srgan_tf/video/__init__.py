"""Upscaling of video files with PyAV; the extra [video]."""
