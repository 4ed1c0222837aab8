"""Speed as ratios: the road against the bare parts that it stands on, in one run on one machine."""
