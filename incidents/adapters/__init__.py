"""One adapter for each part of the world; none knows another."""
