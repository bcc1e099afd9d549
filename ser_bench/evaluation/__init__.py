"""HOW it is evaluated: splits, units of work with their nested search, the run folder, the leaderboard; several runs merged.

In the order of a run: `plan` says which clips are evaluated, how they are split (`splits`), and which units of work there are (`units`;
`estimate` says for how long). `runner` fits those that are not done yet, each by `nested_cv` with `scaling` and `search` (`test_tuned`
tunes on the test set, to measure that leak); `epochs` shows how far long trainings are, `study_storage` copies studies to a database.
`tabulation` makes tables of the results, `refits` and `learning_curves` fit every row again on fewer speakers; `changed_clips` has copies
that are trained on and clips as test conditions have them, under which `conditions` evaluates every row. `leaderboard` scores and ranks the
rows, from the `evidence` of their predictions, with `cautions`; `metrics` has every other metric; `scoring` makes all of these of a run.
`diagnostics` has what a system's predictions show besides, `misclassified` what systems get wrong together, `parameter_importance` what
their searches found out. `run_folder` and `analysis_folders` own the files of all kinds of folders (`result_folder`), `score_tables` says
how tables of scores are written and read, `environment` what all was made with.
Published systems: `recipes` reads them, `published` has their splits, `reproduction` runs and scores them, and `explanation` says where
the difference comes from. Beside a run: `own_tables` checks features made elsewhere, `external` evaluates systems trained elsewhere,
`merge` joins several runs, whose systems `comparison` compares across corpora.
"""
