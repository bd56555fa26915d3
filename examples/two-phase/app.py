# SPDX-License-Identifier: Apache-2.0
"""A small application with real background tasks: pages for people, JSON for machines."""

import os

import redis
from celery.result import AsyncResult
from flask import Flask, abort, jsonify, redirect, request

from tasks import SOCKET, celery, work

app = Flask(__name__)
names = redis.Redis(unix_socket_path=SOCKET, decode_responses=True)

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title} · Tasks</title></head>
<body><main><h1>{title}</h1>{body}</main></body></html>"""

FORM = """<form method="post" action="/start">
<label>Seconds <input name="seconds" value="1"></label>
<label>Outcome <select name="outcome">
<option>success</option><option>failure</option><option>never</option></select></label>
<button>Start</button></form>"""


def page(title, body):
    """A whole page. What is put in are our own texts and identifiers that we made."""
    return PAGE.format(title=title, body=body)


def begin(seconds, outcome):
    """Starts a task and remembers its identifier: Celery itself knows no list."""
    if outcome not in ("success", "failure", "never") or not 0 <= seconds <= 3600:
        abort(400, "seconds from 0 to 3600, outcome success, failure or never")
    task = work.delay(seconds, outcome)
    names.rpush("ids", task.id)
    return task.id


def show(task_id):
    """A task as machines see it."""
    return {"id": task_id, "state": AsyncResult(task_id, app=celery).state}


def known(task_id):
    """An identifier that we gave out: Celery says PENDING for any text at all."""
    if task_id not in names.lrange("ids", 0, -1):
        abort(404)
    return task_id


@app.get("/healthz")
def health():
    """Ready when a worker answers."""
    if not celery.control.ping(timeout=0.5):
        abort(503, "no worker yet")
    return jsonify(status="ok")


@app.get("/")
def home():
    """The page with the button."""
    return page("Start a task", FORM)


@app.post("/start")
def start_by_form():
    """What the button does."""
    try:
        seconds = float(request.form["seconds"])
    except ValueError:
        abort(400, "seconds is no number")
    return redirect("/started/" + begin(seconds, request.form["outcome"]), 303)


@app.get("/started/<task_id>")
def started(task_id):
    """Tells the identifier."""
    known(task_id)
    return page("Started", f'<p>Task <code data-testid="task-id">{task_id}</code></p>')


@app.get("/states")
def states():
    """All tasks with their states."""
    rows = "".join(
        f'<tr id="task-{task["id"]}"><td>{task["id"]}</td><td>{task["state"]}</td></tr>'
        for task in map(show, names.lrange("ids", 0, -1)))
    return page("States", f"<table>{rows}</table>")


@app.get("/tasks")
def list_tasks():
    """All tasks, oldest first."""
    return jsonify([show(task_id) for task_id in names.lrange("ids", 0, -1)])


@app.post("/tasks")
def start_by_json():
    """{seconds, outcome}: starts one."""
    wanted = request.get_json()
    task_id = begin(float(wanted.get("seconds", 1)), wanted.get("outcome", "success"))
    return jsonify(show(task_id)), 201


@app.get("/tasks/<task_id>")
def one_task(task_id):
    """One task."""
    return jsonify(show(known(task_id)))


@app.delete("/tasks/<task_id>")
def revoke_task(task_id):
    """Takes a task back, also one that is under way."""
    celery.control.revoke(known(task_id), terminate=True)
    return jsonify(id=task_id), 202


if __name__ == "__main__":
    app.run("127.0.0.1", int(os.environ["TWO_PHASE_PORT"]), threaded=True)
