"""For pytest: says of each case in a line how it went, and leaves out what the suite does around each of them."""
import os
import sys

import pytest

sys.path.insert(0, os.getcwd())

import s3tests.functional  # noqa: E402

# Lists and empties the buckets of three users before and after each case. The gateway is a fresh one for each batch.
s3tests.functional.setup = s3tests.functional.teardown = lambda: None

reported = set()


@pytest.hookimpl(trylast=True)
def pytest_runtest_logreport(report):
    if report.nodeid in reported or not (report.failed or report.skipped or report.when == "call"):
        return
    reported.add(report.nodeid)
    if report.passed:
        line = f"ok {report.nodeid}"
    else:
        crash = getattr(report.longrepr, "reprcrash", None)
        said = crash.message if crash else str(report.longrepr)
        line = f"FAIL {report.nodeid}\t{' '.join(said.split())[:300]}"
    print(f"\n{line}", flush=True)
