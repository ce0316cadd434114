#!/usr/bin/env bash
# huggingface_hub 2.4.0: of a film that fal refused after it had been queued (its status is COMPLETED, its result a 422 that
# says why, as fal does for content), the SDK fetches the result without looking at the status, and then misses the film:
# KeyError: 'video'. That it was refused, why, and that it is no mistake of the caller's program is lost; other answers of the
# queue are checked.
#   KeyError: 'video', and fal said: 422 content_policy_violation
# Exits with 1 if the SDK raises an error of its own.
set -euo pipefail
there=$(mktemp -d); trap 'rm -rf "$there"' EXIT; cd "$there"
python3 -m pip install --quiet --root-user-action=ignore --target wheels huggingface_hub==2.4.0
HF_HOME=$there PYTHONPATH=wheels python3 - <<'PYTHON'
import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

from huggingface_hub import InferenceClient, constants
from huggingface_hub.errors import HfHubHTTPError

MODEL, NAME = "tencent/HunyuanVideo", "fal-ai/hunyuan-video"
MAPPING = {"fal-ai": {"providerId": NAME, "status": "live", "task": "text-to-video"}}
QUEUED = {"request_id": "7", "status": "IN_QUEUE", "response_url": f"https://queue.fal.run/{NAME}/requests/7"}
REFUSED = {"detail": [{"loc": ["body", "prompt"], "msg": "flagged", "type": "content_policy_violation"}]}


class Fal(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path.startswith("/api/models/"):
            return self.say(200, {"id": MODEL, "inferenceProviderMapping": MAPPING})
        if path.endswith("/status"):
            return self.say(200, {**QUEUED, "status": "COMPLETED"})
        return self.say(422, REFUSED)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.say(200, QUEUED)

    def say(self, status: int, body: object) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Nothing."""


server = HTTPServer(("127.0.0.1", 0), Fal)
threading.Thread(target=server.serve_forever, daemon=True).start()
constants.ENDPOINT = f"http://127.0.0.1:{server.server_port}"
constants.INFERENCE_PROXY_TEMPLATE = constants.ENDPOINT + "/{provider}"
try:
    InferenceClient(provider="fal-ai", api_key="hf_x").text_to_video("a pond", model=MODEL)
except KeyError as error:
    print(f"KeyError: {error}, and fal said: 422 {REFUSED['detail'][0]['type']}")
    raise SystemExit(0)
except HfHubHTTPError as error:
    print(error)
raise SystemExit(1)
PYTHON
