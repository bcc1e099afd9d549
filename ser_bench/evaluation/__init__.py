"""HOW it is evaluated: splits, units of work with their nested search, the run folder, the leaderboard; several runs merged."""
