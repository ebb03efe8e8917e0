"""A company's home in which files are loaded, and what landing then holds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from holdfast.flows.load import FileReport, LoadReport, load
from holdfast.warehouse.landing import Landing

#: Noon of the day on which a test begins.
FIRST_DAY = datetime(2025, 3, 1, 12, tzinfo=UTC)
SHARED = Path(__file__).resolve().parents[2].parent / "shared"


class Company:
    """One home. Each `load` happens a day after the one before, unless `now` is given."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "home"
        self.folder = folder / "files"
        self.folder.mkdir()
        self.landing = Landing(self.home)
        self.now = FIRST_DAY - timedelta(days=1)

    def file(self, name: str, content: str | bytes) -> Path:
        """Write a file. Lines of a text lose the spaces around them, so that tables can be indented."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, str):
            content = "\n".join(line.strip(" ") for line in content.strip("\n").split("\n")).encode()
        path.write_bytes(content)
        return path

    def load(
        self,
        *paths: Path,
        mapping: Path | None = None,
        now: datetime | None = None,
        currency: str = "USD",
        timezone: str = "UTC",
    ) -> LoadReport:
        self.now = now or self.now + timedelta(days=1)
        return load(
            self.home,
            paths,
            mapping=mapping,
            now=self.now,
            currency=currency,
            timezone=timezone,
            reporter=lambda _: None,
        )

    def load_text(self, name: str, content: str | bytes, **settings: Any) -> FileReport:
        """Load one file and give its report."""
        report = self.load(self.file(name, content), **settings)
        assert not report.problem, report.problem
        assert len(report.files) == 1
        return report.files[0]

    def rows(self, table: str, columns: str) -> list[tuple[Any, ...]]:
        """Landed rows in the order in which they were loaded and stood in their file."""
        files = [str(path) for path in self.landing.files(table)]
        if not files:
            return []
        query = f"select {columns} from read_parquet($files, union_by_name = true) order by load_no, source_row"
        return duckdb.execute(query, {"files": files}).fetchall()

    def mapping_of(self, report: FileReport) -> str:
        assert report.mapping is not None
        return report.mapping.read_text()


@pytest.fixture
def company(tmp_path: Path) -> Company:
    return Company(tmp_path)


@pytest.fixture
def third_party() -> Path:
    """Other people's data, which is not part of this repository."""
    folder = SHARED / "data"
    if not folder.is_dir():
        pytest.skip(f"third-party data is not here ({folder}); it is not shipped with the repository")
    return folder
