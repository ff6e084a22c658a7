"""SymPy keeps what it takes digit by digit, in whole numbers: a traced number is refused."""

from sympy.core import numbers

from workbench.rules.stand_ins import refuses

refuses(
    numbers._as_integer_ratio,
    why="write the program with sympy.lambdify, or keep numbers that vary outside of expressions",
)
