"""Sweeps: many runs of one showcase, on this machine's processors or on a cluster, and what they say together.

    grid      what was typed after -p, as points of the parameters' space
    plan      the runs of a sweep, their identities, and the record of the sweep
    cluster   the Dask scheduler and workers, and who may be connected to
    work      what a worker does: one run, as a function or as a notebook
    driver    hands out runs, takes their results in, tells of progress, ends cleanly
    summary   the report of a sweep
    tuning    runs chosen by Optuna, one batch after the other

Every run is an ordinary run in an ordinary folder (see ``workbench.reports.store``): what is finished is
skipped, wherever it was done. A new way to choose points makes ``Job`` records and gives them to ``driver``.
"""
