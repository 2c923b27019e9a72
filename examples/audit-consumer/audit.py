"""Prints one line for each fact in Scoria's log: when, who, from where, what, in which stream, refused or not.

Reads through EventStoreDB's protocol (SCORIA_EVENTSTORE_PORT=2113 npm start) with the official Python client. The
position is saved behind each printed fact, so that a restart goes on where it was; what was printed but not yet saved
when the process was killed is printed again.

    python audit.py [--uri esdb://127.0.0.1:2113?tls=false] [--position audit.position] [--follow]
"""

import argparse
import datetime
import json
import os
import sys

from esdbclient import EventStoreDBClient


def saved(file):
    """The commit position behind which to go on; None: from the first event."""
    if not os.path.exists(file):
        return None
    with open(file, encoding="ascii") as opened:
        return int(opened.read())


def save(file, position):
    """Written beside and renamed, so that it is never half a number."""
    with open(file + ".new", "w", encoding="ascii") as opened:
        opened.write(str(position))
        opened.flush()
        os.fsync(opened.fileno())
    os.replace(file + ".new", file)


def line(event):
    """None for events of other programs."""
    try:
        metadata, data = json.loads(event.metadata), json.loads(event.data)
        actor = metadata["actor"]
    except (ValueError, KeyError, TypeError):
        return None
    at = datetime.datetime.fromtimestamp(metadata["at"] / 1000, datetime.timezone.utc)
    refused = event.stream_name.startswith("refusals-")
    return "  ".join([
        at.isoformat(timespec="milliseconds"),
        f"{actor['userId']}@{actor['projectId']}",
        metadata.get("origin", "-"),
        event.type,
        event.stream_name,
        "refused " + json.dumps(data, sort_keys=True) if refused else "done",
    ])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--uri", default="esdb://127.0.0.1:2113?tls=false")
    parser.add_argument("--position", default="audit.position", help="file that keeps how far the log was read")
    parser.add_argument("--follow", action="store_true", help="wait for new facts instead of ending with the log")
    options = parser.parse_args()
    client = EventStoreDBClient(options.uri)
    after = saved(options.position)
    try:
        if options.follow:
            events = client.subscribe_to_all(commit_position=after)
        else:
            events = client.read_all(commit_position=after)
        for event in events:
            # A read begins with the event at the position, a subscription behind it.
            if after is not None and event.commit_position <= after:
                continue
            text = line(event)
            if text is not None:
                print(text, flush=True)
            save(options.position, event.commit_position)
    except KeyboardInterrupt:
        sys.exit(130)
    finally:
        client.close()


if __name__ == "__main__":
    main()
