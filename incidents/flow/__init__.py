"""The road: load, decide and save, speaking to the world through ports."""
