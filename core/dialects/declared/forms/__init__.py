"""The forms in which services take messages and tools: one file per family."""
