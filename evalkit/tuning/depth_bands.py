"""Bands of depths: they keep the guarantee of a threshold valid at a depth that the same queries chose."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DepthBand:
    """Depths that share one threshold.

    Attributes
    ----------
    lowest, highest
        First and last depth, both included.
    bands
        Number of bands that cover all depths.
    """

    lowest: int
    highest: int
    bands: int

    @property
    def depths(self) -> range:
        """Every depth of the band."""
        return range(self.lowest, self.highest + 1)

    def confidence(self, overall: float) -> float:
        """Return the confidence level of each threshold of the band, so that all bands together have `overall`."""
        return 1 - (1 - overall) / self.bands


def band_of(depth: int, deepest: int) -> DepthBand:
    """Return the band of a depth: 1, 2-3, 4-7, 8-15, ...; the last one ends at `deepest`.

    Notes
    -----
    A threshold that is chosen at depth d by Learn-then-Test breaks its guarantee with a probability of at most
    ``1 - confidence``, if d is fixed. If the same queries chose d, they may favour the depth at which they lose least
    by chance, and the guarantee is broken more often. Keeping a part of the queries for the threshold alone would take
    half of them. Instead the guarantee holds at every depth at once, and so at the chosen one:

    - Within a band, the lowest of its thresholds is used. Let d0 be the depth of the band whose highest admissible
      threshold is lowest. If the lowest threshold is too high at any depth of the band, it is too high at d0, and then
      so is the threshold of d0 itself, which has the level of one test. So a band costs no level, however many depths
      it has (an intersection-union test; the loss of recall does not fall as the threshold rises).
    - The level is divided by the number of bands (Bonferroni). Bands double in length, because the candidates of nearby
      depths are nearly the same: 100 depths are 7 bands. This costs less than splitting the queries in halves: the
      excess over the target grows with the root of ``log(bands / level)``, which is 1.3 times as large, against 1.4.

    References
    ----------
    Berger, "Multiparameter hypothesis testing and acceptance sampling", Technometrics 24 (1982): intersection-union
    tests. Angelopoulos et al., "Learn then Test" (2021), section 2: any procedure that controls the family-wise error.
    """
    lowest = 1 << (depth.bit_length() - 1)
    return DepthBand(lowest, min(2 * lowest - 1, deepest), deepest.bit_length())
