"""Stands in for vLLM's server where the test is about processes: it starts at once and misbehaves on cue ($STAND_IN).

ok            listens, says it is healthy, and has a second process as vLLM's engine is one
fail          ends with an error, after the kind of noise that vLLM makes
hang          never listens
crash         ends a moment after it was healthy
port_taken    the first time, ends because another program has the port ($STAND_IN_MARK remembers)
"""

import json
import os
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

mode = os.environ.get("STAND_IN", "ok")
ENGINE = subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(600)"])


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        body = json.dumps({"pids": [os.getpid(), ENGINE.pid], "argv": sys.argv[1:], "env": dict(os.environ)}).encode()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body)
        if mode == "crash":
            threading.Timer(0.1, os._exit, [7]).start()


if mode == "fail":
    print("ValueError: no GPU has 900 GB of memory")
    print("\n".join(f"  File engine.py, line {number}" for number in range(40)))
    sys.exit(3)
if mode == "hang":
    time.sleep(600)
if mode == "port_taken" and not Path(os.environ["STAND_IN_MARK"]).exists():
    Path(os.environ["STAND_IN_MARK"]).touch()
    sys.exit("OSError: [Errno 98] Address already in use")
ThreadingHTTPServer(("127.0.0.1", int(sys.argv[sys.argv.index("--port") + 1])), Handler).serve_forever()
