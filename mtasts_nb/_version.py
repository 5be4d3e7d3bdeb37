"""The version, alone, so that packaging need not import anything else."""

__version__ = "0.1.0"
