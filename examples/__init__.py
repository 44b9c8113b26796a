"""Programs that use pybridge as anybody would."""
