from __future__ import annotations

from pathlib import Path

import boto3
import pytest

from psp_core.adapters.reports.shelves import FolderShelf, shelf_at
from psp_local.sqs import EmbeddedSqs


class TestShelfAt:
    def test_puts_a_file_into_a_folder(self, tmp_path: Path) -> None:
        source = tmp_path / "source"
        source.write_text("totals")

        url = shelf_at(f"file:{tmp_path / 'reports'}").put(source, name="a/b.csv")

        assert url == (tmp_path / "reports/a/b.csv").as_uri()
        assert (tmp_path / "reports/a/b.csv").read_text() == "totals"
        assert [path.name for path in (tmp_path / "reports/a").iterdir()] == ["b.csv"]

    def test_reads_and_copies_in_a_folder(self, tmp_path: Path) -> None:
        source = tmp_path / "source"
        source.write_text("totals")
        shelf = shelf_at(f"file:{tmp_path / 'reports'}")
        shelf.put(source, name="a/b.csv")

        shelf.copy("a/b.csv", to="c.csv")

        assert (shelf.read("c.csv"), shelf.read("nothing")) == (b"totals", None)
        assert (shelf.find("c.csv"), shelf.find("nothing")) == ((tmp_path / "reports/c.csv").as_uri(), None)

    def test_puts_a_file_into_s3(self, tmp_path: Path, sqs: EmbeddedSqs, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", sqs.endpoint_url)
        client = boto3.client("s3")
        client.create_bucket(Bucket="psp-reports")
        source = tmp_path / "source"
        source.write_text("totals")

        url = shelf_at("s3://psp-reports/settlements/").put(source, name="a/b.csv")

        assert url == "s3://psp-reports/settlements/a/b.csv"
        stored = client.get_object(Bucket="psp-reports", Key="settlements/a/b.csv")
        assert stored["Body"].read() == b"totals"
        shelf = shelf_at("s3://psp-reports/settlements/")
        shelf.copy("a/b.csv", to="c.csv")
        assert (shelf.read("c.csv"), shelf.read("nothing")) == (b"totals", None)
        assert (shelf.find("c.csv"), shelf.find("nothing")) == ("s3://psp-reports/settlements/c.csv", None)

    def test_refuses_another_address(self) -> None:
        with pytest.raises(ValueError, match="PSP_REPORTS_URL"):
            shelf_at("ftp://somewhere")

    def test_resolves_a_relative_folder(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)

        assert shelf_at("file:reports") == FolderShelf(tmp_path / "reports")
