"""Does a backend keep its promises? Asked by the runner of a sample, and by ``evalkit probe`` of everything."""

from evalkit.checking.pointwise import PointwiseCheck, check_pointwise

__all__ = ["PointwiseCheck", "check_pointwise"]
