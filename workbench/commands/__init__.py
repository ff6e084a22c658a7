"""Subcommands of ``workbench``, one file for each family: what is typed, checked and handed to who does it.

A member has ``add(command)``, which declares its arguments, and imports nothing heavy before they are read.
"""
