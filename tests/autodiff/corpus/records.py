"""Structured and record arrays: fields, records, rows before and after something traced is written."""

import numpy as np

from . import program

X = np.array([0.7, -1.3, 2.1, 0.4])
POINT = np.dtype([("x", float), ("v", float)])
NESTED = np.dtype([("p", POINT), ("k", int)])


@program(X)
def fields_and_records(x):
    s = np.zeros(3, POINT)
    s["x"] = x[:3]
    s[0]["v"] = x[3] * x[0]
    s["v"][1:] = x[1:3] ** 2
    s[2] = (x[2] * x[3], x[0])
    s[1]["x"] *= 2.0
    return np.sum(s["x"] * s["v"]) + s[1]["x"] * s["v"][0]


@program(X)
def rows_taken_before_the_write(x):
    s = np.zeros(3, POINT)
    row, other = s[0], s[1]
    s["x"] = x[:3]
    other["v"] = x[3]
    return (
        row["x"] ** 2 + row[0] * s["v"][1] + sum(other) + sum(row.tolist()) + row.item()[0] + len(row) * x[0]
    )


@program(X)
def rows_in_a_loop(x):
    s = np.zeros(4, POINT)
    for k, row in enumerate(s):
        row["x"], row["v"] = x[k], x[k] * x[0]
    total = 0.0
    for a, b in s:
        total += a * b**2
    return total + sum(a * b for a, b in s.tolist())


@program(X)
def arrays_made_of_records(x):
    s = np.array([(x[0], x[1]), (x[2], 2.0)], dtype=POINT)
    t = np.array([((x[3], x[0]), 3)], dtype=NESTED)
    return np.sum(s["x"] ** 2 * s["v"]) + np.sum(t["p"]["x"] * t["k"]) * t["p"]["v"][0]


@program(X)
def records_copied(x):
    s = np.zeros(4, POINT)
    s["x"], s["v"] = x, x**2
    copied = s.copy()
    copied["x"] *= 2.0
    s[1] = s[0]
    s[2:] = copied[:2]
    by_x = np.sort(copied, order="x")
    positive = copied[copied["x"] > 0]
    return np.sum(s["x"] * s["v"]) + by_x["v"][0] * by_x["x"][-1] + np.sum(positive["x"] ** 3)


@program(X)
def records_arranged(x):
    s = np.zeros(2, NESTED)
    s["p"]["x"], s["k"] = x[:2], [3, 5]
    s[1] = ((x[2], x[3]), 4)
    t = np.concatenate([s, s[:1]])[[2, 0, 1]]
    u = np.take(t, [1, 1])
    w = np.where(np.array([True, False]), s, s[::-1])
    total = np.sum(t["p"]["v"] * t["k"]) + np.sum(u["p"]["x"] ** 3) * np.sum(w["p"]["x"] ** 2)
    return total + np.sum(s.reshape(2, 1)["p"]["x"] ** 2)


@program(X)
def record_arrays(x):
    s = np.rec.array([(1.0, 2.0), (3.0, 4.0)], dtype=POINT)
    first = s[0]
    s[1].x = x[0]
    s.v = x[:2]
    s.x[0] = x[1]
    t = np.rec.fromarrays([x, x**2], names="a,b")
    u = np.zeros(4, POINT).view(np.recarray)
    u.x = x
    return sum(row.x * row.v for row in s) + first.x * first["v"] + np.sum(t.a * t.b) + np.sum(u.x**2)


@program(X)
def records_sorted_whose_fields_have_axes(x):
    s = np.zeros(2, [("p", float, (2,)), ("k", int)])
    s["p"], s["k"] = x.reshape(2, 2), [2, 1]
    by_k = np.sort(s, order="k")
    s.sort(order="k")
    return by_k["p"][0, 1] * s["p"][1, 0] + by_k["p"][1, 1] ** 2


@program(X)
def records_in_nested_lists(x):
    s = np.array([[(x[0], 2.0), (3.0, x[1])], [(x[2], x[3]), (1.0, 0.0)]], POINT)
    return np.sum(s["x"] ** 2) + s[0, 1]["v"] * s[1, 0]["v"]


@program(X)
def fields_of_one_record_in_a_loop(x):
    s = np.array([(x[0], 2)], [("x", float), ("k", int)])
    return sum(float(value) ** 2 for value in s[0]) * x[1]


@program(X)
def fields_named_by_numpys_text(x):
    s = np.zeros(2, POINT)
    for name in np.array(["x", "v"]):
        s[name] = x[:2] * x[2]
    return np.sum(s[np.str_("x")] * s["v"]) + s[0][np.str_("v")]


@program(X)
def numbers_side_by_side_as_records(x):
    rows = x.reshape(2, 2).copy()
    s = rows.view(POINT)
    s["v"] *= s["x"]
    sorted_rows, first = np.unique(rows.view([("", float)] * 2), return_index=True)
    whole = sorted_rows.view(float) * np.array([1.0, 2.0, 3.0, 4.0])
    return np.sum(whole**2) + rows[first[0], 1] * s[1, 0]["x"]
