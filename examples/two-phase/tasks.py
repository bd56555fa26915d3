# SPDX-License-Identifier: Apache-2.0
"""The background tasks of the example: each takes a while and then ends as it was told to."""

import os
import time

from celery import Celery

SOCKET = os.environ["TWO_PHASE_SOCKET"]  # of the private Redis, see start.py

celery = Celery("tasks", broker=f"redis+socket://{SOCKET}", backend=f"redis+socket://{SOCKET}")
celery.conf.update(
    task_track_started=True,
    task_acks_late=True,
    broker_connection_retry_on_startup=True,
    broker_transport_options={"visibility_timeout": 3600},
)


class WantedFailure(Exception):
    """What a task that is to fail fails with."""


@celery.task(name="work")
def work(seconds, outcome):
    """Takes `seconds` and succeeds, fails, or ("never") does not end by itself."""
    end = time.monotonic() + seconds
    while time.monotonic() < end or outcome == "never":
        time.sleep(0.05)
    if outcome == "failure":
        raise WantedFailure("as it was told to")
    return {"seconds": seconds}
