"""One file per platform: how that platform's calls reach the core."""
