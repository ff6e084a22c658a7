"""Derivative knowledge, one file per domain. Importing this package fills the engine's registry.

To add a rule, put it in the file of its domain and a case for it into ``tests/rules``; a rule without a case fails
the tests. Users add rules of their own with ``@workbench.rule``.
"""

from workbench.rules import (  # noqa: F401  # noqa: F401, I001  after ours: they fill what is left
    builtins,
    complex_numbers,
    constants,
    elementwise,
    hips,
    in_place,
    linalg,
    products,
    rearranging,
    reductions,
    sequences,
)
