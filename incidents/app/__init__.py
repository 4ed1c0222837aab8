"""Settings, wiring and the command line: the only floor that reads the environment."""
