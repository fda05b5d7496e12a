"""How good a converted data set is, measured from its stored columns alone: no check made earlier is
trusted.
"""

from asd.quality.figures import quality_figures

__all__ = ["quality_figures"]
