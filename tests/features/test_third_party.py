"""A package of somebody else's brings an extractor: the page's own example, installed."""

import base64
import hashlib
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pandas as pd
import pytest

from ser_bench.corpora import load_corpus

PAGE = Path(__file__).parents[2] / "docs" / "features.md"


def wheel(folder: Path) -> Path:
    """The page's package `loud` as a wheel."""
    text = PAGE.read_text(encoding="utf-8")
    (module,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    (points,) = re.findall(r'```toml\n\[project\.entry-points\."ser_bench\.extractors"\]\n(.*?)```', text, re.DOTALL)
    about = "loud-1.0.dist-info"
    files = {
        "loud.py": module,
        f"{about}/METADATA": "Metadata-Version: 2.1\nName: loud\nVersion: 1.0\n",
        f"{about}/WHEEL": "Wheel-Version: 1.0\nGenerator: by hand\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{about}/entry_points.txt": "[ser_bench.extractors]\n" + points.replace('"', ""),
    }
    digests = {name: base64.urlsafe_b64encode(hashlib.sha256(data.encode()).digest()).rstrip(b"=").decode() for name, data in files.items()}
    files[f"{about}/RECORD"] = "".join(f"{name},sha256={digests[name]},\n" for name in digests) + f"{about}/RECORD,,\n"
    path = folder / "loud-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Where the package is installed."""
    install = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--python", sys.executable, "--no-index", "--no-deps"]
    subprocess.run([*install, "--target", tmp_path / "site", wheel(tmp_path)], check=True)
    return os.environ | {"PYTHONPATH": str(tmp_path / "site")}


def test_an_installed_package_s_extractor_is_listed_takes_parameters_and_is_extracted(environment, tmp_path):
    command = Path(sys.executable).with_name("ser-bench")
    listed = subprocess.run([command, "features"], env=environment, capture_output=True, text=True, check=True).stdout
    assert "loud\n" in listed
    assert "my thesis" in listed
    folder = load_corpus("tones(speakers=2,emotions=3,takes=2)", cache=tmp_path / "made").folder
    options = ["-f", "audioemotion26+loud(rate=8000)", "--jobs", "1", "--cache", tmp_path / "store"]
    subprocess.run([command, "extract", folder, *options], env=environment, check=True, capture_output=True)
    (part,) = (tmp_path / "store").glob("loud-*/part-*.parquet")
    rows = pd.read_parquet(part)
    assert len(rows) == 12
    assert all(0 < mean < peak <= 1 for peak, mean in rows["values"])
