"""The user's own pictures: formats, jobs, upscaling into files."""
