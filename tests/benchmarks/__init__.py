"""Every performance bar of the kit, measured: ``python -m tests.benchmarks --peers PYTHON_OF_PEERS``.

A bench is a module ``bench_*.py`` here with a function ``measure``. It yields `Figure`s, or tuples of name, seconds and
bar. If it takes an argument, that is the `Setting`: a folder for its data, and the peers.
"""
