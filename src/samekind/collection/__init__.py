"""Pictures that are kept: one folder, one table, brought up to date by sync."""

from samekind.collection.collection import Collection
from samekind.collection.info import Info
from samekind.collection.migrate import MigrateReport
from samekind.collection.retune import TuneReport
from samekind.collection.sync import SyncReport

__all__ = ["Collection", "Info", "MigrateReport", "SyncReport", "TuneReport"]
