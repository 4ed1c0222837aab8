"""Values and decisions: pure, given the time, touching nothing."""
