"""The benchmark: what the numbers cost, beside pandas, date-spine SQL and the floor of mere reading and sorting."""

import os
import sys
from importlib.abc import MetaPathFinder


class _WithoutPandas(MetaPathFinder):
    """As where only the product is installed: pyarrow loads pandas, for a second, wherever it finds it."""

    def find_spec(self, fullname: str, *_: object) -> None:
        if fullname == "pandas":
            raise ModuleNotFoundError("pandas is the rival's alone", name=fullname)


if os.environ.get("BENCH_WITHOUT_PANDAS"):
    sys.meta_path.insert(0, _WithoutPandas())
