"""Settings, presets and overrides."""
