"""pandas: groups, windows, differences and correlations, missing values included, against central differences."""

import io

import numpy as np
import pytest

from workbench import check_gradient, jacobian, value_and_gradient
from workbench.autodiff import pushforward
from workbench.errors import NotDifferentiableError, RefusedError

pandas = pytest.importorskip("pandas")

PRICES = np.array([1.05, 1.3, 0.9, 1.6, 1.2, 2.0])
WEIGHTS = np.arange(1.0, 7.0)


def series(x):
    return pandas.Series(x)


def gappy(x):
    return pandas.Series([x[0], np.nan, x[1], x[2], np.nan, x[3], x[4], x[5]], dtype=float)


def table(x):
    return pandas.DataFrame({"p": x, "q": x[::-1] ** 2, "kind": list("ababba"), "w": WEIGHTS})


def held(x):
    filled = np.zeros(())
    filled[...] = x[0]
    return filled


def labelled(x, start, end):
    return pandas.Series(x[start:end] ** 2, index=np.sort(x[start:end]))


def joined(x, how):
    return (
        labelled(x, 0, 4).to_frame("a").join(labelled(x, 2, 6).to_frame("b"), how=how).fillna(0.5).sum(axis=1)
    )


def by_label(found):
    return np.sum(found.to_numpy() * found.index.to_numpy() ** 2)


def grouped(x):
    return table(x).groupby("kind")["p"]


def gappy_groups(x):
    return gappy(x).groupby(list("ababbaab"))


def filled_in_place(found, value, **options):
    found.fillna(value, inplace=True, **options)
    return found


def view_filled_in_place(column, value):
    found = pandas.Series(column.to_numpy(copy=True), copy=False)
    return filled_in_place(found, value) * column.fillna(value)


def weighted(found):
    found = found.fillna(0.0).to_numpy()
    return (found * np.arange(1.0, found.size + 1)).sum()


PROGRAMS = {
    **{f"groups: {how}": lambda x, how=how: weighted(getattr(grouped(x), how)()) for how in (
        "sum", "mean", "prod", "min", "max", "median", "var", "std", "sem", "first", "last",
        "cumsum", "cumprod", "cummax", "cummin", "diff", "shift",
    )},
    **{f"groups with gaps: {how}": lambda x, how=how: weighted(getattr(gappy_groups(x), how)()) for how in (
        "sum", "mean", "std", "cumsum", "cumprod", "cummax", "first", "count",
    )},
    "filled": lambda x: weighted(gappy(x).fillna(x[0] * x[1]) * series(x).shift(1, fill_value=x[2])),
    "groups: transform": lambda x: weighted(grouped(x).transform("mean") - grouped(x).transform("sum")),
    "groups: apply": lambda x: weighted(grouped(x).apply(lambda g: (g * g).sum())),
    "groups: agg": lambda x: table(x).groupby("kind").agg({"p": "sum", "q": "mean"})["q"].iloc[1],
    "groups: several": lambda x: table(x).groupby("kind")[["p", "q"]].sum().to_numpy().prod(),
    "groups: iterate": lambda x: sum(g["p"].sum() * k for k, (_, g) in enumerate(table(x).groupby("kind"))),
    "groups: min_count": lambda x: weighted(gappy_groups(x).sum(min_count=3)),
    "pivot": lambda x: table(x).pivot_table(index="kind", values="p", aggfunc="sum").loc["a"].iloc[0],
    "resample": lambda x: weighted(
        pandas.Series(x, index=pandas.date_range("2020", periods=6)).resample("2D").sum()
    ),
    "cut": lambda x: weighted(series(x).groupby(pandas.cut(WEIGHTS, 2), observed=True).mean()),
    **{f"windows: {how}": lambda x, how=how: weighted(getattr(series(x).rolling(3), how)()) for how in (
        "sum", "mean", "var", "std", "min", "max", "median", "count",
    )},
    **{f"windows with gaps: {how}": lambda x, how=how: weighted(
        getattr(gappy(x).rolling(3, min_periods=2), how)()
    ) for how in ("sum", "mean", "std")},
    "windows: empty": lambda x: weighted(gappy(x).rolling(1, min_periods=0).sum()),
    "windows: centred": lambda x: weighted(series(x).rolling(3, center=True).mean()),
    "windows: apply": lambda x: weighted(series(x).rolling(3).apply(lambda w: (w * w).sum())),
    "windows: apply raw": lambda x: weighted(series(x).rolling(3).apply(lambda w: w @ w, raw=True)),
    "windows: of a table": lambda x: weighted(table(x)[["p", "q"]].rolling(2).mean()["q"]),
    "windows: growing": lambda x: weighted(series(x).expanding().std()),
    "exponential": lambda x: weighted(series(x).ewm(span=3).mean()),
    "exponential: not adjusted": lambda x: weighted(series(x).ewm(span=3, adjust=False).mean()),
    "exponential: gaps": lambda x: weighted(gappy(x).ewm(span=3).mean()),
    "exponential: gaps ignored": lambda x: weighted(gappy(x).ewm(com=1.5, ignore_na=True, adjust=False).mean()),
    "exponential: sum": lambda x: weighted(series(x).ewm(alpha=0.4).sum()),
    "exponential: by its rate": lambda x: weighted(series(PRICES).ewm(com=x[0]).mean()),
    "differences": lambda x: weighted(series(x).diff() + series(x).diff(-2)),
    "differences of a table": lambda x: weighted(table(x)[["p", "q"]].diff()["q"]),
    "correlations": lambda x: table(x)[["p", "q", "w"]].corr().to_numpy()[[0, 1], [1, 2]].sum(),
    "correlations with gaps": lambda x: pandas.DataFrame({"a": gappy(x), "b": np.arange(8.0)}).corr().iloc[0, 1],
    "covariances": lambda x: table(x)[["p", "q"]].cov().to_numpy().sum(),
    "universal functions": lambda x: weighted(np.exp(series(x)) * (1 - np.isnan(series(x)))),
    **{f"ranks: {name}": lambda x, ranked=ranked: weighted(ranked(x)) * x[0] for name, ranked in {
        "column": lambda x: series(x).rank(pct=True), "table": lambda x: table(x)[["p", "q"]].rank()["q"],
        "groups": lambda x: grouped(x).rank(), "windows": lambda x: series(x).rolling(3).rank(),
    }.items()},
    "quantiles": lambda x: weighted(gappy(x).quantile([0.3, 0.6])) + weighted(table(x)[["p", "q"]].median()),
    "groups: quantile": lambda x: weighted(grouped(x).quantile([0.3, 0.6])),
    "groups: quantiles of a table": lambda x: weighted(table(x).groupby("kind")[["p", "q"]].quantile(0.3)["q"]),
    "windows: quantile": lambda x: weighted(gappy(x).rolling(3, min_periods=2).quantile(0.3, interpolation="lower")),
    "windows: skewness": lambda x: weighted(series(x).rolling(4).skew() + series(x).rolling(5).kurt()),
    "windows: correlation": lambda x: weighted(series(x).rolling(3).corr(series(x[::-1]))),
    "windows: covariance": lambda x: weighted(gappy(x).rolling(3, min_periods=2).cov(gappy(x * x))),
    **{f"exponential variance {options}": lambda x, options=options: weighted(gappy(x).ewm(**options).var())
       for options in ({"span": 3}, {"com": 1.5, "adjust": False}, {"span": 3, "ignore_na": True})},
    "exponential correlation": lambda x: weighted(series(x).ewm(span=3).corr(series(x[::-1]))),
    "fill": lambda x: weighted(gappy(x).ffill(limit=1) + gappy(x).bfill()),
    "fill a table": lambda x: weighted(pandas.DataFrame({"a": gappy(x), "b": gappy(x * x)}).ffill()["b"]),
    "fill along rows": lambda x: weighted(
        pandas.DataFrame({"a": gappy(x), "b": np.arange(8.0) * x[0]}).bfill(axis=1)["a"]
    ),
    **{f"interpolate: {how}": lambda x, how=how: weighted(gappy(x).interpolate(method=how)) for how in (
        "linear", "index", "cubic", "nearest",
    )},
    "interpolate a table": lambda x: weighted(pandas.DataFrame({"a": gappy(x), "b": gappy(x * x)}).interpolate()["b"]),
    "resample and interpolate": lambda x: weighted(
        pandas.Series(x, index=pandas.date_range("2020", periods=6)).resample("12h").interpolate()
    ),
    "largest": lambda x: weighted(series(x).nlargest(3)) + weighted(table(x).nsmallest(2, "p")["q"]),
    "unique": lambda x: (series(x).unique() ** 2).sum() * series(x).nunique(),
    "without duplicates": lambda x: weighted(pandas.concat([series(x), series(x)]).drop_duplicates()),
    "bins": lambda x: weighted(series(x * x).groupby(pandas.cut(x, [0.0, 1.1, 3.0]), observed=True).mean()),
    "quantile bins": lambda x: weighted(series(x * x).groupby(pandas.qcut(x, 2, labels=False)).mean()),
    "lambdas of groups": lambda x: weighted(grouped(x).agg(lambda g: (g * g).sum())),
    "named results of groups": lambda x: weighted(
        table(x).groupby("kind").agg(a=("p", "sum"), b=("q", lambda c: c.max()))["b"]
    ),
    "unstack": lambda x: weighted(table(x).groupby(["kind", "w"])["p"].sum().unstack().sum(axis=0)),
    "concat": lambda x: weighted(pandas.concat([table(x)[["p"]], table(x)[["q"]]])["q"]),
    "align": lambda x: weighted(series(x) + series(x[:3])) + weighted(series(x).add(series(x[:3]), fill_value=1.0)),
    "where": lambda x: np.where(series(x) > 1.1, series(x) ** 2, 0.3).sum() + weighted(series(x).mask(x > 1.1)),
    "printed": lambda x: weighted(series(x)) + (len(repr(series(x)) + repr(table(x))) > 100) * x[0],
    "moments": lambda x: series(x).skew() + gappy(x).kurt(),
    "apply by rows": lambda x: table(x)[["p", "q"]].apply(lambda r: r["p"] * r["q"], axis=1).sum(),
    "melt": lambda x: table(x)[["p", "q"]].melt()["value"].sum(),
    "merge": lambda x: weighted(
        table(x).merge(pandas.DataFrame({"kind": ["a", "b"], "z": x[:2]}), on="kind").eval("p * z")
    ),
    "series of numbers": lambda x: np.exp(pandas.Series([x[0], 2.0, x[1], None])).sum()
    + pandas.Series({"a": x[2], "b": x[3]}).std(),
    "series of one number": lambda x: weighted(np.log(pandas.Series(x[0], index=range(3)))),
    "table of numbers": lambda x: weighted(pandas.DataFrame([[x[0], x[1]], [3, x[2] * 2]], columns=["a", "b"]).std()),
    "table with text": lambda x: np.isfinite(
        pandas.DataFrame({"n": [x[0], 2], "c": [None, 3 * x[1]], "o": ["a", "b"]})["c"]
    ).sum(),
    "compared objects": lambda x: (lambda s: weighted(s[s > 1.0].astype(float)) + s[s < s.shift(1)].sum())(
        pandas.Series([x[0], 2.0, x[1]], dtype=object)
    ),
    "numbers that arrays hold": lambda x: weighted(pandas.Series([held(x), 2.0]) * held(x))
    + weighted(pandas.Series({"a": held(x), "b": x[1]})),
    "column of one number": lambda x: weighted(table(x).assign(n=x[1])["n"]),
    "filled in place": lambda x: weighted(filled_in_place(gappy(x), x[0] * x[1])) + weighted(
        filled_in_place(pandas.Series([1.0, np.nan, 2.0]), x[0], limit=1)
    ),
    "table filled in place": lambda x: weighted(
        filled_in_place(pandas.DataFrame({"a": gappy(x), "b": gappy(WEIGHTS)}), x[2], limit=1).sum(axis=1)
    ),
    "view filled in place": lambda x: weighted(view_filled_in_place(gappy(x) * 1.0, x[3])),
    "groups: ohlc": lambda x: grouped(x).ohlc().to_numpy().prod() + weighted(gappy_groups(x).ohlc().iloc[0]),
    "groups: largest row": lambda x: weighted(series(x * x)[grouped(x).idxmax()] * series(x)[grouped(x).idxmin()]),
    "groups: moments": lambda x: weighted(series(x).groupby([0, 0, 1, 1, 1, 1]).skew())
    + weighted(series(x).groupby([0, 0, 1, 1, 1, 1]).kurt()),
    "groups by what varies": lambda x: by_label(table(x).groupby("p")["q"].sum()),
    "factorize": lambda x: weighted(series(pandas.factorize(x)[1] ** 2))
    + weighted(series(pandas.factorize(x[::-1], sort=True)[1])),
    "labels that meet": lambda x: by_label(labelled(x, 0, 3).add(labelled(x, 2, 6), fill_value=0.5)),
    "tables joined": lambda x: by_label(joined(x, "outer") * 2) + by_label(joined(x, "inner"))
    + by_label(joined(x, "left")),
    "rows by labels": lambda x: labelled(x, 0, 6).loc[x[2]] * x[0] + labelled(x, 0, 6).reindex(np.sort(x)[1:3]).sum(),
    "labels nearby": lambda x: weighted(labelled(x, 0, 6).reindex([1.1, 1.4, 1.7], method="pad")),
    "several labels": lambda x: weighted(table(x).groupby(["kind", "p"])["q"].sum() ** 2),
    "series as an index": lambda x: np.sum(x[pandas.Series([True, False] * 3)] ** 2) + x[pandas.Series([2])][0],
    "numpy.interp of a series": lambda x: np.interp(series(x), [0.0, 1.1, 2.2], [0.0, 1.0, 4.0]).sum(),
}  # fmt: skip


def slopes(program, step=1e-6):
    """Central differences."""
    return np.array([(program(PRICES + e) - program(PRICES - e)) / (2 * step) for e in step * np.eye(6)])


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", PROGRAMS)
def test_columns_are_differentiated(name):
    program = PROGRAMS[name]
    value, slope = value_and_gradient(lambda x: program(x) + x[0])(PRICES)
    assert float(value - PRICES[0]) == pytest.approx(float(program(PRICES)), rel=1e-12)  # not to the last bit
    np.testing.assert_allclose(slope - np.eye(6)[0], slopes(program), rtol=1e-6, atol=1e-7)
    pushed = pushforward(lambda x: program(x) + x[0], PRICES)[1](WEIGHTS)
    assert float(pushed) == pytest.approx(float(slope @ WEIGHTS))


@pytest.mark.parametrize(
    "refused",
    [
        lambda x: series(x).array.sum(),
        lambda x: pandas.Interval(0.0, x[0]).length,
        lambda x: series(x).value_counts().index[0],
        lambda x: weighted(gappy(x).interpolate(method="pchip")),
        lambda x: weighted(series(WEIGHTS).groupby(pandas.cut(x, 2), observed=True).mean()),
        lambda x: weighted(series(x).rolling(3, win_type="triang").mean()),
        lambda x: pandas.read_csv(io.StringIO(f"a,b\n{x[0]},2"))["a"][0],
        lambda x: pandas.to_numeric(pandas.Series([f"{x[0]}", "2"]))[0],
    ],
)
def test_what_stays_compiled_is_refused(refused):
    with pytest.raises(RefusedError):
        value_and_gradient(refused)(PRICES)


def test_tables_have_no_jacobian():
    for program, x in (
        (lambda x: pandas.Series(x**2), PRICES),
        (lambda table: table.sum(), pandas.Series(PRICES)),
    ):
        with pytest.raises(NotDifferentiableError, match="one real number or array"):
            jacobian(program)(x)


def test_expressions_find_the_variables_of_the_program():
    def program(x):
        low, table = 1.1, pandas.DataFrame({"price": x, "weight": WEIGHTS[: len(x)]})  # noqa: F841  read by the text
        chosen = table.query("price > @low")["weight"].sum()
        table = table.eval("cost = price * weight + @low")
        return chosen * table.eval("sqrt(price) + cost").sum() + pandas.eval("low * table.price").sum()

    check_gradient(program, PRICES)


def test_columns_of_what_a_function_gives_for_each_value_are_numbers():
    def program(x):
        values = gappy(x).map(lambda v: v**2, na_action="ignore").fillna(0.5)
        by_name = pandas.Series([1, 2]).map(lambda k: x[k])
        return np.concatenate([series(x).apply(np.exp), values, by_name, table(x)[["p"]].map(np.sin)["p"]])

    assert (
        program(PRICES).dtype
        == value_and_gradient(lambda x: (program(x).sum(), program(x)), aux=True)(PRICES)[0][1].dtype
    )
    check_gradient(program, PRICES)
