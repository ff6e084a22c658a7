"""Checkpoints: a training's whole state in one file, written whole or not at all, the last two kept.

The file is a plain ``torch.save`` archive that loads with ``weights_only=True``: tensors, numbers, texts and
containers of them. ``checkpoint.pt`` is the newest; ``checkpoint.previous.pt`` is the one before.
"""

from __future__ import annotations

import io
import os
import pickle
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from workbench.errors import CheckpointError
from workbench.files import flush_folder, write_whole
from workbench.training.loop import Training

SCHEMA = 1


class CheckpointWarning(UserWarning):
    """The newest checkpoint cannot be read; the one before it was used."""


def save_checkpoint(path: Path | str, training: Training, provenance: Mapping[str, Any]) -> None:
    """Write the state of ``training``; the file that was there becomes the previous one.

    Args:
        path: the file; its folder must exist.
        training: between two iterations.
        provenance: whose state this is: showcase, parameters, versions. Plain values only.
    Raises:
        CheckpointError: the folder is missing or read-only, or the disk is full. What was there is intact.
    """
    path = Path(path)
    pending = path.with_name(f"{path.stem}.next{path.suffix}")
    content = io.BytesIO()
    torch.save({"schema": SCHEMA, "provenance": dict(provenance), "training": training.state_dict()}, content)
    try:
        write_whole(pending, content.getvalue())
        if path.exists():
            os.replace(path, previous_of(path))
        os.replace(pending, path)
        flush_folder(path.parent)
    except OSError as error:
        raise CheckpointError(
            f"the checkpoint of iteration {training.iteration} cannot be written",
            found=error.strerror or str(error),
            where=str(path),
            fix="make room or choose a folder you may write to; earlier checkpoints are intact",
        ) from error


def load_checkpoint(
    path: Path | str, training: Training, *, expected: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Bring ``training`` to the state in the newest good checkpoint at ``path``.

    Args:
        path: the name given to ``save_checkpoint``.
        training: made with the same settings as the one that was saved.
        expected: what the provenance must say, for example the showcase and its parameters.
    Returns:
        the provenance.
    Raises:
        CheckpointError: none there, none readable, made by a newer version, or of another training. The
            training is as it was.
    Warns:
        CheckpointWarning: the newest is damaged and the previous one was taken.
    """
    path = Path(path)
    candidates = [file for file in (path, previous_of(path)) if file.exists()]
    if not candidates:
        raise CheckpointError("there is no checkpoint", where=str(path), fix="start without resuming")
    damage = []
    for file in candidates:
        try:
            content = _read(file)
        except _DamagedError as error:
            damage.append(f"{file.name}: {error}")
            continue
        _check_ours(file, content, expected or {})
        training.load_state_dict(content["training"])
        if damage:
            warnings.warn(
                f"{damage[0]}; went back to the checkpoint of iteration {training.iteration} ({file.name})",
                CheckpointWarning,
                stacklevel=2,
            )
        return content["provenance"]
    raise CheckpointError(
        "no readable checkpoint",
        found="; ".join(damage),
        where=str(path),
        fix="start afresh in another folder, or delete these files",
    )


def has_checkpoint(path: Path | str) -> bool:
    """Whether ``load_checkpoint`` has something to read at ``path``."""
    return Path(path).exists() or previous_of(path).exists()


def previous_of(path: Path | str) -> Path:
    """Where the checkpoint before the newest is kept: ``checkpoint.pt`` → ``checkpoint.previous.pt``."""
    path = Path(path)
    return path.with_name(f"{path.stem}.previous{path.suffix}")


class _DamagedError(Exception):
    """This file is no whole checkpoint."""


def _read(file: Path) -> dict[str, Any]:
    """The content of a checkpoint file, every byte of it checked against the archive's checksums."""
    try:
        with zipfile.ZipFile(file) as archive:
            broken = archive.testzip()
        if broken:
            raise _DamagedError(f"damaged, the checksum of {broken} is wrong")
        content = torch.load(file, map_location="cpu", weights_only=True)
        content["schema"], content["provenance"], content["training"]
    except _DamagedError:
        raise
    except pickle.UnpicklingError as error:
        raise _DamagedError("it holds more than tensors and plain values, so it is not ours") from error
    except Exception as error:
        # Damaged bytes make the readers raise nearly anything: BadZipFile, zlib.error, NotImplementedError, …
        raise _DamagedError("truncated, damaged or unreadable, it is not a whole checkpoint") from error
    return content


def _check_ours(file: Path, content: Mapping[str, Any], expected: Mapping[str, Any]) -> None:
    if content["schema"] > SCHEMA:
        raise CheckpointError(
            "this checkpoint was made by a newer version of the workbench",
            found=f"got schema {content['schema']}, expected at most {SCHEMA}",
            where=str(file),
            fix="update the workbench, or start afresh in another folder",
        )
    provenance = content["provenance"]
    for name, mine in expected.items():
        theirs = provenance.get(name)
        if theirs != mine:
            raise CheckpointError(
                f"this checkpoint belongs to another {name if name != 'parameters' else 'set of parameters'}",
                found=_difference(name, theirs, mine),
                where=str(file),
                fix="use what it was made with, or start afresh in another folder",
            )


def _difference(name: str, theirs: Any, mine: Any) -> str:
    if isinstance(theirs, Mapping) and isinstance(mine, Mapping):
        for key in [*mine, *theirs]:
            if theirs.get(key) != mine.get(key):
                return f"got {key} = {theirs.get(key)!r}, expected {mine.get(key)!r}"
    return f"got {name} = {theirs!r}, expected {mine!r}"
