"""What `ser_bench` offers, for editors and type checkers; `__init__.py` looks the same names up when they are used."""

from ser_bench import figures as figures
from ser_bench.api import ablate as ablate
from ser_bench.api import audit as audit
from ser_bench.api import cross as cross
from ser_bench.api import export as export
from ser_bench.api import fit as fit
from ser_bench.api import leaderboard as leaderboard
from ser_bench.api import load as load
from ser_bench.api import plan_study as plan_study
from ser_bench.api import reproduce as reproduce
from ser_bench.api import run as run
from ser_bench.api import run_config as run_config
from ser_bench.api import score as score
from ser_bench.api import splits as splits
from ser_bench.bundle.bundle import Bundle as Bundle
from ser_bench.config import RunConfig as RunConfig
from ser_bench.corpora import Corpus as Corpus
from ser_bench.corpora import FileNameReader as FileNameReader
from ser_bench.corpora import load_corpus as load_corpus
from ser_bench.errors import SerBenchError as SerBenchError
from ser_bench.errors import WorkFailed as WorkFailed
from ser_bench.errors import WrongArgument as WrongArgument
from ser_bench.errors import WrongCall as WrongCall
from ser_bench.evaluation.merge import Merged as Merged
from ser_bench.features import Extractor as Extractor
from ser_bench.features.extract import extract as extract
from ser_bench.models import Model as Model
from ser_bench.results import Ablated as Ablated
from ser_bench.results import Audited as Audited
from ser_bench.results import Crossed as Crossed
from ser_bench.results import Reproduced as Reproduced
from ser_bench.results import Results as Results

__version__: str
__all__ = [
    "Ablated",
    "Audited",
    "Bundle",
    "Corpus",
    "Crossed",
    "Extractor",
    "FileNameReader",
    "Merged",
    "Model",
    "Reproduced",
    "Results",
    "RunConfig",
    "SerBenchError",
    "WorkFailed",
    "WrongArgument",
    "WrongCall",
    "__version__",
    "ablate",
    "audit",
    "cross",
    "export",
    "extract",
    "figures",
    "fit",
    "leaderboard",
    "load",
    "load_corpus",
    "plan_study",
    "reproduce",
    "run",
    "run_config",
    "score",
    "splits",
]
