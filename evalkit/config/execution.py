"""The `execution:` block: where local models score."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from evalkit.config.settings import PositiveInt, Settings


class ExecutionSettings(Settings):
    """Who scores in the quality pass; whatever is timed is timed in this process.

    Attributes
    ----------
    engine
        ``local``: this process. ``ray`` (extra ``ray``): the actors of a Ray cluster, each with the model in memory.
    address
        ``auto`` joins the cluster of this machine, ``local`` starts one for the occasion (several processes on one
        machine), ``host:port`` joins that one.
    replicas
        Actors.
    cpus_per_replica, gpus_per_replica
        What each of them has to itself: a model runs in as many threads as its replica has processors.
    """

    engine: Literal["local", "ray"] = "local"
    address: str = "auto"
    replicas: PositiveInt = 1
    cpus_per_replica: PositiveInt = 1
    gpus_per_replica: Annotated[float, Field(ge=0)] = 0.0
