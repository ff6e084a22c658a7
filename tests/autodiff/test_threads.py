"""Other threads go on recording; other processes get no traced value, neither bare nor in an array."""

import asyncio
import concurrent.futures
import multiprocessing
import multiprocessing.pool
import threading

import numpy as np
import pytest

from workbench import gradient
from workbench.errors import LostGradientError


def squares(array):
    return np.sum(array * array)


def filled(x):
    array = np.zeros(3)
    array[:] = x
    return array


class _Worker(threading.Thread):
    def __init__(self, array):
        super().__init__()
        self.array, self.found = array, None

    def run(self):
        self.found = squares(self.array)


def by_subclass(x):
    worker = _Worker(filled(x))
    worker.start()
    worker.join()
    return worker.found


def by_timer(x):
    found = []
    timer = threading.Timer(0.0, lambda array: found.append(squares(array)), [filled(x)])
    timer.start()
    timer.join()
    return found[0]


def by_thread_pool(x):
    with multiprocessing.pool.ThreadPool(1) as pool:
        return pool.map(squares, [filled(x)])[0]


def by_to_thread(x):
    async def main():
        loop = asyncio.get_running_loop()
        return await asyncio.to_thread(squares, filled(x)) + await loop.run_in_executor(
            None, squares, filled(x)
        )

    return asyncio.run(main()) / 2


@pytest.mark.parametrize("program", [by_subclass, by_timer, by_thread_pool, by_to_thread])
def test_another_thread_records(program):
    assert gradient(program)(1.5) == pytest.approx(9.0)


def by_pool(x):
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.map(squares, [filled(x)])[0]


def by_queue(x):
    queue = multiprocessing.get_context("spawn").SimpleQueue()
    queue.put(filled(x))
    return queue.get().sum()


def by_executor(x):
    with concurrent.futures.ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as executor:
        return next(iter(executor.map(squares, [filled(x)])))


@pytest.mark.parametrize("program", [by_pool, by_queue, by_executor])
def test_another_process_gets_no_traced_value(program):
    with pytest.raises(LostGradientError, match="another process") as caught:
        gradient(program)(1.5)
    assert f"in {program.__name__}" in caught.value.where


def _put(shared, x):
    shared.value = x * x


class _Putting(multiprocessing.get_context("fork").Process):
    def __init__(self, shared, x):
        super().__init__()
        self.shared, self.x = shared, x

    def run(self):
        _put(self.shared, self.x)


FORK = multiprocessing.get_context("fork")


@pytest.mark.parametrize(
    "process",
    [
        lambda shared, x: FORK.Process(target=_put, args=(shared, x)),
        lambda shared, x: FORK.Process(target=lambda: _put(shared, x)),
        _Putting,
    ],
)
def test_a_process_that_is_forked_gets_no_traced_number(process):
    def program(x, sent):
        shared = FORK.Value("d", 0.0)
        child = process(shared, sent)
        child.start()
        child.join()
        return shared.value * x

    with pytest.raises(LostGradientError, match="sent to another process"):
        gradient(lambda x: program(x, x))(2.0)
    assert gradient(lambda x: program(x, 3.0))(2.0) == 9.0
