"""Captioned pictures after their cues were counted across all regions: what rests on a rare cue waits for an audit."""

from culturebench.artifacts._captioned import SCHEMA
from culturebench.artifacts._table import Table

STAGE = "ground"
DIRECTORY = "data/grounded"
PATH = DIRECTORY + "/{region}.parquet"
TABLE = Table(stage=STAGE, key=("picture_id",), schema=SCHEMA)
#: Tokens, cost, audits and held-back captions of each region.
COUNTS = "reports/metrics/captions.json"
