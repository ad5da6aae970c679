"""A trained generator at work: upscalers, their wrappers, loading."""
