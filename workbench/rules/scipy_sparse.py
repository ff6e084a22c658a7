"""Rules of ``scipy.sparse``."""
