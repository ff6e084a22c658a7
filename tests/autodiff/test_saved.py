"""Numbers that come back out of a file would be constants: a program that saves and loads them is told so."""

import csv
import tempfile

import numpy as np
import pytest

from workbench import gradient, stop_gradient
from workbench.errors import LostGradientError


def saved(path, x):
    np.save(path / "field", x)
    return np.load(path / "field.npy").sum()


def saved_together(path, x):
    np.savez(path / "fields.npz", x=x)
    return np.load(str(path / "fields.npz"))["x"].sum()


def saved_as_text(path, x):
    np.savetxt(fname=path / "field.txt", X=x)
    return np.loadtxt(fname=path / "field.txt").sum()


def dumped(path, x):
    x.tofile(path / "field.bin")
    return np.fromfile(path / "field.bin").sum()


def saved_in_an_open_file(path, x):
    with open(path / "field.npy", "wb") as file:
        np.save(file, x)
    with open(path / "field.npy", "rb") as file:
        return np.load(file).sum()


@pytest.mark.parametrize("program", [saved, saved_together, saved_as_text, dumped, saved_in_an_open_file])
def test_what_was_saved_is_not_read_as_a_constant(program, tmp_path):
    x = np.array([1.0, 2.0])
    with pytest.raises(LostGradientError, match="a file that traced values were saved in") as told:
        gradient(lambda x: program(tmp_path, x))(x)
    assert f"in {program.__name__}" in str(told.value)
    assert program(tmp_path, x) == 3.0


def test_files_that_hold_no_traced_values_are_read(tmp_path):
    def program(x):
        np.save(tmp_path / "result.npy", x)
        np.save(tmp_path / "table.npy", np.arange(2.0))
        return np.load(tmp_path / "table.npy") @ x

    def stopped(x):
        np.save(tmp_path / "result.npy", x)
        np.save(tmp_path / "result.npy", stop_gradient(x))
        return np.load(tmp_path / "result.npy") @ x

    x = np.array([1.0, 2.0])
    np.testing.assert_array_equal(gradient(program)(x), [0.0, 1.0])
    np.testing.assert_array_equal(np.load(tmp_path / "result.npy"), x)
    np.testing.assert_array_equal(gradient(stopped)(x), x)


def written(path, x):
    with open(path / "lines.txt", "w") as file:
        file.write(f"{x[0]}\n")
        print(x[1], file=file)
    with open(path / "lines.txt") as file:
        return sum(float(line) for line in file)


def written_at_once(path, x):
    (path / "line.txt").write_text(str(x.sum()))
    return float((path / "line.txt").read_text())


def written_in_one_file(path, x):
    with tempfile.TemporaryFile("w+") as file:
        file.write(f"{x[0]} {x[1]}")
        file.seek(0)
        return sum(map(float, file.readline().split()))


def written_as_a_table(path, x):
    with open(path / "table.csv", "w") as file:
        csv.writer(file).writerow(x)
    with open(path / "table.csv") as file:
        return sum(float(word) for word in next(csv.reader(file)))


@pytest.mark.parametrize("program", [written, written_at_once, written_in_one_file, written_as_a_table])
def test_numbers_are_not_read_out_of_text_that_was_written(program, tmp_path):
    x = np.array([1.0, 2.0])
    with pytest.raises(LostGradientError, match="text that a traced number is written in"):
        gradient(lambda x: program(tmp_path, x))(x)
    assert program(tmp_path, x) == 3.0


def test_text_of_constants_is_read_and_that_of_numbers_printed(tmp_path):
    def program(x):
        (tmp_path / "constant.txt").write_text("3.0")
        with open(tmp_path / "log.txt", "a") as log:
            log.write(f"{x}\n")
        with open(tmp_path / "log.txt") as log:
            lines = log.readlines()
        return float((tmp_path / "constant.txt").read_text()) * x[0] * len(lines)

    np.testing.assert_array_equal(gradient(program)(np.array([1.0, 2.0])), [3.0, 0.0])


def _written_anew(path):
    with open(path / "note", "w") as file:
        file.write("3.0")


def _moved_over(path):
    (path / "plain").write_text("3.0")
    (path / "plain").rename(target=path / "note")


@pytest.mark.parametrize("instead", [_written_anew, _moved_over])
def test_text_in_place_of_text_of_a_traced_number_is_read(instead, tmp_path):
    def program(x):
        with open(tmp_path / "note", "w") as file:
            file.write(f"{x}")
        instead(tmp_path)
        with open(tmp_path / "note") as file:
            return float(file.read()) * x

    assert gradient(program)(2.0) == 3.0
